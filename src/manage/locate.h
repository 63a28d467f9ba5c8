// Names to objects: POOL/NAME, NAME where one pool only has it, or an id of 32 digits. Private to manage.
#pragma once

#include <string>
#include <vector>

#include "manage/pools.h"

namespace lockstep::manage {

struct VolumeAt {
  PoolSet::Hold hold;
  VolumeId id;
  std::string name;
};
struct GroupAt {
  PoolSet::Hold hold;
  store::GroupRow row;       // as it was when it was looked up
};
struct SnapshotAt {
  PoolSet::Hold hold;
  store::GroupRow group;
  store::SnapshotRow row;
};

// `parameter`: what the caller calls it, for the refusal.
rt::Task<Answer<VolumeAt>> locate_volume(PoolSet& pools, std::string name, std::string parameter);
rt::Task<Answer<GroupAt>> locate_group(PoolSet& pools, std::string name, std::string parameter);
rt::Task<Answer<SnapshotAt>> locate_snapshot(PoolSet& pools, std::string group, std::string name, std::string parameter);

// Several, which must lie in one pool; `pool` empty: the first one's.
struct VolumesAt {
  PoolSet::Hold hold;
  std::vector<VolumeId> ids;
};
rt::Task<Answer<VolumesAt>> locate_volumes(PoolSet& pools, std::string pool, std::vector<std::string> names, std::string parameter);

}  // namespace lockstep::manage
