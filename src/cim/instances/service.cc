// Who answers: the provider, the WBEM service at each of its addresses, and what was discovered.
#include "cim/instances/families.h"
#include "cim/instances/profiles.h"
#include "cim/model/ids.h"

namespace lockstep::cim::model {

namespace {

constexpr std::string_view provider_class = "MSFT_SMProvider";
constexpr std::string_view discovery_class = "MSFT_SMDiscovery";
constexpr std::string_view wbem_service_class = "MSFT_SMWbemService";
constexpr std::string_view storage_discovery_class = "MSFT_SMStorageDiscovery";

std::string discovery_id(SystemId system) { return object_id("Discovery", text_of(system)); }

Instance provider(const Facts& facts, std::size_t) {
  Builder b(provider_class);
  b.set("ObjectId", text(object_id("Provider", text_of(facts.self)))).set("Identifier", text(text_of(facts.self)));
  b.set("SystemName", text(facts.name)).set("ProviderSystemID", text(text_of(facts.self))).set("ElementName", text("Lockstep"));
  b.set("VersionString", text_or_null(facts.options.version));
  if (!facts.options.service_uris.empty()) b.set("URI", text(facts.options.service_uris.front()));
  b.set("InteropNamespace", text(std::string(interop_name_space))).set("MultipleOperationsSupported", flag(true)).set("Namespaces", texts(name_spaces()));
  b.set("AutonomousProfiles", texts({std::string(profiles[0].name)})).set("AutonomousProfileVersions", texts({std::string(profiles[0].version)}));
  return b.set("CommunicationMechanisms", texts({"CIM-XML"})).take();
}

Instance wbem_service(const Facts& facts, std::size_t index) {
  Builder b(wbem_service_class);
  b.set("ServiceURI", text(facts.options.service_uris[index])).set("InteropNamespace", text(std::string(interop_name_space))).set("Namespaces", texts(name_spaces()));
  b.set("CommunicationMechanisms", texts({"CIM-XML"})).set("ProtocolVersion", text("1.0")).set("ProviderDescription", text("Lockstep on " + facts.name));
  b.set("RegisteredProfilesSupported", texts(profile_names())).set("AuthenticationMechanisms", texts({"Basic"}));
  return b.set("MultipleOperationsSupported", flag(true)).take();
}

// This system always knows itself.
Instance own_discovery(const Facts& facts, std::size_t) {
  Builder b(discovery_class);
  return b.set("DiscoveryId", text(discovery_id(facts.self))).set("Status", text("Completed")).take();
}
Instance peer_discovery(const Facts& facts, std::size_t index) {
  const Discovery& discovery = facts.discoveries[index];
  Builder b(discovery_class);
  b.set("DiscoveryId", text(discovery_id(discovery.system))).set("Status", text(discovery.failed.empty() ? "Completed" : "Failed: " + discovery.failed));
  return b.take();
}

Instance storage_discovery(const Facts& facts, std::size_t) {
  Builder b(storage_discovery_class);
  return b.set("systemName", text(facts.name)).set("version", text_or_null(facts.options.version)).take();
}

}  // namespace

void add_service(Frozen& frozen) {
  const Facts& facts = frozen.facts();
  std::string id = object_id("Provider", text_of(facts.self));
  frozen.add(provider_class, id, provider);
  frozen.link("MSFT_SMProviderToSystem", id, id_of(facts.self));
  for (std::size_t i = 0; i < facts.options.service_uris.size(); ++i) frozen.add(wbem_service_class, facts.options.service_uris[i], wbem_service, i);
  frozen.add(storage_discovery_class, facts.name, storage_discovery);
  frozen.add(discovery_class, discovery_id(facts.self), own_discovery);
  frozen.link("MSFT_SMDiscoveryToSystem", discovery_id(facts.self), id_of(facts.self));
  for (std::size_t i = 0; i < facts.discoveries.size(); ++i) {
    frozen.add(discovery_class, discovery_id(facts.discoveries[i].system), peer_discovery, i);
    frozen.link("MSFT_SMDiscoveryToSystem", discovery_id(facts.discoveries[i].system), id_of(facts.discoveries[i].system));
  }
}

}  // namespace lockstep::cim::model
