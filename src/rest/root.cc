// Service root, OData service document, $metadata.
#include <array>

#include "rest/call.h"

namespace lockstep::rest {

namespace {

struct Type {
  std::string_view name;      // schema
  std::string_view version;   // "" for collections
};
// Every type that answers carry. $metadata is made from this.
constexpr std::array types = {
    Type{"ServiceRoot", "v1_16_0"}, Type{"AccountService", "v1_15_0"}, Type{"ManagerAccount", "v1_12_0"}, Type{"ManagerAccountCollection", ""},
    Type{"Role", "v1_3_1"}, Type{"RoleCollection", ""}, Type{"SessionService", "v1_1_9"}, Type{"Session", "v1_7_0"}, Type{"SessionCollection", ""},
    Type{"TaskService", "v1_2_1"}, Type{"Task", "v1_7_4"}, Type{"TaskCollection", ""}, Type{"EventService", "v1_10_1"}, Type{"EventDestinationCollection", ""},
    Type{"MessageRegistryFile", "v1_1_3"}, Type{"MessageRegistryFileCollection", ""}, Type{"MessageRegistry", "v1_6_2"}, Type{"Message", "v1_1_2"},
    Type{"ComputerSystem", "v1_22_0"}, Type{"ComputerSystemCollection", ""}, Type{"Chassis", "v1_25_0"}, Type{"ChassisCollection", ""},
    Type{"Storage", "v1_15_1"}, Type{"StorageCollection", ""}, Type{"StoragePool", "v1_9_0"}, Type{"StoragePoolCollection", ""},
    Type{"Volume", "v1_10_0"}, Type{"VolumeCollection", ""}, Type{"ConsistencyGroup", "v1_1_1"}, Type{"ConsistencyGroupCollection", ""},
    Type{"LockstepService", "v1_0_0"}, Type{"LockstepRelationship", "v1_0_0"}, Type{"LockstepRelationshipCollection", ""}, Type{"LockstepPeer", "v1_0_0"},
    Type{"LockstepPeerCollection", ""}, Type{"LockstepSnapshot", "v1_0_0"}, Type{"LockstepSnapshotCollection", ""}};

std::string metadata() {
  std::string out = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<edmx:Edmx xmlns:edmx=\"http://docs.oasis-open.org/odata/ns/edmx\" Version=\"4.0\">\n";
  for (const Type& type : types) {
    std::string name(type.name);
    std::string home = name.starts_with("Lockstep") ? "/redfish/v1/JsonSchemas/" : "http://redfish.dmtf.org/schemas/v1/";
    out += "  <edmx:Reference Uri=\"" + home + name + "_v1.xml\">\n    <edmx:Include Namespace=\"" + name + "\"/>\n";
    if (!type.version.empty()) out += "    <edmx:Include Namespace=\"" + name + "." + std::string(type.version) + "\"/>\n";
    out += "  </edmx:Reference>\n";
  }
  out += "  <edmx:DataServices>\n    <Schema xmlns=\"http://docs.oasis-open.org/odata/ns/edm\" Namespace=\"Service\">\n"
         "      <EntityContainer Name=\"Service\" Extends=\"ServiceRoot.v1_16_0.ServiceContainer\"/>\n    </Schema>\n  </edmx:DataServices>\n</edmx:Edmx>\n";
  return out;
}

json::object root_body(const Call& call) {
  json::object body;
  body["@odata.id"] = "/redfish/v1/";
  body["@odata.type"] = "#ServiceRoot.v1_16_0.ServiceRoot";
  body["Id"] = "RootService";
  body["Name"] = "Lockstep " + call.system.self().name;
  body["Product"] = "Lockstep";
  body["RedfishVersion"] = "1.20.0";
  std::string uuid = text_of(call.system.self().id);
  for (std::size_t at : {20u, 16u, 12u, 8u}) uuid.insert(at, "-");
  body["UUID"] = uuid;
  body["ProtocolFeaturesSupported"] = {{"ExpandQuery", {{"ExpandAll", false}, {"Levels", false}, {"Links", false}, {"NoLinks", true}}},
                                       {"FilterQuery", false}, {"SelectQuery", false}, {"OnlyMemberQuery", false}, {"ExcerptQuery", false}, {"TopSkipQuery", true}};
  for (std::string_view name : {"Systems", "Chassis", "Storage", "SessionService", "AccountService", "EventService", "Registries", "JsonSchemas"})
    body[name] = link(std::string(root_path) + "/" + std::string(name));
  body["Tasks"] = link("/redfish/v1/TaskService");
  body["Links"] = {{"Sessions", link("/redfish/v1/SessionService/Sessions")}};
  body["Oem"] = {{"Lockstep", link(std::string(oem_path))}};
  return body;
}

json::object odata_body() {
  json::object body;
  body["@odata.context"] = "/redfish/v1/$metadata";
  json::array list;
  list.push_back({{"name", "Service"}, {"kind", "Singleton"}, {"url", "/redfish/v1/"}});
  for (std::string_view name : {"Systems", "Chassis", "Storage", "SessionService", "AccountService", "EventService", "TaskService", "Registries", "JsonSchemas"})
    list.push_back({{"name", name}, {"kind", "Singleton"}, {"url", std::string(root_path) + "/" + std::string(name)}});
  body["value"] = std::move(list);
  return body;
}

rt::Task<Reply> get_root(Call& call) { co_return ok(root_body(call)); }
rt::Task<Reply> get_odata(Call&) { co_return ok(odata_body()); }
rt::Task<Reply> get_metadata(Call&) {
  Reply reply;
  reply.raw.emplace();
  reply.raw->set("Content-Type", "application/xml; charset=utf-8");
  reply.raw->set("OData-Version", "4.0");
  reply.raw->body = metadata();
  co_return reply;
}

json::object oem_body(const Call& call, const std::vector<manage::PoolInfo>& pools, std::size_t volumes, std::size_t groups) {
  json::object body;
  body["@odata.id"] = oem_path;
  body["@odata.type"] = "#LockstepService.v1_0_0.LockstepService";
  body["Id"] = "Lockstep";
  body["Name"] = "Lockstep";
  body["SystemName"] = call.system.self().name;
  body["SystemId"] = text_of(call.system.self().id);
  body["Version"] = call.options.version;
  std::string health = "OK";
  std::size_t relationships = 0;
  for (const manage::PoolInfo& pool : pools)
    if (pool.error || pool.status.damage || pool.status.stopped) health = "Critical";
  for (const replica::Report& report : call.system.relationships()) {
    if (report.relationship.peer != call.system.self().id || report.relationship.end == replica::End::source) ++relationships;
    if (report.copy_state == replica::CopyState::broken) health = "Critical";
    else if (report.rpo_violated && health == "OK") health = "Warning";
  }
  body["Health"] = health;
  body["Counts"] = {{"Pools", pools.size()}, {"Volumes", volumes}, {"Groups", groups}, {"Relationships", relationships}, {"Peers", call.system.engine().peers().size()}};
  body["LastEvent"] = call.system.last_event();
  body["Peers"] = link(std::string(oem_path) + "/Peers");
  body["Relationships"] = link(std::string(oem_path) + "/Relationships");
  body["Snapshots"] = link(std::string(oem_path) + "/Snapshots");
  body["RecoveryPoints"] = link(std::string(oem_path) + "/RecoveryPoints");
  body["Drills"] = link(std::string(oem_path) + "/Drills");
  body["Actions"] = {{"#LockstepService.Invite", {{"target", std::string(oem_path) + "/Actions/LockstepService.Invite"}}},
                     {"#LockstepService.Join", {{"target", std::string(oem_path) + "/Actions/LockstepService.Join"}}}};
  return body;
}

rt::Task<Reply> get_oem(Call& call) {
  std::vector<manage::PoolInfo> pools = co_await call.system.pools();
  std::vector<manage::VolumeInfo> volumes = co_await call.system.volumes();
  std::vector<manage::GroupInfo> groups = co_await call.system.groups();
  co_return ok(oem_body(call, pools, volumes.size(), groups.size()));
}

constexpr Route routes[] = {
    {.pattern = "", .get = get_root, .open = true},
    {.pattern = "odata", .get = get_odata, .open = true},
    {.pattern = "$metadata", .get = get_metadata, .open = true},
    {.pattern = "Oem/Lockstep", .get = get_oem},
};

}  // namespace

std::span<const Route> root_routes() { return routes; }

}  // namespace lockstep::rest
