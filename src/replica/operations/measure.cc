#include "replica/operations/measure.h"

#include "replica/ends/pass.h"
#include "replica/group/ledger.h"

namespace lockstep::replica {

rt::Task<std::optional<Bytes>> changed_bytes(pool::Pool& pool, GroupId group, RelationshipId relationship, std::optional<Past> other) {
  std::optional<Origin> common;
  if (other) common = last_common(past_of(pool, group), *other);
  if (!common || find_internal(pool, group, purpose(moved_away, relationship))) co_return std::nullopt;
  Origin since = *common;
  RelationshipId follower = follower_id(relationship, group);
  const store::FollowerRow* row = follower_row(pool, follower);
  if (row == nullptr || !covers(pool, *row, since)) {
    // Nobody kept track. That is as good where nothing was written.
    bool wrote = co_await wrote_after(pool, group, since);
    co_return wrote ? std::optional<Bytes>() : Bytes{0};
  }
  Result<std::optional<Lsn>> at = co_await pool.lsn_of(group, since);
  Lsn parted = at && *at ? **at : Lsn{0};   // out of the journal: then the map has what came after it, or the claim begins later
  Result<std::uint64_t> blocks = co_await pool.blocks_lacking(follower, parted);
  if (!blocks) co_return std::nullopt;
  co_return Bytes{*blocks * block_size};
}

rt::Task<std::optional<Bytes>> allocated_bytes(pool::Pool& pool, GroupId group) {
  const store::GroupRow* row = group_row(pool, group);
  if (row == nullptr) co_return std::nullopt;
  Bytes sum{0};
  const std::vector<VolumeId> members = row->members;
  for (VolumeId member : members) {
    Result<pool::VolumeRef> volume = pool.open_volume(member);
    if (!volume) co_return std::nullopt;
    Result<Bytes> held = co_await data_in(std::move(*volume), Bytes{0});
    if (!held) co_return std::nullopt;
    sum += *held;
  }
  co_return sum;
}

}  // namespace lockstep::replica
