#include "rest/relationship.h"

#include <array>
#include <chrono>

namespace lockstep::rest {

namespace {

double seconds(Duration d) { return std::chrono::duration<double>(d).count(); }

json::object end_of(std::string system, std::string pool, std::string group) {
  json::object end;
  end["System"] = std::move(system);
  end["Pool"] = std::move(pool);
  end["Group"] = std::move(group);
  return end;
}

std::string peer_name(const Call& call, SystemId id) {
  if (id == call.system.self().id) return call.system.self().name;
  for (const replica::PeerReport& report : call.system.engine().peers())
    if (report.peer.id == id) return report.peer.name;
  return text_of(id);
}

// The operations that the present CopyState allows.
json::array operations_now(const replica::Report& report) {
  json::array out;
  for (replica::Operation operation : replica::operations_of(report.relationship.sync_type)) {
    replica::Cell cell = replica::cell(report.relationship.sync_type, operation, report.copy_state);
    if (cell.kind != replica::Cell::Kind::refused && cell.kind != replica::Cell::Kind::not_offered) out.emplace_back(replica::name_of(operation));
  }
  return out;
}

void add_settings(json::object& body, const replica::Settings& settings) {
  body["Mode"] = replica::name_of(settings.mode);
  body["RecoveryPointObjectiveSeconds"] = settings.rpo_seconds;
  body["OnLinkLoss"] = settings.on_link_loss == replica::LinkLoss::stop ? "Stop" : "Continue";
  body["OnRecoveryPointExceeded"] = settings.on_rpo == replica::RpoAction::pace ? "Pace" : "Alert";
  body["LimitBytesPerSecond"] = bytes(settings.limit_per_second);
  body["LimitSchedule"] = replica::text_of(settings.schedule);
  body["Compress"] = settings.compress;
  body["JournalBudgetBytes"] = bytes(settings.journal_budget);
  body["AdaptiveBoundMilliseconds"] = settings.adaptive_bound_ms;
}

void add_state(json::object& body, const replica::Report& report) {
  body["ModeInForce"] = report.mode_in_force ? json::value(replica::name_of(*report.mode_in_force)) : json::value(nullptr);
  body["CopyState"] = replica::name_of(report.copy_state);
  body["RequestedCopyState"] = report.requested == replica::CopyState::not_applicable ? json::value(nullptr) : json::value(replica::name_of(report.requested));
  body["ProgressStatus"] = replica::name_of(report.progress);
  body["PercentSynced"] = static_cast<std::int64_t>(report.percent_synced);
  body["Reachable"] = report.reachable;
  body["LastContact"] = report.last_contact ? time_or_null(*report.last_contact) : json::value(nullptr);
  body["Cause"] = text_or_null(report.cause);
  body["Conflict"] = text_or_null(report.conflict);
  body["LagSeconds"] = seconds(report.lag);
  body["RecoveryPointExceeded"] = report.rpo_violated;
  body["Pacing"] = report.pacing;
  body["BacklogBytes"] = bytes(report.backlog);
  body["CopyBytes"] = bytes(report.to_copy);
  body["CopiedBytes"] = bytes(report.copied);
  body["BytesPerSecond"] = report.bytes_per_second;
  body["SecondsLeft"] = report.eta ? json::value(seconds(*report.eta)) : json::value(nullptr);
  body["SentBytes"] = bytes(report.sent_total);
  body["ReceivedBytes"] = bytes(report.received_total);
  body["Position"] = text_of(report.position);
}

std::string_view health_of(const replica::Report& report) {
  if (report.copy_state == replica::CopyState::broken || !report.conflict.empty()) return "Critical";
  if (report.verified && !report.verified->good()) return "Warning";
  if (report.rpo_violated || report.copy_state == replica::CopyState::mixed || (!report.cause.empty() && !report.reachable)) return "Warning";
  return "OK";
}

}  // namespace

json::object relationship_body(const Call& call, const replica::Report& report) {
  const replica::Relationship& r = report.relationship;
  std::string path = relationship_path(r.name);
  json::object body;
  body["@odata.id"] = path;
  body["@odata.type"] = "#LockstepRelationship.v1_0_0.LockstepRelationship";
  body["Id"] = r.name;
  body["Name"] = r.name;
  body["RelationshipId"] = text_of(r.id);
  body["Role"] = r.end == replica::End::source ? "Source" : "Target";
  body["Local"] = r.peer == call.system.self().id;
  body["SyncType"] = replica::name_of(r.sync_type);
  add_settings(body, r.settings);
  const Names& names = call.names;
  json::object here = end_of(call.system.self().name, names.pool(r.pool), names.group(r.pool, r.group));
  json::object there = end_of(peer_name(call, r.peer), r.peer_pool, r.peer_group);
  bool source_here = r.end == replica::End::source;
  body["Source"] = source_here ? here : there;
  body["Target"] = source_here ? there : here;
  add_state(body, report);
  body["PointInTime"] = replica::is_point(r.sync_type) ? time_or_null(r.when_activated) : json::value(nullptr);
  body["Created"] = time_or_null(r.created);
  body["WhenEstablished"] = time_or_null(r.when_established);
  body["WhenSynchronized"] = time_or_null(r.when_synchronized);
  body["WhenActivated"] = time_or_null(r.when_activated);
  body["WhenSuspended"] = time_or_null(r.when_suspended);
  body["WhenFailedOver"] = time_or_null(r.when_failed_over);
  body["Status"] = {{"State", "Enabled"}, {"Health", health_of(report)}};
  body["Verification"] = report.verified ? json::value(verification_body(*report.verified)) : json::value(nullptr);
  body["Operations"] = operations_now(report);
  json::object actions;
  for (replica::Operation operation : replica::operations_of(r.sync_type)) {
    std::string name = "LockstepRelationship." + std::string(replica::name_of(operation));
    actions["#" + name] = {{"target", path + "/Actions/" + name}};
  }
  std::string verify = "LockstepRelationship.Verify";
  actions["#" + verify] = {{"target", path + "/Actions/" + verify}};
  body["Actions"] = std::move(actions);
  return body;
}

namespace {

json::value bytes_or_null(std::optional<Bytes> value) { return value ? json::value(bytes(*value)) : json::value(nullptr); }

}  // namespace

json::object forecast_body(const replica::Forecast& forecast) {
  json::object body;
  body["Direction"] = forecast.direction;
  body["Bytes"] = bytes_or_null(forecast.bytes);
  body["BytesAtMost"] = bytes_or_null(forecast.bytes ? forecast.bytes : forecast.bytes_at_most);
  body["OverwrittenBytes"] = bytes_or_null(forecast.overwritten);
  json::array steps;
  for (const std::string& step : forecast.steps) steps.emplace_back(step);
  json::array warnings;
  for (const std::string& warning : forecast.warnings) warnings.emplace_back(warning);
  body["Steps"] = std::move(steps);
  body["Warnings"] = std::move(warnings);
  return body;
}

std::vector<replica::Report> relationships_once(Call& call) {
  std::vector<replica::Report> out;
  for (replica::Report& report : call.system.relationships()) {
    bool far_end_of_local = report.relationship.peer == call.system.self().id && report.relationship.end == replica::End::target;
    if (!far_end_of_local) out.push_back(std::move(report));
  }
  return out;
}

std::optional<replica::Report> find_relationship(Call& call, const std::string& name) {
  for (replica::Report& report : relationships_once(call))
    if (report.relationship.name == name || text_of(report.relationship.id) == name) return std::move(report);
  return std::nullopt;
}

}  // namespace lockstep::rest
