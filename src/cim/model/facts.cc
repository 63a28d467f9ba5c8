#include "cim/model/facts.h"

#include "cim/model/ids.h"

namespace lockstep::cim::model {

namespace {

template <class Item, class Key>
const Item* at(const std::vector<Item>& items, const std::map<Key, std::size_t>& index, const Key& key) {
  auto found = index.find(key);
  return found == index.end() ? nullptr : &items[found->second];
}

void index(Facts& facts) {
  for (std::size_t i = 0; i < facts.pools.size(); ++i) facts.pool_by_id[facts.pools[i].status.id] = i;
  for (std::size_t i = 0; i < facts.volumes.size(); ++i) {
    const manage::VolumeInfo& info = facts.volumes[i];
    facts.volume_by_uuid[info.row.uuid] = i;
    facts.volume_by_id[{info.pool_id, info.row.id}] = i;
  }
  for (std::size_t i = 0; i < facts.groups.size(); ++i) facts.group_by_id[{facts.groups[i].pool_id, facts.groups[i].row.id}] = i;
  for (std::size_t i = 0; i < facts.reports.size(); ++i) {
    const replica::Relationship& r = facts.reports[i].relationship;
    facts.reports_of_group[{r.pool, r.group}].push_back(i);
    for (const auto& [here, there] : r.pairs) facts.reports_of_volume[here].push_back(i);
  }
}

}  // namespace

const manage::VolumeInfo* Facts::volume(VolumeUuid uuid) const { return at(volumes, volume_by_uuid, uuid); }
const manage::PoolInfo* Facts::pool(PoolId id) const { return at(pools, pool_by_id, id); }
const manage::GroupInfo* Facts::group(PoolId pool_id, GroupId id) const { return at(groups, group_by_id, std::pair(pool_id, id)); }

const manage::GroupInfo* Facts::group(std::string_view pool_name, std::string_view group_name) const {
  for (const manage::GroupInfo& info : groups)
    if (info.pool == pool_name && info.row.name == group_name) return &info;
  return nullptr;
}

std::string Facts::system_name(SystemId id) const {
  if (id == self) return name;
  for (const replica::PeerReport& report : peers)
    if (report.peer.id == id) return report.peer.name;
  return text_of(id);
}

rt::Task<Facts> gather(manage::System& system, ProviderOptions options, const Discoveries& discoveries) {
  Facts facts;
  facts.options = std::move(options);
  facts.self = system.self().id;
  facts.name = system.self().name;
  facts.now = system.now();
  facts.pools = co_await system.pools();
  facts.volumes = co_await system.volumes();
  facts.groups = co_await system.groups();
  facts.reports = system.relationships();
  facts.peers = system.engine().peers();
  facts.jobs = system.jobs();
  for (const manage::GroupInfo& info : facts.groups) facts.defaults[info.row.id] = system.replica_defaults(info.row.id);
  for (const auto& [id, discovery] : discoveries.all()) facts.discoveries.push_back(discovery);
  index(facts);
  co_return facts;
}

bool is_open(const manage::PoolInfo& pool) { return !pool.error; }

std::string pool_object_id(const manage::PoolInfo& pool) {
  return pool.status.id.is_none() ? object_id("Pool", "name=" + pool.status.name) : id_of(pool.status.id);
}

}  // namespace lockstep::cim::model
