#include "replica/group/scrub.h"

#include <algorithm>

#include "replica/wire/aligned.h"

namespace lockstep::replica {
namespace {

constexpr std::uint64_t at_once = 256;   // blocks: 1 MiB
constexpr std::size_t extents_at_once = 256;

// One that cannot be read keeps nobody from reading the others.
rt::Task<Result<>> read_each(pool::VolumeRef volume, Block block, std::uint64_t count) {
  AlignedBytes bytes(block_size);
  std::vector<Checksum> sums;
  for (std::uint64_t i = 0; i < count; ++i) {
    Block at = block + Block{i};
    Result<> read = co_await volume->read_blocks(at, 1, bytes.span(), sums);
    if (!read && read.error().code != Code::corrupt) co_return read;
  }
  co_return Result<>{};
}

}  // namespace

rt::Task<Result<Bytes>> scrub(pool::Pool& pool, VolumeId id, Block from, std::uint64_t count) {
  CO_TRY(pool::VolumeRef volume, pool.open_volume(id));
  Bytes done{0};
  Bytes at = offset_of(from);
  const Bytes end = std::min(offset_of(from + Block{count}), volume->size());
  AlignedBytes bytes(at_once * block_size);
  std::vector<Checksum> sums;
  while (at < end) {
    auto extents = co_await volume->extents(at, end - at, extents_at_once);
    if (!extents) co_return fail(extents.error());
    if (extents->empty()) break;
    for (const pool::BlockExtent& extent : *extents) {
      if (extent.hole || extent.zero) continue;
      Block block = block_at(extent.at);
      for (std::uint64_t left = blocks_in(extent.length); left > 0;) {
        std::uint64_t n = std::min(left, at_once);
        MutSpan into = bytes.span().first(n * block_size);
        Result<> read = co_await volume->read_blocks(block, n, into, sums);
        if (!read && read.error().code == Code::corrupt) read = co_await read_each(volume, block, n);
        if (!read) co_return fail(read.error());
        done += Bytes{n * block_size};
        block += Block{n};
        left -= n;
      }
    }
    at = extents->back().at + extents->back().length;
  }
  co_return done;
}

std::vector<pool::Damage> damages_of(const pool::Pool& pool, std::span<const VolumeId> volumes, std::uint64_t& after) {
  std::vector<pool::Damage> out = pool.damages(after);
  if (!out.empty()) after = out.back().number;
  std::erase_if(out, [&](const pool::Damage& damage) { return std::find(volumes.begin(), volumes.end(), damage.volume) == volumes.end(); });
  return out;
}

}  // namespace lockstep::replica
