// Cut: where a point of a group's history lies in its pool: which snapshot comes before it, and which records lie between.
// On the pool's loop.
#pragma once

#include <vector>

#include "pool/pool.h"
#include "replica/rewind/rewind.h"

namespace lockstep::replica {

inline constexpr std::string_view rewind_purpose = "rewind";

// A group's claim on its pool's journal.
[[nodiscard]] RelationshipId window_id(GroupId group);
// Snapshots that the group's window holds, oldest first.
[[nodiscard]] std::vector<store::SnapshotRow> window_snapshots(pool::Pool& pool, GroupId group);
// Those that a point may be reached from: the journal has everything after them. By time only from one that says what it is as of; a
// target's does not before its source has sent a record.
[[nodiscard]] std::vector<store::SnapshotRow> bases_of(pool::Pool& pool, GroupId group);
// What it takes to keep everything after `lsn`: the pool's journal since then, or, where that is more because big writes pass it by, the
// blocks that the group has written.
[[nodiscard]] Bytes cost_after(pool::Pool& pool, GroupId group, Lsn lsn);
[[nodiscard]] RecoveryPoints recovery_points(pool::Pool& pool, GroupId group);

struct Cut {
  store::SnapshotRow base;
  Lsn upto;  // of the last record to replay; base.lsn: there is none
  Origin position;
  WallTime time;
  Bytes bytes;
  std::uint64_t records = 0;
};

rt::Task<Result<Cut>> find_cut(pool::Pool& pool, GroupId group, RewindTo to, Bytes piece);

}  // namespace lockstep::replica
