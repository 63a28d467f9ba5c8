// Compare at the source: leaf hashes of both ends, then the entries of the leaves that differ. What differs is the pass's
// set.
#include <algorithm>

#include "replica/source/source.h"
#include "replica/wire/convert.h"
#include "replica/wire/leaves.h"

namespace lockstep::replica {
namespace {

constexpr std::uint32_t hashes_at_once = 8192;  // 4 GiB of a volume

}  // namespace

rt::Task<Result<>> Source::compare(Channel& channel) {
  // Both views must be wholly in the store's map.
  Result<> ours = co_await pool_.checkpoint();
  if (!ours) co_return ours;
  Result<> asked = co_await channel.send(FrameType::compare_begin);
  if (!asked) co_return asked;
  Result<Frame> ready = co_await reply(FrameType::compare_ready);
  if (!ready) co_return fail(ready.error());
  pass_->masks.clear();
  for (std::uint32_t member = 0; member < members_.size(); ++member) {
    Result<> done = co_await compare_member(channel, member);
    if (!done) co_return done;
  }
  co_return co_await channel.send(FrameType::compare_end);
}

rt::Task<Result<>> Source::compare_member(Channel& channel, std::uint32_t member) {
  CO_TRY(pool::VolumeRef view, pool_.open_snapshot(pass_->snapshot, member));
  std::uint64_t leaves = (blocks_in(view->size()) + store::leaf_blocks - 1) / store::leaf_blocks;
  SnapshotId snapshot = pass_->snapshot;
  for (std::uint64_t leaf = 0; leaf < leaves;) {
    auto count = static_cast<std::uint32_t>(std::min<std::uint64_t>(leaves - leaf, hashes_at_once));
    wire::HashesWanted wanted;
    wanted.set_member(member);
    wanted.set_leaf(leaf);
    wanted.set_count(count);
    Result<> asked = co_await channel.send(FrameType::hashes_wanted, wanted);
    if (!asked) co_return asked;
    auto mine = co_await pool_.leaf_hashes(snapshot, member, leaf, count);
    if (!mine) co_return fail(mine.error());
    Result<Frame> frame = co_await reply(FrameType::hashes);
    if (!frame) co_return fail(frame.error());
    auto theirs = decode_hashes(frame->heads);
    if (!theirs) co_return fail(theirs.error());
    mine->resize(count);
    theirs->resize(count);
    for (std::uint32_t i = 0; i < count;) {
      std::uint32_t end = i;
      while (end < count && end - i < leaves_most && (*mine)[end] != (*theirs)[end]) ++end;
      if (end > i) {
        Result<> added = co_await compare_leaves(channel, member, leaf + i, end - i);
        if (!added) co_return added;
      }
      i = std::max(end, i + 1);
    }
    leaf += count;
  }
  co_return Result<>{};
}

rt::Task<Result<>> Source::compare_leaves(Channel& channel, std::uint32_t member, std::uint64_t leaf,
                                          std::uint32_t count) {
  wire::EntriesWanted wanted;
  wanted.set_member(member);
  wanted.set_leaf(leaf);
  wanted.set_count(count);
  Result<> asked = co_await channel.send(FrameType::entries_wanted, wanted);
  if (!asked) co_return asked;
  Result<Frame> frame = co_await reply(FrameType::entries);
  if (!frame) co_return fail(frame.error());
  auto theirs = decode_leaves(frame->heads, count);
  if (!theirs) co_return fail(theirs.error());
  for (std::uint32_t i = 0; i < count; ++i) {
    auto mine = co_await pool_.leaf_entries(pass_->snapshot, member, leaf + i);
    if (!mine) co_return fail(mine.error());
    LeafMask mask{member, leaf + i, difference(*mine, (*theirs)[i])};
    if (mask.mask != LeafMask{}.mask) pass_->masks.push_back(mask);
  }
  co_return Result<>{};
}

}  // namespace lockstep::replica
