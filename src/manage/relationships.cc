#include "manage/relationships.h"

#include <algorithm>
#include <utility>

#include "manage/advice.h"
#include "manage/refusal.h"
#include "manage/undoing.h"
#include "manage/works.h"

namespace lockstep::manage {

namespace {

// The operation's number, and whether the relationship's state allows it. Callers of SM speak with the force that the model implies.
struct Checked {
  replica::Operation operation;
  replica::Cell cell;
};

Answer<Checked> check_operation(const replica::Report& report, std::uint16_t number) {
  if (number < 2 || number > 25) return bad_parameter("Operation", "Operation " + std::to_string(number) + " is not one of 2 to 25", "Give one of the operations that the relationship lists.");
  auto operation = static_cast<replica::Operation>(number);
  Result<replica::Cell> cell = replica::check(report.relationship.sync_type, operation, report.copy_state, true);
  if (!cell) return refuse(cell.error().in("relationship '" + report.relationship.name + "'"), report.relationship.name);
  return Checked{operation, *cell};
}

// On the pool's loop.
rt::Task<VolumeUuid> uuid_of(pool::Pool* pool, VolumeId volume) {
  auto row = pool->catalog().volumes.find(volume);
  co_return row == pool->catalog().volumes.end() ? VolumeUuid{} : row->second.uuid;
}

std::optional<Awaited> awaited_after(RelationshipId id, const replica::Cell& cell) {
  switch (cell.kind) {
    case replica::Cell::Kind::leads:
    case replica::Cell::Kind::copies: return Awaited{id, {cell.to}};
    case replica::Cell::Kind::gone: return Awaited{id, {}};
    default: return std::nullopt;
  }
}

}  // namespace

Answer<replica::Report> Relationships::find(const std::string& relationship) const {
  auto id = parse_id<RelationshipId>(relationship);
  std::optional<replica::Report> found;
  for (replica::Report& report : engine_->reports()) {
    bool match = report.relationship.name == relationship || (id && report.relationship.id == *id);
    if (!match) continue;
    if (!found || report.relationship.end == replica::End::source) found = std::move(report);
  }
  if (!found) return no_such("relationship", relationship, "Synchronization");
  return *std::move(found);
}

rt::Task<Answer<Outcome>> Relationships::operate(Caller caller, std::string relationship, std::uint16_t operation) {
  CO_ASK_VOID(require(caller, RoleName::operate, "changing a relationship"));
  CO_ASK(replica::Report known, find(relationship));
  Result<replica::Report> now = co_await engine_->report(known.relationship.id);
  replica::Report report = now ? *std::move(now) : std::move(known);
  CO_ASK(Checked checked, check_operation(report, operation));
  Outcome outcome;
  outcome.object = report.relationship.name;
  if (checked.cell.kind == replica::Cell::Kind::no_op) co_return outcome;
  const replica::Relationship& r = report.relationship;
  bool of_pairs = checked.operation == replica::Operation::add_sync_pair || checked.operation == replica::Operation::remove_sync_pair;
  if (of_pairs) co_return bad_parameter("SyncPairs", std::string(replica::name_of(checked.operation)) + " names no pair", "Name the volume of each at this end.");
  std::string what = std::string(replica::name_of(checked.operation)) + " " + r.name;
  Jobs::Patience patience{std::chrono::seconds(1), Duration{0}};
  std::string object = r.name;
  std::unique_ptr<Work> work = operating(*engine_, r.id, r.name, checked.operation, awaited_after(r.id, checked.cell));
  co_return co_await jobs_.run(std::move(what), std::move(object), std::move(work), patience);
}

rt::Task<Answer<Outcome>> Relationships::remove(Caller caller, std::string relationship) {
  CO_ASK_VOID(require(caller, RoleName::operate, "ending a relationship"));
  CO_ASK(replica::Report report, find(relationship));
  CO_ASK(Checked checked, check_operation(report, static_cast<std::uint16_t>(replica::Operation::detach)));
  const replica::Relationship r = report.relationship;
  std::vector<std::string> groups{text_of(r.group)};
  for (const replica::Report& other : engine_->reports())   // of a local one, the other end
    if (other.relationship.id == r.id && other.relationship.group != r.group) groups.push_back(text_of(other.relationship.group));
  std::unique_ptr<Work> work = operating(*engine_, r.id, r.name, checked.operation, awaited_after(r.id, checked.cell));
  Jobs::Patience patience{std::chrono::seconds(1), Duration{0}};
  std::string what = "Delete " + r.name;
  std::string object = r.name;
  co_return co_await jobs_.run(std::move(what), std::move(object), clearing(std::move(work), *storage_, std::move(groups)), patience);
}

bool Relationships::is_paired(VolumeUuid volume) const {
  for (const replica::Report& report : engine_->reports())
    if (std::ranges::any_of(report.relationship.pairs, [&](const auto& pair) { return pair.first == volume; })) return true;
  return false;
}

rt::Task<Answer<Outcome>> Relationships::operate_pairs(Caller caller, std::string relationship, std::uint16_t operation, std::vector<std::string> volumes) {
  CO_ASK_VOID(require(caller, RoleName::operate, "changing a relationship"));
  CO_ASK(replica::Report known, find(relationship));
  Result<replica::Report> now = co_await engine_->report(known.relationship.id);
  replica::Report report = now ? *std::move(now) : std::move(known);
  const replica::Relationship& r = report.relationship;
  if (operation < 2 || operation > 25) co_return bad_parameter("Operation", "Operation " + std::to_string(operation) + " is not one of 2 to 25", "Give one of the operations that the relationship lists.");
  auto wanted = static_cast<replica::Operation>(operation);
  if (volumes.empty()) co_return bad_parameter("SyncPairs", std::string(replica::name_of(wanted)) + " names no pair", "Name the volume of each at this end.");
  std::vector<VolumeUuid> uuids;
  for (const std::string& volume : volumes) {
    CO_ASK(VolumeAt at, co_await locate_volume(pools_, volume, "SyncPairs"));
    VolumeUuid uuid = co_await rt::run_on(at.hold.loop(), uuid_of(&at.hold.pool(), at.id));
    bool member = std::ranges::any_of(r.pairs, [&](const auto& pair) { return pair.first == uuid; });
    if (!member && wanted != replica::Operation::add_sync_pair) {
      std::string message = "relationship '" + r.name + "' has no pair with volume '" + volume + "'";
      co_return refuse(Refusal{ReturnCode::not_found, std::move(message), "`lockstep volume list` shows which volumes are in which group.", "SyncPairs", Code::not_found});
    }
    if (!member && wanted == replica::Operation::add_sync_pair && !is_paired(uuid)) {
      std::string message = "volume '" + volume + "' is in no relationship whose pair could be brought into '" + r.name + "'";
      co_return refuse(Refusal{ReturnCode::not_found, std::move(message), "Replicate it to the same system first (`lockstep replica create`), and add its pair when it is Synchronized.", "SyncPairs", Code::not_found});
    }
    if (std::ranges::find(uuids, uuid) == uuids.end()) uuids.push_back(uuid);
  }
  Outcome outcome;
  outcome.object = r.name;
  bool of_pairs = wanted == replica::Operation::add_sync_pair || wanted == replica::Operation::remove_sync_pair;
  bool all = !of_pairs && (uuids.size() == r.pairs.size() || replica::group_only(wanted));
  if (all) co_return co_await operate(std::move(caller), text_of(r.id), operation);
  Result<replica::Cell> cell = replica::group_only(wanted) ? replica::check(r.sync_type, wanted, report.copy_state, true) : replica::check_pair(r.sync_type, wanted, report.copy_state);
  if (!cell && wanted == replica::Operation::add_sync_pair) cell = replica::Cell{replica::Cell::Kind::configures};   // one that broke off is completed in any state: the engine knows
  if (!cell) co_return refuse(cell.error().in("relationship '" + r.name + "'"), r.name);
  if (cell->kind == replica::Cell::Kind::no_op) co_return outcome;
  std::string what = std::string(replica::name_of(wanted)) + " " + r.name + ", " + std::to_string(uuids.size()) + (uuids.size() == 1 ? " pair" : " pairs");
  std::string object = r.name;
  Jobs::Patience patience{std::chrono::seconds(5), Duration{0}};
  std::unique_ptr<Work> work = manage::operating_pairs(*engine_, r.id, r.name, wanted, std::move(uuids));
  Answer<Outcome> done = co_await jobs_.run(std::move(what), std::move(object), std::move(work), patience);
  if (done && !done->job) done->object = r.name;
  co_return done;
}

rt::Task<Answer<replica::Forecast>> Relationships::forecast(Caller caller, std::string relationship, std::uint16_t operation) {
  CO_ASK_VOID(require(caller, RoleName::read_only, "a forecast"));
  CO_ASK(replica::Report report, find(relationship));
  CO_ASK(Checked checked, check_operation(report, operation));
  Result<replica::Forecast> forecast = co_await engine_->forecast(report.relationship.id, checked.operation);
  if (!forecast) co_return refuse(forecast.error(), report.relationship.name);
  co_return *std::move(forecast);
}

rt::Task<Answer<>> Relationships::change(Caller caller, std::string relationship, replica::Settings settings) {
  CO_ASK_VOID(require(caller, RoleName::operate, "changing a relationship"));
  CO_ASK(replica::Report report, find(relationship));
  const replica::Relationship& r = report.relationship;
  CO_ASK_VOID(check_recovery_point(r.sync_type, settings.mode, settings.rpo_seconds));
  if (r.sync_type == replica::SyncType::mirror && settings.mode != replica::Mode::synchronous && settings.rpo_seconds == 0) settings.rpo_seconds = 30;
  if (settings.adaptive_bound_ms == 0 || settings.adaptive_bound_ms > 60000)
    co_return bad_parameter("AdaptiveBoundMilliseconds", std::to_string(settings.adaptive_bound_ms) + " ms is no bound", "Give 1 to 60000.");
  Result<> done = co_await engine_->set(r.id, settings);
  if (!done) co_return refuse(done.error(), r.name);
  co_return Answer<>{};
}

rt::Task<Answer<>> Relationships::set_defaults(Caller caller, std::string group, ReplicaDefaults defaults) {
  CO_ASK_VOID(require(caller, RoleName::operate, "changing a group"));
  CO_ASK_VOID(check_settings(defaults.target_element_supplier, defaults.thin_provisioning_policy));
  CO_ASK(GroupAt at, co_await locate_group(pools_, std::move(group), "this"));
  ReplicaDefaults usual;
  if (defaults.target_element_supplier == 0) defaults.target_element_supplier = usual.target_element_supplier;
  if (defaults.thin_provisioning_policy == 0) defaults.thin_provisioning_policy = usual.thin_provisioning_policy;
  Result<> saved = co_await defaults_.set(at.row.id, defaults);
  if (!saved) co_return refuse(saved.error(), at.row.name);
  co_return Answer<>{};
}

// Looking needs no right to change anything.
rt::Task<Answer<Outcome>> Relationships::verify(Caller caller, std::string relationship, replica::VerifyRequest request) {
  CO_ASK_VOID(require(caller, request.repair || request.read ? RoleName::operate : RoleName::read_only, "verifying a relationship"));
  CO_ASK(replica::Report report, find(relationship));
  const replica::Relationship& r = report.relationship;
  CO_ASK_VOID(check_comparable(report));
  std::string object = r.name;
  std::string what = "Verify " + r.name + (request.read ? ", reading" : "") + (request.repair ? ", repairing" : "");
  Jobs::Patience patience{std::chrono::seconds(1), Duration{0}};
  co_return co_await jobs_.run(std::move(what), std::move(object), verifying(*engine_, r.id, r.name, request), patience);
}

// Refusals that can be told from here; the engine knows more.
Answer<> Relationships::check_comparable(const replica::Report& report) const {
  const replica::Relationship& r = report.relationship;
  const std::string who = "relationship '" + r.name + "'";
  if (replica::is_point(r.sync_type))
    return refuse(Refusal{ReturnCode::not_supported, who + " is a " + std::string(replica::name_of(r.sync_type)) + ": its source has gone on without it, so there is nothing to compare",
                          "Read its volumes, or open them with a drill and --read: every block is checked against its checksum.", r.name, Code::unsupported});
  if (r.end == replica::End::target) {
    std::string there = text_of(r.peer);
    for (const replica::PeerReport& peer : engine_->peers())
      if (peer.peer.id == r.peer) there = peer.peer.name;
    return refuse(Refusal{ReturnCode::not_supported, who + " is verified where its source is, and that is on system '" + there + "'", "Run `lockstep replica verify " + r.name + "` on system '" + there + "'.", r.name, Code::unsupported});
  }
  using enum replica::CopyState;
  const replica::CopyState state = report.copy_state;
  if (state == synchronized || state == unsynchronized || state == mixed || state == skewed) return {};
  return wrong_state(r.name, who + " is " + std::string(replica::name_of(state)) + ": nothing flows, so its ends are at no common position", towards_synchronized(r.sync_type, state, r.name));
}

std::unique_ptr<Work> Relationships::resumed(Awaited awaited) { return awaiting(*engine_, std::move(awaited)); }

void Relationships::start() {
  notice(false);
  noticing_.spawn(notice_regularly());
}

rt::Task<void> Relationships::notice_regularly() {
  // As `while (co_await …) notice(true);` g++ 12 compiles this to a trap.
  for (bool goes_on = true; goes_on;) {
    goes_on = co_await rt::sleep_for(loop_, std::chrono::seconds(1), noticing_.stop());
    if (goes_on) notice(true);
  }
}

void Relationships::notice(bool tell) {
  std::map<RelationshipId, std::string> now;
  for (const replica::Report& report : engine_->reports()) now[report.relationship.id] = report.relationship.name;
  if (tell) {
    for (const auto* side : {&now, &names_}) {
      const auto& other = side == &now ? names_ : now;
      for (const auto& [id, name] : *side) {
        if (other.contains(id)) continue;
        Event event;
        event.kind = side == &now ? "Created" : "Deleted";
        event.object_type = "Relationship";
        event.object = name;
        events_.emit(std::move(event));
      }
    }
  }
  names_ = std::move(now);
}

void Relationships::changed(const replica::Change& change) {
  notice(true);
  Event event;
  event.kind = change.what;
  event.before = change.before;
  event.after = change.after;
  event.cause = change.cause;
  if (!change.volume.empty()) {
    event.object_type = change.volume.find('/') == std::string::npos ? "Pool" : "Volume";
    event.object = change.volume;
  } else if (change.relationship.is_none()) {   // "b: reachable"
    event.object_type = "Peer";
    std::size_t colon = change.after.find(": ");
    if (colon != std::string::npos) {
      event.object = change.after.substr(0, colon);
      event.after.erase(0, colon + 2);
      if (event.before.starts_with(event.object + ": ")) event.before.erase(0, colon + 2);
    }
  } else {
    event.object_type = "Relationship";
    auto name = names_.find(change.relationship);
    event.object = name == names_.end() ? text_of(change.relationship) : name->second;
  }
  bool broken = change.what == "CopyState" && change.after == replica::name_of(replica::CopyState::broken);
  bool conflict = change.what == "Conflict" && !change.after.empty();
  bool late = (change.what == "Lag" && change.after == "over RPO") || change.what == "Sibling";
  bool away = event.object_type == "Peer" && event.after == "unreachable";
  bool mended = change.what == "Repair" && change.after == "repaired";
  bool damaged = change.what == "Repair" && !mended;
  bool differs = change.what == "Verify" && change.after != "equal";
  event.severity = broken || conflict || damaged ? Severity::critical : late || away || mended || differs ? Severity::warning : Severity::information;
  events_.emit(std::move(event));
}

}  // namespace lockstep::manage
