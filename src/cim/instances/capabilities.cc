// What the system offers, in general and for replication.
#include "cim/instances/families.h"
#include "cim/model/ids.h"

namespace lockstep::cim::model {

namespace {

constexpr std::string_view system_capabilities_class = "MSFT_SMSystemCapabilities";
constexpr std::string_view replication_capabilities_class = "MSFT_SMReplicationCapabilities";

// Numbers of the value maps.
enum StorageObject : std::uint64_t { storage_volume = 2 };
enum Action : std::uint64_t { create_element_replica = 2, create_group_replica = 3, modify_synchronization = 5, create_group = 12, delete_group = 13, add_members = 14, remove_members = 15, create_from_elements = 20 };
constexpr std::uint64_t all_ports_share_the_view = 4;
constexpr std::uint64_t first_type = 2, last_type = 25, default_rpo = 30;

Instance of_system(const Facts& facts, std::size_t) {
  Builder b(system_capabilities_class);
  b.set("ObjectId", text(object_id("SystemCapabilities", text_of(facts.self)))).set("Identifier", text(text_of(facts.self)));
  for (std::string_view kind : {"Mirror", "Snapshot", "Clone"})
    for (std::string_view place : {"Local", "Remote"}) b.set("ReplicationSupportedType" + std::string(kind) + std::string(place), flag(true));
  for (std::string_view offered : {"PoolCreation", "PoolDeletion", "StorageVolumeCreation", "StorageVolumeDeletion", "StorageVolumeModification",
                                   "StorageVolumeCapacityExpansion", "ThinProvisionedPools"})
    b.set("StorageConfigSupports" + std::string(offered), flag(true));
  for (std::string_view lacking : {"PoolModification", "PoolCapacityExpansion", "StorageVolumeCapacityReduction"}) b.set("StorageConfigSupports" + std::string(lacking), flag(false));
  b.set("MaskingPortsPerView", number(all_ports_share_the_view)).set("MaskingPortsPerViewDescription", text("All Ports share the same View"));
  for (std::string_view lacking : {"MaskingClientSelectableDeviceNumbers", "MaskingExposeStorageVolumesToHostsSupported", "MaskingHideStorageVolumesFromHostsSupported",
                                   "SupportsFileSystemCreation", "SupportsFileServer", "SupportsFileServerCreation", "SupportsContinuouslyAvailableFileServer"})
    b.set(lacking, flag(false));
  return b.take();
}

Instance of_replication(const Facts& facts, std::size_t) {
  Builder b(replication_capabilities_class);
  b.set("ObjectId", text(object_id("ReplicationCapabilities", text_of(facts.self)))).set("Identifier", text(text_of(facts.self)));
  std::vector<std::uint64_t> types;
  for (std::uint64_t type = first_type; type <= last_type; ++type) types.push_back(type);
  b.set("SupportedStorageObjects", numbers({storage_volume})).set("SupportedReplicationTypes", numbers(types)).set("DefaultRecoveryPointObjective", number(default_rpo));
  for (std::string_view offered : {"SupportsReplicationGroup", "SupportsEmptyReplicationGroup", "SupportsFullDiscovery", "SupportsCreateReplicationRelationshipMethod"})
    b.set(offered, flag(true));
  b.set("SupportedAsynchronousActions", numbers({create_element_replica, create_group_replica, modify_synchronization, create_from_elements}));
  b.set("SupportedSynchronousActions",
        numbers({create_element_replica, create_group_replica, modify_synchronization, create_group, delete_group, add_members, remove_members, create_from_elements}));
  return b.take();
}

}  // namespace

void add_capabilities(Frozen& frozen) {
  SystemId self = frozen.facts().self;
  std::string general = object_id("SystemCapabilities", text_of(self));
  std::string replication = object_id("ReplicationCapabilities", text_of(self));
  frozen.add(system_capabilities_class, general, of_system);
  frozen.add(replication_capabilities_class, replication, of_replication);
  frozen.link("MSFT_SMSystemToCapabilities", id_of(self), general);
  frozen.link("MSFT_SMSystemToReplicationCapabilities", id_of(self), replication);
}

}  // namespace lockstep::cim::model
