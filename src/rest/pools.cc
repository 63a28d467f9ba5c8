#include "rest/call.h"

namespace lockstep::rest {

namespace {

json::object pool_body(const manage::PoolInfo& info) {
  const pool::Status& status = info.status;
  std::string path = pool_path(status.name);
  const std::uint64_t free = manage::free_in(status.space).value;
  const bool short_of_space = manage::nearly_full(status.space);
  bool open = !info.error;
  bool well = open && !status.damage && !status.stopped;
  json::object body;
  body["@odata.id"] = path;
  body["@odata.type"] = "#StoragePool.v1_9_0.StoragePool";
  body["Id"] = status.name;
  body["Name"] = status.name;
  body["Status"] = {{"State", open ? "Enabled" : "Disabled"}, {"Health", !well ? "Critical" : short_of_space ? "Warning" : "OK"}};
  body["Capacity"] = {{"Data", {{"AllocatedBytes", bytes(status.space.total)}, {"ConsumedBytes", bytes(status.space.used)}}}};
  if (status.space.total.value > 0) body["RemainingCapacityPercent"] = 100 * free / status.space.total.value;
  body["LowSpaceWarningThresholdPercents"] = json::array{10};
  body["ReplicationEnabled"] = true;
  body["SupportedProvisioningPolicies"] = json::array{"Thin"};
  body["SupportedPoolTypes"] = json::array{"Block"};
  body["PoolType"] = json::array{"Block"};
  body["AllocatedVolumes"] = link(path + "/AllocatedVolumes");
  json::object oem;
  oem["PoolId"] = open ? json::value(text_of(status.id)) : json::value(nullptr);
  oem["Path"] = info.path;
  oem["FreeBytes"] = free;
  oem["NearlyFull"] = short_of_space;
  oem["ReservedBytes"] = bytes(status.space.reserved);
  oem["JournalBytes"] = bytes(status.journal_bytes);
  oem["OverlayBytes"] = bytes(status.overlay_used);
  oem["Volumes"] = info.volumes;
  oem["Groups"] = info.groups;
  oem["Error"] = info.error ? json::value(info.error->message) : status.stopped ? json::value(status.stopped->message) : json::value(nullptr);
  oem["Damage"] = status.damage ? json::value(*status.damage) : json::value(nullptr);
  body["Oem"] = {{"Lockstep", std::move(oem)}};
  return body;
}

rt::Task<Reply> get_pools(Call& call) {
  std::vector<manage::PoolInfo> pools = co_await call.system.pools();
  std::vector<json::object> members;
  for (const manage::PoolInfo& info : pools) members.push_back(pool_body(info));
  co_return collection(call, "StoragePoolCollection", "Storage pools", std::string(storage_path) + "/StoragePools", std::move(members));
}

rt::Task<std::optional<manage::PoolInfo>> find(Call& call, std::string name) {
  std::vector<manage::PoolInfo> pools = co_await call.system.pools();
  for (manage::PoolInfo& info : pools)
    if (info.status.name == name || text_of(info.status.id) == name) co_return std::move(info);
  co_return std::nullopt;
}

rt::Task<Reply> get_pool(Call& call) {
  auto info = co_await find(call, call.ids[0]);
  if (!info) co_return no_such_object(call);
  co_return ok(pool_body(*info));
}

rt::Task<Reply> post_pool(Call& call) {
  Body body(call.body);
  std::string name = body.required_text("Name");
  Body& oem = body.inner("Oem").inner("Lockstep");
  std::string path = oem.text("Path").value_or("");
  Bytes capacity{oem.number("CapacityBytes").value_or(0)};
  if (auto fault = body.fault()) co_return std::move(*fault);
  manage::Answer<> made = co_await call.system.create_pool(call.caller, name, path, capacity);
  if (!made) co_return refused(made.error());
  auto info = co_await find(call, name);
  co_return created(pool_path(name), info ? pool_body(*info) : json::object{});
}

rt::Task<Reply> delete_pool(Call& call) {
  manage::Answer<> done = co_await call.system.delete_pool(call.caller, call.ids[0]);
  if (!done) co_return refused(done.error(), Named::by_url);
  co_return no_content();
}

rt::Task<Reply> get_allocated(Call& call) {
  auto info = co_await find(call, call.ids[0]);
  if (!info) co_return no_such_object(call);
  std::vector<manage::VolumeInfo> volumes = co_await call.system.volumes();
  std::vector<json::object> members;
  for (const manage::VolumeInfo& volume : volumes)
    if (volume.pool == info->status.name) members.push_back(link(volume_path(volume.pool, volume.row.name)));
  co_return collection(call, "VolumeCollection", "Volumes of the pool", pool_path(info->status.name) + "/AllocatedVolumes", std::move(members));
}

constexpr Route routes[] = {
    {.pattern = "Storage/Lockstep/StoragePools", .get = get_pools, .post = post_pool},
    {.pattern = "Storage/Lockstep/StoragePools/*", .get = get_pool, .remove = delete_pool},
    {.pattern = "Storage/Lockstep/StoragePools/*/AllocatedVolumes", .get = get_allocated},
};

}  // namespace

std::span<const Route> pool_routes() { return routes; }

}  // namespace lockstep::rest
