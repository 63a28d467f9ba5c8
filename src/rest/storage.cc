// This system as Storage.
#include "rest/call.h"

namespace lockstep::rest {

namespace {

json::object storage_body(const Call& call, bool healthy) {
  std::string path(storage_path);
  json::object body;
  body["@odata.id"] = path;
  body["@odata.type"] = "#Storage.v1_15_1.Storage";
  body["Id"] = "Lockstep";
  body["Name"] = call.system.self().name;
  body["Status"] = {{"State", "Enabled"}, {"Health", healthy ? "OK" : "Critical"}};
  body["StoragePools"] = link(path + "/StoragePools");
  body["Volumes"] = link(path + "/Volumes");
  body["ConsistencyGroups"] = link(path + "/ConsistencyGroups");
  body["Links"] = {{"Enclosures", json::array{link("/redfish/v1/Chassis/Host")}}, {"HostingStorageSystems", json::array{link("/redfish/v1/Systems/Host")}}};
  body["Oem"] = {{"Lockstep", {{"SystemId", text_of(call.system.self().id)}, {"Service", link(std::string(oem_path))}}}};
  return body;
}

bool healthy(const std::vector<manage::PoolInfo>& pools) {
  for (const manage::PoolInfo& pool : pools)
    if (pool.error || pool.status.damage || pool.status.stopped) return false;
  return true;
}

rt::Task<Reply> get_storage(Call& call) {
  std::vector<manage::PoolInfo> pools = co_await call.system.pools();
  co_return ok(storage_body(call, healthy(pools)));
}

rt::Task<Reply> get_storages(Call& call) {
  std::vector<manage::PoolInfo> pools = co_await call.system.pools();
  std::vector<json::object> members;
  members.push_back(storage_body(call, healthy(pools)));
  co_return collection(call, "StorageCollection", "Storage", "/redfish/v1/Storage", std::move(members));
}

constexpr Route routes[] = {
    {.pattern = "Storage", .get = get_storages},
    {.pattern = "Storage/Lockstep", .get = get_storage},
};

}  // namespace

std::span<const Route> storage_routes() { return routes; }

}  // namespace lockstep::rest
