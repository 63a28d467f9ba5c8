#include "replica/wire/leaves.h"

namespace lockstep::replica {

rt::Task<Result<Buffer>> encoded_leaves(pool::Pool& pool, SnapshotId snapshot, std::uint32_t member, std::uint64_t leaf, std::uint32_t count) {
  Buffer out;
  for (std::uint32_t i = 0; i < count; ++i) {
    auto found = co_await pool.leaf_entries(snapshot, member, leaf + i);
    if (!found) co_return fail(found.error());
    Buffer one = encode_entries(*found);
    out.insert(out.end(), one.begin(), one.end());
  }
  co_return out;
}

}  // namespace lockstep::replica
