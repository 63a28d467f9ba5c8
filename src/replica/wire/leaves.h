// Leaves: entries of several leaves of a snapshot, as they travel.
#pragma once

#include "base/base.h"
#include "pool/pool.h"
#include "replica/wire/entries.h"
#include "rt/rt.h"

namespace lockstep::replica {

inline constexpr std::uint32_t leaves_most = 64;   // asked for at a time: 32 MiB of a volume

// `count` leaves from `leaf` on of volume `member` of the snapshot, one behind the other. On the pool's loop.
rt::Task<Result<Buffer>> encoded_leaves(pool::Pool& pool, SnapshotId snapshot, std::uint32_t member, std::uint64_t leaf, std::uint32_t count);

}  // namespace lockstep::replica
