// MSFT_SMReplicationGroup, and the settings of each.
#include "cim/instances/families.h"
#include "cim/instances/status.h"
#include "cim/model/ids.h"

namespace lockstep::cim::model {

Instance make_group(const Facts& facts, std::size_t index) {
  const manage::GroupInfo& info = facts.groups[index];
  Condition condition;
  if (const manage::PoolInfo* pool = facts.pool(info.pool_id)) condition = condition_of(*pool);
  if (auto reports = facts.reports_of_group.find({info.pool_id, info.row.id}); reports != facts.reports_of_group.end())
    for (std::size_t i : reports->second) condition = worse(condition, condition_of(facts.reports[i]));
  Builder b(group_class);
  b.set("ObjectId", text(id_of(info.row.id))).set("Identifier", text(text_of(info.row.id))).set("DisplayName", text(info.row.name));
  std::string volumes = std::to_string(info.volumes.size()) + (info.volumes.size() == 1 ? " volume" : " volumes") + " of pool " + info.pool;
  b.set("Description", text(condition.cause.empty() ? volumes : volumes + "; " + condition.cause));
  b.set("HealthStatus", health_value(condition.health)).set("OperationalStatus", operational_value(condition.operational));
  return b.take();
}

Instance make_settings(const manage::ReplicaDefaults& defaults, GroupId group) {
  Builder b(settings_class);
  b.set("ObjectId", text(settings_id_of(group))).set("Identifier", text(text_of(group)));
  b.set("TargetElementSupplier", number(defaults.target_element_supplier)).set("ThinProvisioningPolicy", number(defaults.thin_provisioning_policy));
  return b.take();
}

namespace {

Instance settings(const Facts& facts, std::size_t index) {
  GroupId id = facts.groups[index].row.id;
  return make_settings(facts.defaults.at(id), id);
}

}  // namespace

void add_groups(Frozen& frozen) {
  const Facts& facts = frozen.facts();
  for (std::size_t i = 0; i < facts.groups.size(); ++i) {
    const manage::GroupInfo& info = facts.groups[i];
    frozen.add(group_class, id_of(info.row.id), make_group, i);
    frozen.add(settings_class, settings_id_of(info.row.id), settings, i);
    frozen.link("MSFT_SMSystemToReplicationGroup", id_of(facts.self), id_of(info.row.id));
    for (VolumeId member : info.row.members) {
      auto volume = facts.volume_by_id.find({info.pool_id, member});
      if (volume != facts.volume_by_id.end()) frozen.link("MSFT_SMReplicationGroupToStorageVolume", id_of(info.row.id), id_of(facts.volumes[volume->second].row.uuid));
    }
  }
}

}  // namespace lockstep::cim::model
