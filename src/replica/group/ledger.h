// Ledger: questions about a group that several parts ask its pool. On the pool's loop.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/base.h"
#include "pool/pool.h"
#include "replica/model/history.h"

namespace lockstep::replica {

// A relationship's claim on a pool's journal. Its own id per group: both ends of a local relationship may lie
// in one pool.
[[nodiscard]] RelationshipId follower_id(RelationshipId relationship, GroupId group);

// A target's claim on its own journal: records that the source has not synced yet may have to go back to it.
// A mirror has a pair for each member, in whatever order; where not, a change of its pairs has not ended.
[[nodiscard]] bool has_exactly(pool::Pool& pool, GroupId group, std::vector<VolumeId> volumes);
[[nodiscard]] RelationshipId surplus_id(RelationshipId relationship, GroupId group);

[[nodiscard]] const store::GroupRow* group_row(pool::Pool& pool, GroupId group);
[[nodiscard]] const store::FollowerRow* follower_row(pool::Pool& pool, RelationshipId follower);
// What the follower claims, with what its target has, is every change of the group after `common`.
[[nodiscard]] bool covers(pool::Pool& pool, const store::FollowerRow& follower, Origin common);
// The other end has everything up to `common`: the claim begins there, if the journal still tells where that is. A claim that has a map
// stays as it is: more blocks than necessary.
rt::Task<Result<>> claim_after(pool::Pool& pool, RelationshipId follower, Origin common);
[[nodiscard]] Past past_of(pool::Pool& pool, GroupId group);
// Some blocks of some volume of it may still be on another system, while hosts use it (Pool::begin_fill).
[[nodiscard]] bool is_filling(pool::Pool& pool, GroupId group);

// In the order of `uuids`; fewer when one is gone. A reverted group has new ids under the old uuids.
[[nodiscard]] std::vector<VolumeId> volumes_of(pool::Pool& pool, std::span<const VolumeUuid> uuids);
// Drops the claim and its map, if there is one.
rt::Task<Result<>> forget_follower(pool::Pool& pool, RelationshipId follower);

[[nodiscard]] inline bool is_data(journal::Kind kind) {
  return kind == journal::Kind::write || kind == journal::Kind::direct || kind == journal::Kind::zero;
}

// Claims of relationships that start at the group. What changes without a write is in no journal: they compare.
rt::Task<Result<>> forget_next_hops(pool::Pool& pool, GroupId group);

// Bytes of a volume or snapshot from `from` on that hold something.
rt::Task<Result<Bytes>> data_in(pool::VolumeRef view, Bytes from);

inline constexpr Lsn end_of_journal{~std::uint64_t{0}};
// Whether blocks of the group changed after `lsn`, up to `until`. `changed` when the journal no longer tells.
rt::Task<Result<bool>> wrote_between(pool::Pool& pool, GroupId group, Lsn lsn, Lsn until);
// As above after an origin number; true when nobody can tell.
rt::Task<bool> wrote_after(pool::Pool& pool, GroupId group, Origin origin);

// Internal snapshots carry "WHAT RELATIONSHIP" as their purpose.
[[nodiscard]] std::string purpose(std::string_view what, RelationshipId relationship);
[[nodiscard]] std::optional<SnapshotId> find_internal(pool::Pool& pool, GroupId group,
                                                      std::string_view purpose);
// A snapshot that users see and that holds the group as it is now, so that nothing is lost by overwriting the
// group.
rt::Task<bool> kept_as_it_is(pool::Pool& pool, GroupId group);
// Deletes internal snapshots of the group with this purpose, but for `except`.
rt::Task<Result<>> drop_internal(pool::Pool& pool, GroupId group, std::string purpose, SnapshotId except);

// A name for a snapshot that is free in the pool: "WHAT-YYYYMMDD-HHMMSS", with a number behind it when it
// must be.
[[nodiscard]] std::string snapshot_name(pool::Pool& pool, std::string_view what, WallTime now);

}  // namespace lockstep::replica
