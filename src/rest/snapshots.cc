#include "rest/call.h"

namespace lockstep::rest {

namespace {

struct Parts {
  std::string group;      // POOL/GROUP
  std::string snapshot;
};
// "p:db:monday"
std::optional<Parts> parts_of(const std::string& id) {
  std::size_t first = id.find(':');
  std::size_t second = first == std::string::npos ? first : id.find(':', first + 1);
  if (second == std::string::npos) return std::nullopt;
  return Parts{id.substr(0, first) + "/" + id.substr(first + 1, second - first - 1), id.substr(second + 1)};
}

json::object snapshot_body(const manage::SnapshotInfo& info) {
  // Those that are held for something have names that people did not choose: their id tells them apart.
  std::string name = info.row.internal || info.row.name.empty() ? text_of(info.row.id) : info.row.name;
  std::string path = snapshot_path(info.pool, info.group, name);
  json::object body;
  body["@odata.id"] = path;
  body["@odata.type"] = "#LockstepSnapshot.v1_0_0.LockstepSnapshot";
  body["Id"] = info.pool + ":" + info.group + ":" + name;
  body["Name"] = name;
  body["SnapshotId"] = text_of(info.row.id);
  body["Pool"] = info.pool;
  body["Group"] = info.group;
  body["Time"] = time_or_null(info.row.time);
  json::array volumes;
  for (const std::string& volume : info.volumes) volumes.emplace_back(volume);
  body["Volumes"] = std::move(volumes);
  body["Position"] = text_of(info.row.origin);
  body["Held"] = info.row.internal;
  body["Purpose"] = text_or_null(info.row.purpose);
  body["Actions"] = {{"#LockstepSnapshot.Clone", {{"target", path + "/Actions/LockstepSnapshot.Clone"}}}, {"#LockstepSnapshot.Revert", {{"target", path + "/Actions/LockstepSnapshot.Revert"}}}};
  return body;
}

bool is(const manage::SnapshotInfo& info, const Parts& parts) {
  return info.pool + "/" + info.group == parts.group && (info.row.name == parts.snapshot || text_of(info.row.id) == parts.snapshot);
}

rt::Task<Reply> get_snapshots(Call& call) {
  std::vector<manage::SnapshotInfo> snapshots = co_await call.system.snapshots();
  std::vector<json::object> members;
  for (const manage::SnapshotInfo& info : snapshots) members.push_back(snapshot_body(info));
  co_return collection(call, "LockstepSnapshotCollection", "Snapshots", std::string(oem_path) + "/Snapshots", std::move(members));
}

rt::Task<Reply> get_snapshot(Call& call) {
  std::optional<Parts> parts = parts_of(call.ids[0]);
  std::vector<manage::SnapshotInfo> snapshots = co_await call.system.snapshots();
  for (const manage::SnapshotInfo& info : snapshots)
    if (parts && is(info, *parts)) co_return ok(snapshot_body(info));
  co_return no_such_object(call);
}

rt::Task<Reply> post_snapshot(Call& call) {
  Body body(call.body);
  std::string group = body.required_name("Group");
  std::string name = body.text("Name").value_or("");
  if (auto fault = body.fault()) co_return std::move(*fault);
  manage::Answer<SnapshotId> made = co_await call.system.create_snapshot(call.caller, group, name);
  if (!made) co_return refused(made.error());
  std::vector<manage::SnapshotInfo> snapshots = co_await call.system.snapshots();
  for (const manage::SnapshotInfo& info : snapshots)
    if (info.row.id == *made) {
      json::object out = snapshot_body(info);
      std::string path(out.at("@odata.id").as_string());
      co_return created(std::move(path), std::move(out));
    }
  co_return no_content();   // deleted again by somebody else
}

rt::Task<Reply> delete_snapshot(Call& call) {
  std::optional<Parts> parts = parts_of(call.ids[0]);
  if (!parts) co_return no_such_object(call);
  manage::Answer<> done = co_await call.system.delete_snapshot(call.caller, parts->group, parts->snapshot);
  if (!done) co_return refused(done.error(), Named::by_url);
  co_return no_content();
}

rt::Task<Reply> clone(Call& call) {
  std::optional<Parts> parts = parts_of(call.ids[0]);
  if (!parts) co_return no_such_object(call);
  Body body(call.body);
  std::string prefix = body.required_text("Prefix");
  if (auto fault = body.fault()) co_return std::move(*fault);
  manage::Answer<std::vector<std::string>> made = co_await call.system.clone_snapshot(call.caller, parts->group, parts->snapshot, prefix);
  if (!made) co_return refused(made.error(), Named::by_url);
  json::array volumes;
  for (const std::string& volume : *made) volumes.emplace_back(volume);
  json::object out;
  out["Volumes"] = std::move(volumes);
  co_return ok(std::move(out));
}

rt::Task<Reply> revert(Call& call) {
  std::optional<Parts> parts = parts_of(call.ids[0]);
  if (!parts) co_return no_such_object(call);
  Body body(call.body);
  std::string keep_as = body.text("KeepAs").value_or("");
  if (auto fault = body.fault()) co_return std::move(*fault);
  manage::Answer<std::string> kept = co_await call.system.revert_group(call.caller, parts->group, parts->snapshot, keep_as);
  if (!kept) co_return refused(kept.error(), Named::by_url);
  json::object out;
  out["Snapshot"] = *kept;
  co_return ok(std::move(out));
}

constexpr Route routes[] = {
    {.pattern = "Oem/Lockstep/Snapshots", .get = get_snapshots, .post = post_snapshot},
    {.pattern = "Oem/Lockstep/Snapshots/*", .get = get_snapshot, .remove = delete_snapshot},
    {.pattern = "Oem/Lockstep/Snapshots/*/Actions/LockstepSnapshot.Clone", .post = clone},
    {.pattern = "Oem/Lockstep/Snapshots/*/Actions/LockstepSnapshot.Revert", .post = revert},
};

}  // namespace

std::span<const Route> snapshot_routes() { return routes; }

}  // namespace lockstep::rest
