// The volumes and the group that a new target consists of. On the pool's loop.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "base/base.h"
#include "pool/pool.h"

namespace lockstep::replica {

struct TargetWish {
  RelationshipId relationship;
  std::string name;   // the relationship's
  std::string group;  // asked for; empty: as source_group where that is free
  std::string source_group;
  bool own_names = false;  // volumes may carry the source's names where those are free
  bool dry_run = false;
  std::vector<std::pair<std::string, Bytes>> volumes;  // the source's names and sizes
};

struct TargetMade {
  std::string pool;
  GroupId group;
  std::string group_name;
  std::vector<VolumeUuid> volumes;
};

// All or nothing.
rt::Task<Result<TargetMade>> make_target_objects(pool::Pool& pool, TargetWish wish);
// Only a target that never held anything is removed; the volumes go with it.
rt::Task<Result<>> remove_target_objects(pool::Pool& pool, GroupId group);

}  // namespace lockstep::replica
