// Message registries: those that others publish by reference, our own in full.
#include <array>

#include "rest/call.h"

namespace lockstep::rest {

namespace {

struct OwnMessage {
  std::string_view key;
  std::string_view text;
  unsigned arguments;
  std::string_view severity;
  std::string_view resolution;
};
// Each key of message_key_of(), and those of events. %1 is the parameter or object, %2 the whole sentence.
constexpr std::array messages = {
    OwnMessage{"Success", "%2", 2, "OK", "None."},
    OwnMessage{"NotSupported", "%2", 2, "Warning", "Use what the object offers."},
    OwnMessage{"InternalError", "%2", 2, "Critical", "See the log of the system."},
    OwnMessage{"Timeout", "%2", 2, "Critical", "Look whether it happened; if not, try again."},
    OwnMessage{"WrongState", "%2", 2, "Warning", "Bring the object into one of the states named, then try again."},
    OwnMessage{"InvalidParameter", "%2", 2, "Warning", "Correct the parameter."},
    OwnMessage{"AlreadyExists", "%2", 2, "Warning", "Choose another name."},
    OwnMessage{"NotFound", "%2", 2, "Warning", "Name an object that is there."},
    OwnMessage{"AccessDenied", "%2", 2, "Warning", "Ask an administrator for a role that allows it."},
    OwnMessage{"InsufficientResources", "%2", 2, "Critical", "Free space, or use a pool with more of it."},
    OwnMessage{"ChangedMeanwhile", "%2", 2, "Critical", "Read the object again, then repeat the call."},
    OwnMessage{"Unreachable", "%2", 2, "Critical", "Check that the other system runs and can be reached."},
    OwnMessage{"ContainsReplicas", "%2", 2, "Warning", "Detach the group's relationships first."},
    OwnMessage{"StateChanged", "%1: %2 is %3 now", 3, "OK", "None."},
};

constexpr std::pair<std::string_view, std::string_view> published[] = {{"Base.1.22.0", "Base.1.22"}, {"ResourceEvent.1.3.1", "ResourceEvent.1.3"}, {"TaskEvent.1.0.3", "TaskEvent.1.0"}};

json::object file_body(std::string_view id, std::string_view registry, bool own) {
  std::string path = "/redfish/v1/Registries/" + std::string(id);
  json::object body;
  body["@odata.id"] = path;
  body["@odata.type"] = "#MessageRegistryFile.v1_1_3.MessageRegistryFile";
  body["Id"] = id;
  body["Name"] = std::string(id) + " message registry";
  body["Registry"] = registry;
  body["Languages"] = json::array{"en"};
  json::object location;
  location["Language"] = "en";
  if (own) location["Uri"] = path + "/registry.json";
  else location["PublicationUri"] = "https://redfish.dmtf.org/registries/" + std::string(id) + ".json";
  body["Location"] = json::array{std::move(location)};
  return body;
}

json::object own_registry() {
  json::object list;
  for (const OwnMessage& message : messages) {
    json::object entry;
    entry["Description"] = message.key;
    entry["Message"] = message.text;
    entry["NumberOfArgs"] = message.arguments;
    json::array types;
    for (unsigned i = 0; i < message.arguments; ++i) types.emplace_back("string");
    entry["ParamTypes"] = std::move(types);
    entry["MessageSeverity"] = message.severity;
    entry["Resolution"] = message.resolution;
    list[message.key] = std::move(entry);
  }
  json::object body;
  body["@odata.type"] = "#MessageRegistry.v1_6_2.MessageRegistry";
  body["Id"] = "Lockstep.1.0.0";
  body["Name"] = "Lockstep message registry";
  body["Language"] = "en";
  body["Description"] = "Messages about replication, with the return codes of the SM model in Oem.Lockstep";
  body["RegistryPrefix"] = "Lockstep";
  body["RegistryVersion"] = "1.0.0";
  body["OwningEntity"] = "Lockstep";
  body["Messages"] = std::move(list);
  return body;
}

rt::Task<Reply> get_registries(Call& call) {
  std::vector<json::object> members;
  for (const auto& [id, registry] : published) members.push_back(file_body(id, registry, false));
  members.push_back(file_body("Lockstep.1.0", "Lockstep.1.0", true));
  co_return collection(call, "MessageRegistryFileCollection", "Registries", "/redfish/v1/Registries", std::move(members));
}

rt::Task<Reply> get_registry(Call& call) {
  for (const auto& [id, registry] : published)
    if (call.ids[0] == id) co_return ok(file_body(id, registry, false));
  if (call.ids[0] == "Lockstep.1.0") co_return ok(file_body("Lockstep.1.0", "Lockstep.1.0", true));
  co_return no_such_object(call);
}

rt::Task<Reply> get_own(Call&) { co_return ok(own_registry()); }

rt::Task<Reply> get_schemas(Call& call) { co_return collection(call, "JsonSchemaFileCollection", "JSON schemas", "/redfish/v1/JsonSchemas", {}); }

constexpr Route routes[] = {
    {.pattern = "Registries", .get = get_registries},
    {.pattern = "Registries/*", .get = get_registry},
    {.pattern = "Registries/Lockstep.1.0/registry.json", .get = get_own},
    {.pattern = "JsonSchemas", .get = get_schemas},
};

}  // namespace

std::span<const Route> registry_routes() { return routes; }

}  // namespace lockstep::rest
