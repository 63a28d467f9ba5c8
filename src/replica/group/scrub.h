// Scrub: reads what volumes hold, so that damage is met before somebody needs the bytes. The pool repairs what a replica can give.
#pragma once

#include <span>
#include <vector>

#include "base/base.h"
#include "pool/pool.h"

namespace lockstep::replica {

// Blocks [from, from + count) of the volume as it is now; holes are not read. On the pool's loop. Damage is no error.
rt::Task<Result<Bytes>> scrub(pool::Pool& pool, VolumeId volume, Block from, std::uint64_t count);

// Damage to any of `volumes` that the pool met after number `after`, which moves on.
[[nodiscard]] std::vector<pool::Damage> damages_of(const pool::Pool& pool, std::span<const VolumeId> volumes, std::uint64_t& after);

}  // namespace lockstep::replica
