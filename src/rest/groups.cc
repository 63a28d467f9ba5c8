#include "rest/relationship.h"
#include "rest/world.h"

namespace lockstep::rest {

namespace {

std::string_view role_name(store::Role role) {
  switch (role) {
    case store::Role::source: return "Source";
    case store::Role::target: return "Target";
    case store::Role::demoted: return "Demoted";
    case store::Role::target_writable: return "TargetWritable";
  }
  return "Source";
}

void add_replication(json::object& body, json::array& names, const Call& call, const World& world, const manage::GroupInfo& info) {
  json::array local_targets;
  json::array far_targets;
  for (const replica::Report& report : world.reports) {
    const replica::Relationship& r = report.relationship;
    if (r.pool != info.pool_id || r.group != info.row.id) continue;
    names.emplace_back(r.name);
    bool local = r.peer == world.self;
    if (local && !world.group(r.peer_pool + "/" + r.peer_group)) continue;   // being made, or gone just now
    std::string path = local ? group_path(r.peer_pool, r.peer_group) : far_path(call, r.peer, "ConsistencyGroups/" + r.peer_pool + ":" + r.peer_group);
    if (r.end == replica::End::target) body["ReplicaInfo"] = replica_info(report, local, std::move(path));
    else if (local) local_targets.push_back(link(std::move(path)));
    else far_targets.emplace_back(std::move(path));
  }
  if (!local_targets.empty()) body["ReplicaTargets"] = std::move(local_targets);
  if (!far_targets.empty()) body["RemoteReplicaTargets"] = std::move(far_targets);
}

}  // namespace

json::object group_body(const Call& call, const World& world, const manage::GroupInfo& info) {
  std::string path = group_path(info.pool, info.row.name);
  json::object body;
  body["@odata.id"] = path;
  body["@odata.type"] = "#ConsistencyGroup.v1_1_1.ConsistencyGroup";
  body["Id"] = info.pool + ":" + info.row.name;
  body["Name"] = info.row.name;
  body["Status"] = {{"State", "Enabled"}, {"Health", "OK"}};
  body["IsConsistent"] = true;
  body["ConsistencyType"] = "CrashConsistent";
  json::array volumes;
  json::array names;
  for (const std::string& volume : info.volumes) {
    volumes.push_back(link(volume_path(info.pool, volume)));
    names.emplace_back(volume);
  }
  body["Volumes"] = std::move(volumes);
  body["Volumes@odata.count"] = info.volumes.size();
  json::array relationships;
  add_replication(body, relationships, call, world, info);
  json::object actions = replica_actions("ConsistencyGroup", path);
  json::object oem_actions;
  for (std::string_view name : {"AddMembers", "RemoveMembers", "CreateReplica", "Rewind"}) oem_actions["#Lockstep." + std::string(name)] = {{"target", path + "/Actions/Oem/Lockstep." + std::string(name)}};
  actions["Oem"] = std::move(oem_actions);
  body["Actions"] = std::move(actions);
  json::object oem;
  oem["Pool"] = info.pool;
  oem["GroupId"] = text_of(info.row.id);
  oem["VolumeNames"] = std::move(names);
  oem["Role"] = role_name(info.row.role);
  oem["Relationships"] = std::move(relationships);
  oem["WasSynchronized"] = info.row.was_synchronized;
  oem["Created"] = time_or_null(info.row.created);
  oem["RewindWindowSeconds"] = static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::seconds>(info.rewind.time).count());
  oem["RewindBytes"] = bytes(info.rewind.bytes);
  oem["RecoveryPoints"] = link(recovery_points_path(info.pool, info.row.name));
  body["Oem"] = {{"Lockstep", std::move(oem)}};
  return body;
}

