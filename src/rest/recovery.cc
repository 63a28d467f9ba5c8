// Recovery points of groups, and drills.
#include "rest/call.h"

namespace lockstep::rest {

namespace {

double seconds_of(Duration length) { return std::chrono::duration<double>(length).count(); }

json::object point_body(const replica::RecoveryPoint& point) {
  json::object out;
  out["Time"] = time_or_null(point.time);
  out["Position"] = text_of(point.position);
  out["Name"] = point.name;
  out["SnapshotId"] = text_of(point.snapshot);
  out["Held"] = point.held;
  return out;
}

json::object points_body(const manage::GroupPoints& points) {
  json::object body;
  body["@odata.id"] = recovery_points_path(points.pool, points.group);
  body["@odata.type"] = "#LockstepRecoveryPoints.v1_0_0.LockstepRecoveryPoints";
  body["Id"] = points.pool + ":" + points.group;
  body["Name"] = "Recovery points of " + points.group;
  body["Group"] = points.group;
  body["Pool"] = points.pool;
  body["RewindWindowSeconds"] = static_cast<std::uint64_t>(seconds_of(points.known.window.time));
  body["RewindBytes"] = bytes(points.known.window.bytes);
  body["HeldBytes"] = bytes(points.known.held);
  body["Range"] = nullptr;
  if (const auto& range = points.known.range) {
    body["Range"] = {{"From", time_text(range->from)}, {"To", time_text(range->to)}, {"FromPosition", text_of(range->first)}, {"ToPosition", text_of(range->last)}};
  }
  json::array discrete;
  for (const replica::RecoveryPoint& point : points.known.points) discrete.push_back(point_body(point));
  body["Points"] = std::move(discrete);
  return body;
}

rt::Task<Reply> get_points(Call& call) {
  manage::Answer<manage::GroupPoints> points = co_await call.system.recovery_points(name_of_id(call.ids[0]));
  if (!points) co_return refused(points.error(), Named::by_url);
  co_return ok(points_body(*points));
}

rt::Task<Reply> get_all_points(Call& call) {
  std::vector<manage::GroupInfo> groups = co_await call.system.groups();
  std::vector<json::object> members;
  for (const manage::GroupInfo& info : groups) {
    manage::Answer<manage::GroupPoints> points = co_await call.system.recovery_points(info.pool + "/" + info.row.name);
    if (points) members.push_back(points_body(*points));
  }
  co_return collection(call, "LockstepRecoveryPointsCollection", "Recovery points", std::string(oem_path) + "/RecoveryPoints", std::move(members));
}

rt::Task<Reply> rewind(Call& call) {
  Body body(call.body);
  std::string to = body.required_text("To");
  std::string name = body.text("Name").value_or("");
  bool dry_run = body.boolean("DryRun").value_or(false);
  if (auto fault = body.fault()) co_return std::move(*fault);
  auto named = [](const manage::Refusal& refusal) { return refusal.parameter == "Group" ? Named::by_url : Named::by_body; };
  std::string group = name_of_id(call.ids[0]);
  if (!dry_run) {
    manage::Answer<manage::Outcome> outcome = co_await call.system.rewind_group(call.caller, group, to, name);
    if (!outcome) co_return refused(outcome.error(), named(outcome.error()));
    manage::PoolAndName made = manage::split_name(outcome->object);
    json::object out;
    out["Group"] = outcome->object;
    co_return outcome_reply(call, *outcome, created(group_path(made.pool, made.name), std::move(out)));
  }
  manage::Answer<replica::RewindForecast> forecast = co_await call.system.forecast_rewind(call.caller, group, to, name);
  if (!forecast) co_return refused(forecast.error(), named(forecast.error()));
  json::object out;
  out["Time"] = time_or_null(forecast->time);
  out["Position"] = text_of(forecast->position);
  out["Snapshot"] = forecast->snapshot;
  out["SnapshotTime"] = time_or_null(forecast->snapshot_time);
  out["ReplayBytes"] = bytes(forecast->replay);
  out["Records"] = forecast->records;
  json::array volumes;
  for (const std::string& volume : forecast->volumes) volumes.emplace_back(volume);
  out["Volumes"] = std::move(volumes);
  co_return ok(std::move(out));
}

rt::Task<Reply> get_drills(Call& call) {
  std::vector<manage::Drill> drills = co_await call.system.drills();
  std::vector<json::object> members;
  for (const manage::Drill& drill : drills) members.push_back(drill_body(drill));
  co_return collection(call, "LockstepDrillCollection", "Drills", std::string(oem_path) + "/Drills", std::move(members));
}

rt::Task<Reply> get_drill(Call& call) {
  std::vector<manage::Drill> drills = co_await call.system.drills();
  for (const manage::Drill& drill : drills)
    if (drill.pool + ":" + drill.group == call.ids[0]) co_return ok(drill_body(drill));
  co_return no_such_object(call);
}

rt::Task<Reply> read_drill(Call& call) {
  Body body(call.body);
  if (auto fault = body.fault()) co_return std::move(*fault);
  manage::Answer<manage::Outcome> outcome = co_await call.system.read_drill(call.caller, name_of_id(call.ids[0]));
  if (!outcome) co_return refused(outcome.error(), outcome.error().parameter == "Group" ? Named::by_url : Named::by_body);
  Reply now = co_await get_drill(call);
  co_return outcome_reply(call, *outcome, std::move(now));
}

rt::Task<Reply> delete_drill(Call& call) {
  std::vector<manage::Drill> drills = co_await call.system.drills();
  for (const manage::Drill& drill : drills) {
    if (drill.pool + ":" + drill.group != call.ids[0]) continue;
    manage::Answer<> done = co_await call.system.end_drill(call.caller, drill.relationship, drill.group);
    if (!done) co_return refused(done.error(), Named::by_url);
    co_return no_content();
  }
  co_return no_such_object(call);
}

constexpr Route routes[] = {
    {.pattern = "Oem/Lockstep/RecoveryPoints", .get = get_all_points},
    {.pattern = "Oem/Lockstep/RecoveryPoints/*", .get = get_points},
    {.pattern = "Storage/Lockstep/ConsistencyGroups/*/Actions/Oem/Lockstep.Rewind", .post = rewind},
    {.pattern = "Oem/Lockstep/Drills", .get = get_drills},
    {.pattern = "Oem/Lockstep/Drills/*", .get = get_drill, .remove = delete_drill},
    {.pattern = "Oem/Lockstep/Drills/*/Actions/LockstepDrill.Read", .post = read_drill},
};

}  // namespace

std::span<const Route> recovery_routes() { return routes; }

json::object drill_body(const manage::Drill& drill) {
  json::object body;
  const std::string path = drill_path(drill.pool, drill.group);
  body["@odata.id"] = path;
  body["@odata.type"] = "#LockstepDrill.v1_0_0.LockstepDrill";
  body["Id"] = drill.pool + ":" + drill.group;
  body["Name"] = drill.group;
  body["Relationship"] = drill.relationship;
  body["Group"] = drill.pool + "/" + drill.group;
  json::array volumes;
  json::array checks;
  bool good = true;
  for (const manage::Drill::Volume& volume : drill.volumes) {
    volumes.emplace_back(drill.pool + "/" + volume.name);
    checks.push_back({{"Volume", drill.pool + "/" + volume.name}, {"CapacityBytes", bytes(volume.size)}, {"DataBytes", bytes(volume.data)}, {"Checksum", volume.checksum}, {"Damage", text_or_null(volume.damage)}});
    good = good && volume.damage.empty();
  }
  body["Volumes"] = std::move(volumes);
  body["Opened"] = time_or_null(drill.opened);
  body["OpenSeconds"] = seconds_of(drill.open_took);
  body["Position"] = text_of(drill.position);
  body["Time"] = time_or_null(drill.time);
  body["RecoveryPointSeconds"] = drill.recovery_point ? json::value(seconds_of(*drill.recovery_point)) : json::value(nullptr);
  body["CheckSeconds"] = seconds_of(drill.check_took);
  body["Read"] = drill.read;
  body["Checks"] = std::move(checks);
  body["Status"] = {{"State", "Enabled"}, {"Health", good ? "OK" : "Critical"}};
  body["Actions"] = {{"#LockstepDrill.Read", {{"target", path + "/Actions/LockstepDrill.Read"}}}};
  return body;
}

}  // namespace lockstep::rest
