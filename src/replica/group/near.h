// Near: snapshots and clones of a group in its own pool: no block is copied, whatever the size. Every step is durable
// before the next, and may be repeated. On the pool's loop.
#pragma once

#include <string>

#include "base/base.h"
#include "pool/pool.h"
#include "replica/group/target_objects.h"

namespace lockstep::replica {

// One relationship with both ends in one pool.
struct NearEnds {
  RelationshipId relationship;
  std::string name;   // the relationship's
  GroupId source;
  GroupId target;
};

struct NearState {
  bool there = false;    // both groups
  bool open = false;     // the target serves hosts
  bool skewed = false;   // and was written to
  Origin position;
};

// Target volumes that are the source at one instant. `follows`: a snapshot, which stays tied to its source; else the
// clone is nobody's target.
// `from`: an earlier instant, which somebody holds for the relationship.
rt::Task<Result<TargetMade>> make_near_target(pool::Pool& pool, GroupId source, TargetWish wish, bool follows, WallTime now,
                                              std::optional<SnapshotId> from = std::nullopt);
// The target becomes the source as it is now. What was written to the target itself is kept as a snapshot of it.
rt::Task<Result<>> renew_near(pool::Pool& pool, NearEnds ends, WallTime now);
// The source becomes what the target holds; what the source held is kept as a snapshot of it.
rt::Task<Result<>> restore_near(pool::Pool& pool, NearEnds ends, WallTime now);
// Hosts may only look at the target; what was written to it is kept as a snapshot of it.
rt::Task<Result<>> close_near(pool::Pool& pool, NearEnds ends, WallTime now);
// The target is nobody's any more: independent volumes with what they hold.
rt::Task<Result<>> release_near(pool::Pool& pool, NearEnds ends);

[[nodiscard]] NearState look_at_near(pool::Pool& pool, NearEnds ends);

}  // namespace lockstep::replica
