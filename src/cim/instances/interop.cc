// The interop name space: the server, how it is reached, its name spaces, what it follows.
#include "cim/instances/families.h"
#include "cim/instances/profiles.h"
#include "cim/model/ids.h"

namespace lockstep::cim::model {

namespace {

constexpr std::string_view manager_class = "CIM_ObjectManager";
constexpr std::string_view mechanism_class = "CIM_ObjectManagerCommunicationMechanism";
constexpr std::string_view name_space_class = "CIM_Namespace";
constexpr std::string_view profile_class = "CIM_RegisteredProfile";
constexpr std::string_view indication_service_class = "CIM_IndicationService";

constexpr std::string_view manager_id = "interop:manager";
constexpr std::string_view indication_service_id = "interop:indications";
std::string mechanism_id(std::size_t index) { return "interop:mechanism:" + std::to_string(index); }
std::string name_space_id(std::size_t index) { return "interop:name space:" + std::to_string(index); }

enum EnabledState : std::uint64_t { enabled = 2 };

std::string manager_name(const Facts& facts) { return "Lockstep:" + text_of(facts.self); }

// The keys of services and access points.
Builder begin(const Facts& facts, std::string_view class_name, std::string name) {
  Builder b(class_name);
  b.set("SystemCreationClassName", text(std::string(system_class))).set("SystemName", text(text_of(facts.self)));
  return std::move(b.set("CreationClassName", text(std::string(class_name))).set("Name", text(std::move(name))));
}

Instance manager(const Facts& facts, std::size_t) {
  Builder b = begin(facts, manager_class, manager_name(facts));
  b.set("ElementName", text("Lockstep")).set("Description", text("Lockstep " + facts.options.version + " on " + facts.name));
  b.set("OperationalStatus", numbers({2})).set("StatusDescriptions", texts({"OK"})).set("EnabledState", number(enabled)).set("Started", flag(true));
  return b.set("GatherStatisticalData", flag(false)).take();
}

Instance mechanism(const Facts& facts, std::size_t index) {
  enum : std::uint64_t { cim_xml = 2, basic = 3 };
  Builder b = begin(facts, mechanism_class, "CIM-XML:" + std::to_string(index));
  b.set("ElementName", text("CIM-XML at " + facts.options.service_uris[index])).set("EnabledState", number(enabled)).set("CommunicationMechanism", number(cim_xml));
  // Basic Read, Instance Manipulation, Association Traversal, Query Execution, Qualifier Declaration, Indications.
  b.set("FunctionalProfilesSupported", numbers({2, 5, 6, 7, 8, 9})).set("MultipleOperationsSupported", flag(true));
  return b.set("AuthenticationMechanismsSupported", numbers({basic})).set("Version", text("1.0")).take();
}

Instance name_space(const Facts& facts, std::size_t index) {
  enum : std::uint64_t { other = 1, dmtf = 200, instance_information = 4 };
  std::string name = name_spaces()[index];
  bool interop = name == interop_name_space;
  Builder b(name_space_class);
  b.set("SystemCreationClassName", text(std::string(system_class))).set("SystemName", text(text_of(facts.self)));
  b.set("ObjectManagerCreationClassName", text(std::string(manager_class))).set("ObjectManagerName", text(manager_name(facts)));
  b.set("CreationClassName", text(std::string(name_space_class))).set("Name", text(name)).set("ElementName", text(name));
  b.set("ClassInfo", number(interop ? dmtf : other));
  if (!interop) b.set("DescriptionOfClassInfo", text("Classes of Windows storage management"));
  return b.set("ClassType", number(instance_information)).take();
}

Instance profile(const Facts&, std::size_t index) {
  enum : std::uint64_t { other = 1, not_advertised = 2 };
  const Profile& one = profiles.at(index);
  Builder b(profile_class);
  b.set("InstanceID", text(std::string(one.id))).set("ElementName", text(std::string(one.name))).set("RegisteredOrganization", number(one.organization));
  if (one.organization == other) b.set("OtherRegisteredOrganization", text(std::string(one.organization_name)));
  b.set("RegisteredName", text(std::string(one.name))).set("RegisteredVersion", text(std::string(one.version)));
  return b.set("AdvertiseTypes", numbers({not_advertised})).take();
}

Instance indication_service(const Facts& facts, std::size_t) {
  Builder b = begin(facts, indication_service_class, "Indications:" + text_of(facts.self));
  b.set("ElementName", text("Indications")).set("EnabledState", number(enabled)).set("Started", flag(true)).set("FilterCreationEnabled", flag(true));
  return b.take();
}

}  // namespace

void add_interop(Frozen& frozen) {
  const Facts& facts = frozen.facts();
  frozen.add(manager_class, std::string(manager_id), manager);
  frozen.add(indication_service_class, std::string(indication_service_id), indication_service);
  for (std::size_t i = 0; i < facts.options.service_uris.size(); ++i) {
    frozen.add(mechanism_class, mechanism_id(i), mechanism, i);
    frozen.link("CIM_CommMechanismForManager", manager_id, mechanism_id(i));
  }
  for (std::size_t i = 0; i < name_spaces().size(); ++i) {
    frozen.add(name_space_class, name_space_id(i), name_space, i);
    frozen.link("CIM_NamespaceInManager", manager_id, name_space_id(i));
  }
  for (std::size_t i = 0; i < profiles.size(); ++i) frozen.add(profile_class, std::string(profiles.at(i).id), profile, i);
  frozen.link("CIM_ReferencedProfile", profiles[2].id, profiles[0].id);
  frozen.link("CIM_ElementConformsToProfile", profiles[0].id, id_of(facts.self));
  frozen.link("CIM_ElementConformsToProfile", profiles[1].id, manager_id);
  frozen.link("CIM_ElementConformsToProfile", profiles[2].id, indication_service_id);
}

}  // namespace lockstep::cim::model
