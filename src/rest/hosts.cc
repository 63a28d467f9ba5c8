// The machine: one system and one chassis, as discovery wants them.
#include "rest/call.h"

namespace lockstep::rest {

namespace {

json::object system_body(const Call& call) {
  json::object body;
  body["@odata.id"] = "/redfish/v1/Systems/Host";
  body["@odata.type"] = "#ComputerSystem.v1_22_0.ComputerSystem";
  body["Id"] = "Host";
  body["Name"] = call.system.self().name;
  body["SystemType"] = "OS";
  body["HostingRoles"] = json::array{"StorageServer"};
  body["HostName"] = call.system.self().name;
  body["Status"] = {{"State", "Enabled"}, {"Health", "OK"}};
  body["Storage"] = link("/redfish/v1/Storage");
  body["Links"] = {{"Chassis", json::array{link("/redfish/v1/Chassis/Host")}}};
  return body;
}

json::object chassis_body(const Call& call) {
  json::object body;
  body["@odata.id"] = "/redfish/v1/Chassis/Host";
  body["@odata.type"] = "#Chassis.v1_25_0.Chassis";
  body["Id"] = "Host";
  body["Name"] = call.system.self().name;
  body["ChassisType"] = "StandAlone";
  body["Status"] = {{"State", "Enabled"}, {"Health", "OK"}};
  body["Links"] = {{"ComputerSystems", json::array{link("/redfish/v1/Systems/Host")}}, {"Storage", json::array{link(std::string(storage_path))}}};
  return body;
}

rt::Task<Reply> get_system(Call& call) { co_return ok(system_body(call)); }
rt::Task<Reply> get_chassis(Call& call) { co_return ok(chassis_body(call)); }

rt::Task<Reply> get_systems(Call& call) {
  std::vector<json::object> members;
  members.push_back(system_body(call));
  co_return collection(call, "ComputerSystemCollection", "Systems", "/redfish/v1/Systems", std::move(members));
}
rt::Task<Reply> get_chassis_list(Call& call) {
  std::vector<json::object> members;
  members.push_back(chassis_body(call));
  co_return collection(call, "ChassisCollection", "Chassis", "/redfish/v1/Chassis", std::move(members));
}

constexpr Route routes[] = {
    {.pattern = "Systems", .get = get_systems},
    {.pattern = "Systems/Host", .get = get_system},
    {.pattern = "Chassis", .get = get_chassis_list},
    {.pattern = "Chassis/Host", .get = get_chassis},
};

}  // namespace

std::span<const Route> host_routes() { return routes; }

}  // namespace lockstep::rest
