// The volumes and the group that a new target consists of. On the pool's loop.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/base.h"
#include "pool/pool.h"
#include "replica/model/history.h"

namespace lockstep::replica {

struct TargetWish {
  RelationshipId relationship;
  std::string name;   // the relationship's
  // Asked for; empty: as source_group where that is free, or was left free by a creation that broke off. One that exists is used.
  std::string group;
  std::string source_group;
  GroupId source;          // where that is in the same pool: it is no target of its own
  bool own_names = false;  // volumes may carry the source's names where those are free
  bool same_sizes = false;  // of volumes that exist; else they may be larger
  bool seeded = false;      // only a group that exists, with volumes, will do
  bool at_once = false;    // hosts may use volumes that are made for it from their first moment, while they are filled
  bool dry_run = false;
  std::vector<RelationshipId> known;  // here: a group that follows none of them was left by a creation that broke off
  std::optional<Past> past;  // the source's: what an existing group has in common with it need not travel
  std::vector<std::pair<std::string, Bytes>> volumes;  // the source's names and sizes
};

// In the bracket of a target whose first copy has not begun: 0, or this where its volumes held something before.
inline constexpr std::uint32_t overwriting_pass = ~std::uint32_t{0};

enum class Made : std::uint8_t { all = 0, volumes = 1, nothing = 2 };  // what of a target is new

struct TargetMade {
  std::string pool;
  GroupId group;
  std::string group_name;
  std::vector<VolumeUuid> volumes;
  Made made = Made::all;
  bool related = false;  // it has something in common with its source
};

// What a wish comes to: checked, nothing done. `exists`, `busy` (a group that is no free target) or `invalid` (its
// volumes do not fit).
struct TargetPlan {
  Made made = Made::all;
  GroupId group;                   // of an existing one
  std::string group_name;
  std::vector<std::string> names;  // of the volumes to be made; none when those of the group serve
};
[[nodiscard]] Result<TargetPlan> plan_target(pool::Pool& pool, const TargetWish& wish);

// The group of the plan with these volumes, made for it a moment ago; they go again when it fails.
rt::Task<Result<GroupId>> gather_target(pool::Pool& pool, TargetPlan plan, std::vector<VolumeId> volumes);
// Some block of some volume of the group holds something.
rt::Task<Result<bool>> holds_data(pool::Pool& pool, GroupId group);
[[nodiscard]] std::vector<VolumeUuid> uuids_of(pool::Pool& pool, GroupId group);
// No host has a volume of the group open.
[[nodiscard]] Result<> check_unused(pool::Pool& pool, GroupId group);

// All or nothing. Volumes that hold something already are kept as a snapshot first.
rt::Task<Result<TargetMade>> make_target_objects(pool::Pool& pool, TargetWish wish, WallTime now);
// Only a target that never held anything is removed; of what was there before, nothing is.
rt::Task<Result<>> remove_target_objects(pool::Pool& pool, GroupId group, Made made);
// Group and volumes, whatever they hold. `busy` while a host uses one of them, or a relationship starts there.
rt::Task<Result<>> delete_target_objects(pool::Pool& pool, GroupId group);

}  // namespace lockstep::replica
