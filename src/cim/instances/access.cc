// How hosts reach volumes: NBD. Every volume is exported at every address, so there is one storage group; no host is singled out, so no
// hardware ids are in it.
#include "cim/instances/families.h"
#include "cim/model/ids.h"

namespace lockstep::cim::model {

namespace {

constexpr std::string_view protocol_endpoint_class = "MSFT_SMProtocolEndpoint";
constexpr std::string_view nbd_group = "Lockstep:StorageGroup:nbd";

enum ConnectionType : std::uint64_t { other = 1 };
enum Role : std::uint64_t { target = 3 };
enum Usage : std::uint64_t { front_end_only = 2 };

std::string endpoint_id(const os::Address& address) { return object_id("Endpoint", "nbd:" + os::text_of(address)); }
std::string protocol_id(const os::Address& address) { return object_id("ProtocolEndpoint", "nbd:" + os::text_of(address)); }

Instance storage_group(const Facts&, std::size_t) {
  Builder b(storage_group_class);
  b.set("ObjectId", text(std::string(nbd_group))).set("Identifier", text("nbd")).set("Name", text("nbd")).set("DisplayName", text("NBD exports"));
  return b.take();
}

Instance endpoint(const Facts& facts, std::size_t index) {
  const os::Address& address = facts.options.nbd[index];
  Builder b(endpoint_class);
  b.set("ObjectId", text(endpoint_id(address))).set("Identifier", text(os::text_of(address))).set("Address", text(os::text_of(address)));
  b.set("Name", text("nbd:" + os::text_of(address))).set("ElementName", text("NBD at " + os::text_of(address)));
  b.set("ConnectionType", number(other)).set("ConnectionTypeDescription", text("NBD")).set("Role", number(target)).set("RoleDescription", text("Target"));
  if (!address.is_unix()) b.set("NetworkAddresses", texts({address.host})).set("PortNumber", number(address.port));
  return b.set("SystemName", text(facts.name)).set("UsageRestriction", number(front_end_only)).take();
}

Instance protocol_endpoint(const Facts& facts, std::size_t index) {
  const os::Address& address = facts.options.nbd[index];
  Builder b(protocol_endpoint_class);
  b.set("ObjectId", text(protocol_id(address))).set("Name", text("nbd:" + os::text_of(address))).set("SystemName", text(facts.name));
  return b.take();
}

}  // namespace

void add_access(Frozen& frozen) {
  const Facts& facts = frozen.facts();
  frozen.add(storage_group_class, std::string(nbd_group), storage_group);
  frozen.link("MSFT_SMSystemToStorageGroup", id_of(facts.self), nbd_group);
  for (std::size_t i = 0; i < facts.options.nbd.size(); ++i) {
    std::string id = endpoint_id(facts.options.nbd[i]);
    frozen.add(endpoint_class, id, endpoint, i);
    frozen.add(protocol_endpoint_class, protocol_id(facts.options.nbd[i]), protocol_endpoint, i);
    frozen.link("MSFT_SMSystemToEndpoint", id_of(facts.self), id);
    frozen.link("MSFT_SMStorageGroupToEndpoint", nbd_group, id);
  }
  for (const manage::VolumeInfo& info : facts.volumes) frozen.link("MSFT_SMStorageGroupToStorageVolume", nbd_group, id_of(info.row.uuid));
}

}  // namespace lockstep::cim::model
