// MSFT_SMReplicaPeer: handles. One for each system that can hold targets, this one too; for the far end of each relationship; for the far
// volume of each of its pairs.
#include "cim/instances/families.h"
#include "cim/model/ids.h"

namespace lockstep::cim::model {

namespace {

enum PeerObjectType : std::uint64_t { storage_volume = 4, replication_group = 32769, storage_system = 32770 };
constexpr unsigned pair_bits = 24;   // of an index: which pair of the report

Instance of_system(const Facts& facts, SystemId id) {
  Builder b(peer_class);
  b.set("ObjectId", text(peer_id_of(id))).set("Identifier", text(text_of(id))).set("PeerObjectType", number(storage_system));
  b.set("PeerObjectId", text(id_of(id))).set("PeerObjectName", text(facts.system_name(id))).set("PeerUniqueId", text(text_of(id)));
  b.set("PeerSystemName", text(facts.system_name(id))).set("IsCIMReplicationEntityBased", flag(false));
  return b.take();
}
Instance peer_system(const Facts& facts, std::size_t index) { return of_system(facts, facts.peers[index].peer.id); }
Instance own_system(const Facts& facts, std::size_t) {
  Instance instance = of_system(facts, facts.self);
  for (NamedValue& value : instance.properties)
    if (value.name == "Element") value.value = embedded(make_system(facts, 0));
  return instance;
}

Builder begin(const Facts& facts, const replica::Report& report, std::string id, PeerObjectType type) {
  Builder b(peer_class);
  b.set("ObjectId", text(id)).set("Identifier", text(std::move(id))).set("PeerObjectType", number(type));
  b.set("PeerSystemName", text(facts.system_name(report.relationship.peer))).set("IsCIMReplicationEntityBased", flag(false));
  b.set("IsPrimary", flag(report.relationship.end == replica::End::target));
  return b;
}

Instance far_group(const Facts& facts, std::size_t index) {
  const replica::Report& report = facts.reports[index];
  const replica::Relationship& r = report.relationship;
  Builder b = begin(facts, report, peer_id_of(r.id, r.end == replica::End::source), replication_group);
  b.set("PeerObjectName", text_or_null(r.peer_group));
  const manage::GroupInfo* group = facts.is_local(report) ? facts.group(r.peer_pool, r.peer_group) : nullptr;
  b.set("PeerUniqueId", text(group ? text_of(group->row.id) : text_of(r.peer) + "/" + r.peer_pool + "/" + r.peer_group));
  if (!group) return b.take();
  b.set("PeerObjectId", text(id_of(group->row.id)));
  b.set("Element", embedded(make_group(facts, static_cast<std::size_t>(group - facts.groups.data()))));
  return b.take();
}

Instance far_volume(const Facts& facts, std::size_t index) {
  const replica::Report& report = facts.reports[index >> pair_bits];
  VolumeUuid there = report.relationship.pairs[index & ((std::size_t{1} << pair_bits) - 1)].second;
  Builder b = begin(facts, report, peer_id_of(report.relationship.id, there), storage_volume);
  b.set("PeerObjectId", text(id_of(there))).set("PeerUniqueId", text(text_of(there)));
  auto volume = facts.is_local(report) ? facts.volume_by_uuid.find(there) : facts.volume_by_uuid.end();
  if (volume == facts.volume_by_uuid.end()) return b.take();
  b.set("PeerObjectName", text(facts.volumes[volume->second].row.name)).set("Element", embedded(make_volume(facts, volume->second)));
  return b.take();
}

}  // namespace

void add_peers(Frozen& frozen) {
  const Facts& facts = frozen.facts();
  frozen.add(peer_class, peer_id_of(facts.self), own_system);
  frozen.link("MSFT_SMSystemToReplicaPeer", id_of(facts.self), peer_id_of(facts.self));
  for (std::size_t i = 0; i < facts.peers.size(); ++i) {
    frozen.add(peer_class, peer_id_of(facts.peers[i].peer.id), peer_system, i);
    frozen.link("MSFT_SMSystemToReplicaPeer", id_of(facts.self), peer_id_of(facts.peers[i].peer.id));
  }
  for (std::size_t i = 0; i < facts.reports.size(); ++i) {
    const replica::Relationship& r = facts.reports[i].relationship;
    frozen.add(peer_class, peer_id_of(r.id, r.end == replica::End::source), far_group, i);
    for (std::size_t k = 0; k < r.pairs.size(); ++k) frozen.add(peer_class, peer_id_of(r.id, r.pairs[k].second), far_volume, i << pair_bits | k);
  }
}

}  // namespace lockstep::cim::model
