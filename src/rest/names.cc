#include "rest/names.h"

namespace lockstep::rest {

rt::Task<void> Names::read(manage::System& system) {
  std::vector<manage::PoolInfo> pools = co_await system.pools();
  for (const manage::PoolInfo& info : pools) pools_[info.status.id] = info.status.name;
  std::vector<manage::GroupInfo> groups = co_await system.groups();
  for (const manage::GroupInfo& info : groups) groups_[{info.pool_id, info.row.id}] = info.row.name;
}

std::string Names::pool(PoolId id) const {
  auto found = pools_.find(id);
  return found == pools_.end() ? text_of(id) : found->second;
}

std::string Names::group(PoolId pool, GroupId id) const {
  auto found = groups_.find({pool, id});
  return found == groups_.end() ? text_of(id) : found->second;
}

}  // namespace lockstep::rest
