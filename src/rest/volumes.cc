#include "rest/world.h"

namespace lockstep::rest {

namespace {

// What relationships say about one volume: where its data come from, and where they go.
void add_replication(json::object& body, const Call& call, const World& world, const manage::VolumeInfo& info) {
  json::array local_targets;
  json::array far_targets;
  for (const replica::Report& report : world.reports) {
    const replica::Relationship& r = report.relationship;
    for (const auto& [here, there] : r.pairs) {
      if (here != info.row.uuid || r.pool != info.pool_id) continue;
      bool local = r.peer == world.self;
      const manage::VolumeInfo* other = local ? world.volume(there) : nullptr;
      std::string path = other ? volume_path(other->pool, other->row.name) : far_path(call, r.peer, "Volumes/" + text_of(there));
      if (r.end == replica::End::target) body["ReplicaInfo"] = replica_info(report, local, std::move(path));
      else if (local) local_targets.push_back(link(std::move(path)));
      else far_targets.emplace_back(std::move(path));
    }
  }
  if (!local_targets.empty()) body["ReplicaTargets"] = std::move(local_targets);
  if (!far_targets.empty()) body["RemoteReplicaTargets"] = std::move(far_targets);
}

}  // namespace

json::object volume_body(const Call& call, const World& world, const manage::VolumeInfo& info) {
  const store::VolumeRow& row = info.row;
  std::string path = volume_path(info.pool, row.name);
  json::object body;
  body["@odata.id"] = path;
  body["@odata.type"] = "#Volume.v1_10_0.Volume";
  body["Id"] = info.pool + ":" + row.name;
  body["Name"] = row.name;
  body["Status"] = {{"State", "Enabled"}, {"Health", "OK"}};
  body["CapacityBytes"] = bytes(row.size);
  body["BlockSizeBytes"] = sector_size;
  json::object capacity;
  capacity["ProvisionedBytes"] = bytes(row.size);
  if (info.allocated.value > 0) capacity["ConsumedBytes"] = bytes(info.allocated);
  body["Capacity"] = {{"Data", std::move(capacity)}, {"IsThinProvisioned", true}};
  body["ProvisioningPolicy"] = "Thin";
  body["VolumeUsage"] = "Data";
  body["AccessCapabilities"] = info.writable ? json::array{"Read", "Write"} : json::array{"Read"};
  body["ReplicationEnabled"] = true;
  body["Identifiers"] = json::array{json::object{{"DurableName", text_of(row.uuid)}, {"DurableNameFormat", "UUID"}}};
  json::object links;
  links["ProvidingStoragePool"] = link(pool_path(info.pool));
  if (!info.group.empty()) links["ConsistencyGroups"] = json::array{link(group_path(info.pool, info.group))};
  body["Links"] = std::move(links);
  add_replication(body, call, world, info);
  body["Actions"] = replica_actions("Volume", path);
  json::object oem;
  oem["Pool"] = info.pool;
  oem["Group"] = text_or_null(info.group);
  oem["ExportName"] = info.export_name;
  oem["Writable"] = info.writable;
  oem["ReadOnly"] = row.read_only;
  oem["Sessions"] = info.sessions;
  oem["Uuid"] = text_of(row.uuid);
  oem["Created"] = time_or_null(row.created);
  oem["CloneOf"] = row.origin.value == 0 ? json::value(nullptr) : json::value(row.origin.value);
  body["Oem"] = {{"Lockstep", std::move(oem)}};
  return body;
}

namespace {

rt::Task<Reply> get_volumes(Call& call) {
  World world = co_await read_world(call);
  std::vector<json::object> members;
  for (const manage::VolumeInfo& info : world.volumes) members.push_back(volume_body(call, world, info));
  co_return collection(call, "VolumeCollection", "Volumes", std::string(storage_path) + "/Volumes", std::move(members));
}

rt::Task<Reply> get_volume(Call& call) {
  World world = co_await read_world(call);
  const manage::VolumeInfo* info = world.volume(name_of_id(call.ids[0]));
  if (!info) co_return no_such_object(call);
  co_return ok(volume_body(call, world, *info));
}

rt::Task<Reply> post_volume(Call& call) {
  Body body(call.body);
  std::string name = body.required_text("Name");
  Bytes size{body.required_number("CapacityBytes")};
  std::optional<std::string> pool = body.inner("Links").name("ProvidingStoragePool");
  std::optional<std::string> policy = body.text("ProvisioningPolicy");
  if (policy && *policy != "Thin") body.refuse_value("ProvisioningPolicy", "ProvisioningPolicy '" + *policy + "' is not offered: volumes are thin here");
  if (auto fault = body.fault()) co_return std::move(*fault);
  if (pool && name.find('/') == std::string::npos) name = *pool + "/" + name;
  manage::Answer<> made = co_await call.system.create_volume(call.caller, name, size);
  if (!made) co_return refused(made.error());
  World world = co_await read_world(call);
  const manage::VolumeInfo* info = world.volume(name);
  manage::PoolAndName parts = manage::split_name(name);
  co_return created(volume_path(parts.pool, parts.name), info ? volume_body(call, world, *info) : json::object{});
}

rt::Task<Reply> patch_volume(Call& call) {
  Body body(call.body);
  std::optional<std::uint64_t> size = body.number("CapacityBytes");
  std::optional<std::vector<std::string>> access = body.names("AccessCapabilities");
  std::optional<std::string> display_name = body.text("DisplayName");
  for (std::string_view key : {"Id", "Name", "BlockSizeBytes", "ReplicaInfo", "Oem"}) body.not_writable(key);
  std::optional<bool> read_only;
  if (access) {
    bool read = false;
    bool write = false;
    for (const std::string& word : *access) {
      if (word == "Read") read = true;
      else if (word == "Write") write = true;
      else body.refuse_value("AccessCapabilities", "AccessCapabilities '" + word + "' is not one of Read, Write");
    }
    if (!read) body.refuse_value("AccessCapabilities", "AccessCapabilities without Read is not offered");
    read_only = !write;
  }
  if (auto fault = body.fault()) co_return std::move(*fault);
  std::string name = name_of_id(call.ids[0]);
  World before = co_await read_world(call);
  if (!before.volume(name)) co_return no_such_object(call);
  if (size) {
    manage::Answer<> done = co_await call.system.resize_volume(call.caller, name, Bytes{*size});
    if (!done) co_return refused(done.error());
  }
  if (read_only) {
    manage::Answer<> done = co_await call.system.set_read_only(call.caller, name, *read_only);
    if (!done) co_return refused(done.error());
  }
  if (display_name) {
    manage::Answer<> done = co_await call.system.rename_volume(call.caller, name, *display_name);
    if (!done) co_return refused(done.error());
    manage::PoolAndName parts = manage::split_name(before.volume(name)->export_name);
    name = parts.pool + "/" + *display_name;
  }
  World world = co_await read_world(call);
  const manage::VolumeInfo* info = world.volume(name);
  if (!info) co_return no_such_object(call);
  co_return ok(volume_body(call, world, *info));
}

rt::Task<Reply> delete_volume(Call& call) {
  manage::Answer<> done = co_await call.system.delete_volume(call.caller, name_of_id(call.ids[0]));
  if (!done) co_return refused(done.error(), Named::by_url);
  co_return no_content();
}

constexpr Route routes[] = {
    {.pattern = "Storage/Lockstep/Volumes", .get = get_volumes, .post = post_volume},
    {.pattern = "Storage/Lockstep/Volumes/*", .get = get_volume, .patch = patch_volume, .remove = delete_volume},
};

}  // namespace

std::span<const Route> volume_routes() { return routes; }

}  // namespace lockstep::rest
