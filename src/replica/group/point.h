// Point: the instant that a relationship of a point-in-time type is of, as the snapshot that holds it at the source.
// It is there while the target still lacks some of it, and gone when the target needs it no more. On the pool's loop.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/base.h"
#include "pool/pool.h"
#include "replica/model/model.h"

namespace lockstep::replica {

inline constexpr std::string_view point_purpose = "point";

// Journal kept for such a relationship, where nobody asked for another amount: after it, its change map tells as well.
inline constexpr Bytes point_journal = 64_MiB;

// What changes after the point matters to those that may be brought to a newer one.
[[nodiscard]] constexpr bool needs_journal(SyncType type) noexcept {
  return type == SyncType::mirror || type == SyncType::snapshot;
}

// The snapshot held for the relationship: its own, or that of the token it was made from.
[[nodiscard]] std::optional<SnapshotId> find_point(pool::Pool& pool, GroupId group, RelationshipId relationship);
// A new one, now; an older one goes.
rt::Task<Result<SnapshotId>> take_point(pool::Pool& pool, GroupId group, RelationshipId relationship, WallTime now);
// The relationship needs none any more. One that a token holds for others stays.
rt::Task<Result<>> drop_point(pool::Pool& pool, GroupId group, RelationshipId relationship);

// Points and uses of tokens that no relationship of `known` has: what an interrupted creation left.
rt::Task<Result<>> drop_orphans(pool::Pool& pool, std::vector<RelationshipId> known);

// The group serves hosts with a generation of its own, and wrote into it.
[[nodiscard]] bool wrote_itself(pool::Pool& pool, GroupId group);

}  // namespace lockstep::replica