namespace {

rt::Task<Reply> get_groups(Call& call) {
  World world = co_await read_world(call);
  std::vector<json::object> members;
  for (const manage::GroupInfo& info : world.groups) members.push_back(group_body(call, world, info));
  co_return collection(call, "ConsistencyGroupCollection", "Consistency groups", std::string(storage_path) + "/ConsistencyGroups", std::move(members));
}

rt::Task<Reply> get_group(Call& call) {
  World world = co_await read_world(call);
  const manage::GroupInfo* info = world.group(name_of_id(call.ids[0]));
  if (!info) co_return no_such_object(call);
  co_return ok(group_body(call, world, *info));
}

rt::Task<Reply> post_group(Call& call) {
  Body body(call.body);
  std::string name = body.required_text("Name");
  std::vector<std::string> volumes = body.names("Volumes").value_or(std::vector<std::string>{});
  std::optional<std::string> type = body.text("ConsistencyType");
  if (type && *type != "CrashConsistent") body.refuse_value("ConsistencyType", "ConsistencyType '" + *type + "' is not offered: groups are CrashConsistent");
  if (auto fault = body.fault()) co_return std::move(*fault);
  manage::Answer<> made = co_await call.system.create_group(call.caller, name, volumes);
  if (!made) co_return refused(made.error());
  World world = co_await read_world(call);
  const manage::GroupInfo* info = world.group(name);
  if (!info && !volumes.empty())   // the name is in several pools: the new one is where its volumes are
    if (const manage::VolumeInfo* volume = world.volume(volumes.front())) info = world.group(volume->pool + "/" + name);
  if (!info) co_return no_content();
  co_return created(group_path(info->pool, info->row.name), group_body(call, world, *info));
}

rt::Task<Reply> answer_with_group(Call& call, std::string name) {
  World world = co_await read_world(call);
  const manage::GroupInfo* info = world.group(name);
  if (!info) co_return no_such_object(call);
  co_return ok(group_body(call, world, *info));
}

rt::Task<Reply> patch_group(Call& call) {
  Body body(call.body);
  std::optional<std::vector<std::string>> volumes = body.names("Volumes");
  Body& own = body.inner("Oem").inner("Lockstep");
  std::optional<std::string> rename = own.text("Name");
  std::optional<std::uint64_t> window = own.number("RewindWindowSeconds");
  std::optional<std::uint64_t> window_bytes = own.number("RewindBytes");
  if (window && *window > 366ull * 86400) own.refuse_value("RewindWindowSeconds", "RewindWindowSeconds " + std::to_string(*window) + " is more than a year");
  for (std::string_view key : {"Id", "Name", "ReplicaInfo", "ConsistencyType"}) body.not_writable(key);
  if (auto fault = body.fault()) co_return std::move(*fault);
  std::string name = name_of_id(call.ids[0]);
  if (volumes) {
    manage::Answer<> done = co_await call.system.set_members(call.caller, name, *volumes);
    if (!done) co_return refused(done.error(), done.error().parameter == "Group" ? Named::by_url : Named::by_body);
  }
  if (window || window_bytes) {
    std::optional<Duration> time;
    std::optional<Bytes> most;
    if (window) time = std::chrono::seconds(*window);
    if (window_bytes) most = Bytes{*window_bytes};
    manage::Answer<> done = co_await call.system.set_rewind_window(call.caller, name, time, most);
    if (!done) co_return refused(done.error(), done.error().parameter == "Group" ? Named::by_url : Named::by_body);
  }
  if (rename) {
    manage::Answer<> done = co_await call.system.rename_group(call.caller, name, *rename);
    if (!done) co_return refused(done.error(), done.error().parameter == "Group" ? Named::by_url : Named::by_body);
    manage::PoolAndName parts = manage::split_name(name);
    name = parts.pool.empty() ? *rename : parts.pool + "/" + *rename;
  }
  co_return co_await answer_with_group(call, name);
}

rt::Task<Reply> delete_group(Call& call) {
  manage::Answer<> done = co_await call.system.delete_group(call.caller, name_of_id(call.ids[0]));
  if (!done) co_return refused(done.error(), Named::by_url);
  co_return no_content();
}

rt::Task<Reply> add_members(Call& call) {
  Body body(call.body);
  std::vector<std::string> volumes = body.names("Volumes").value_or(std::vector<std::string>{});
  if (auto fault = body.fault()) co_return std::move(*fault);
  manage::Answer<> done = co_await call.system.add_members(call.caller, name_of_id(call.ids[0]), volumes);
  if (!done) co_return refused(done.error(), done.error().parameter == "Group" ? Named::by_url : Named::by_body);
  co_return no_content();
}

rt::Task<Reply> remove_members(Call& call) {
  Body body(call.body);
  std::vector<std::string> volumes = body.names("Volumes").value_or(std::vector<std::string>{});
  if (auto fault = body.fault()) co_return std::move(*fault);
  manage::Answer<> done = co_await call.system.remove_members(call.caller, name_of_id(call.ids[0]), volumes);
  if (!done) co_return refused(done.error(), done.error().parameter == "Group" ? Named::by_url : Named::by_body);
  co_return no_content();
}

rt::Task<Reply> create_replica(Call& call) { return post_create_replica(call, name_of_id(call.ids[0])); }

constexpr Route routes[] = {
    {.pattern = "Storage/Lockstep/ConsistencyGroups", .get = get_groups, .post = post_group, .hide_post = true},
    {.pattern = "Storage/Lockstep/ConsistencyGroups/*", .get = get_group, .patch = patch_group, .remove = delete_group},
    {.pattern = "Storage/Lockstep/ConsistencyGroups/*/Actions/Oem/Lockstep.AddMembers", .post = add_members},
    {.pattern = "Storage/Lockstep/ConsistencyGroups/*/Actions/Oem/Lockstep.RemoveMembers", .post = remove_members},
    {.pattern = "Storage/Lockstep/ConsistencyGroups/*/Actions/Oem/Lockstep.CreateReplica", .post = create_replica},
    // The same as POST on the collection, for clients that keep to its Allow.
    {.pattern = "Storage/Lockstep/Actions/Oem/Lockstep.CreateGroup", .post = post_group},
};

}  // namespace

std::span<const Route> group_routes() { return routes; }

}  // namespace lockstep::rest
