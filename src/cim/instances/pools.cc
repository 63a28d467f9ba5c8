// MSFT_SMPool and its setting. Pools of a peer that a discovery has found are there too, below that peer's system.
#include "cim/instances/families.h"
#include "cim/instances/status.h"
#include "cim/model/ids.h"

namespace lockstep::cim::model {

namespace {

constexpr std::uint64_t unrestricted = 2;

std::string setting_name(const std::string& pool) { return "Setting of " + pool; }

// One copy of the data, on whatever the pool's directory is on.
void set_redundancy(Builder& b, const std::string& data, const std::string& package) {
  for (std::string_view end : {"Min", "Max"}) {
    b.set(data + std::string(end), number(1));
    b.set(package + std::string(end), number(0));
  }
  b.set("NoSinglePointOfFailure", flag(false));
}

Instance pool(const Facts& facts, std::size_t index) {
  const manage::PoolInfo& info = facts.pools[index];
  const pool::Status& status = info.status;
  Condition condition = condition_of(info);
  Builder b(pool_class);
  b.set("ObjectId", text(pool_object_id(info))).set("Identifier", text(status.id.is_none() ? status.name : text_of(status.id)));
  b.set("DisplayName", text(status.name)).set("Name", text(status.name));
  b.set("PoolID", status.id.is_none() ? Value() : text(text_of(status.id))).set("Primordial", flag(false));
  if (is_open(info)) {
    std::uint64_t taken = status.space.used.value + status.space.reserved.value;
    b.set("RemainingManagedSpace", number(status.space.total.value > taken ? status.space.total.value - taken : 0));
    b.set("TotalManagedSpace", number(status.space.total.value)).set("DefaultSettingName", text(setting_name(status.name)));
  }
  set_redundancy(b, "DataRedundancy", "PackageRedundancy");
  b.set("NoSinglePointOfFailureDefault", flag(false)).set("DataRedundancyDefault", number(1)).set("PackageRedundancyDefault", number(0));
  b.set("Usage", number(unrestricted));
  b.set("SupportsStorageVolumeCreation", flag(condition.health == Health::healthy)).set("SupportsThinlyProvisionedStorageVolume", flag(true));
  b.set("OperationalStatus", operational_value(condition.operational)).set("StatusDescriptions", texts({std::string(name_of(condition.operational))}));
  b.set("HealthStatus", health_value(condition.health)).set("HealthStatusDescription", text_or_null(condition.cause));
  return b.take();
}

Instance setting(const Facts& facts, std::size_t index) {
  const pool::Status& status = facts.pools[index].status;
  Builder b(pool_setting_class);
  b.set("ObjectId", text(setting_id_of(status.id))).set("Identifier", text(text_of(status.id))).set("DisplayName", text(setting_name(status.name)));
  set_redundancy(b, "DataRedundancy", "PackageRedundancy");
  b.set("DataRedundancyGoal", number(1)).set("PackageRedundancyGoal", number(0));
  return b.take();
}

// `index` counts through the pools of all discoveries.
std::pair<const Discovery*, const replica::Engine::RemotePool*> found_at(const Facts& facts, std::size_t index) {
  for (const Discovery& discovery : facts.discoveries) {
    if (index < discovery.pools.size()) return {&discovery, &discovery.pools[index]};
    index -= discovery.pools.size();
  }
  CHECK(!"no such pool was found");
  return {};
}

Instance found(const Facts& facts, std::size_t index) {
  const auto [discovery, remote] = found_at(facts, index);
  Builder b(pool_class);
  b.set("ObjectId", text(id_of(remote->id))).set("Identifier", text(text_of(remote->id)));
  b.set("DisplayName", text(remote->name)).set("Name", text(remote->name)).set("PoolID", text(text_of(remote->id))).set("Primordial", flag(false));
  b.set("RemainingManagedSpace", number(remote->free.value));
  return b.take();
}

}  // namespace

void add_pools(Frozen& frozen) {
  const Facts& facts = frozen.facts();
  for (std::size_t i = 0; i < facts.pools.size(); ++i) {
    const manage::PoolInfo& info = facts.pools[i];
    frozen.add(pool_class, pool_object_id(info), pool, i);
    frozen.link("MSFT_SMSystemToPool", id_of(facts.self), pool_object_id(info));
    if (!is_open(info)) continue;
    frozen.add(pool_setting_class, setting_id_of(info.status.id), setting, i);
    frozen.link("MSFT_SMPoolToSetting", id_of(info.status.id), setting_id_of(info.status.id));
  }
  std::size_t index = 0;
  for (const Discovery& discovery : facts.discoveries)
    for (const auto& remote : discovery.pools) {
      frozen.add(pool_class, id_of(remote.id), found, index++);
      frozen.link("MSFT_SMSystemToPool", id_of(discovery.system), id_of(remote.id));
    }
}

}  // namespace lockstep::cim::model
