// A target that hosts use while it is filled. It belongs to them from its first moment; the source's blocks go where nothing is yet, and
// what still is nowhere when the pass ends was a hole.
#include <algorithm>

#include "replica/group/ledger.h"
#include "replica/target/target.h"

namespace lockstep::replica {
namespace {

constexpr std::size_t extents_at_once = 1024;
constexpr std::size_t masks_at_once = 4096;

// Adds blocks [from, to) as masks, as far as `masks_at_once` goes; returns where it stopped.
std::uint64_t add_masks(std::uint32_t member, std::uint64_t from, std::uint64_t to, std::vector<LeafMask>& masks) {
  while (from < to) {
    const std::uint64_t leaf = from / store::leaf_blocks;
    if (masks.empty() || masks.back().member != member || masks.back().leaf != leaf) {
      if (masks.size() == masks_at_once) return from;
      masks.push_back({member, leaf, {}});
    }
    const std::uint64_t end = std::min(to, (leaf + 1) * store::leaf_blocks);
    for (; from < end; ++from) masks.back().mask[from % store::leaf_blocks / 64] |= 1ULL << (from % 64);
  }
  return from;
}

rt::Task<Result<>> send_masks(Channel& channel, std::vector<LeafMask>& masks) {
  if (masks.empty()) co_return Result<>{};
  Buffer heads = encode_masks(masks);
  masks.clear();
  std::vector<Span> none;
  co_return co_await channel.send(FrameType::changes, Span{}, heads, std::move(none));
}

}  // namespace

bool Target::filling() const { return is_filling(pool_, group_); }

rt::Task<Result<>> Target::begin_fill_pass(Channel& channel) {
  // Everything before the cursor came in this life; the source begins there, so only what is here behind it matters.
  for (std::uint32_t member = cursor_member_; member < members_.size(); ++member) {
    Block from = member == cursor_member_ ? cursor_block_ : Block{0};
    Result<> told = co_await tell_held(channel, member, from);
    if (!told) co_return told;
  }
  Result<> end = co_await channel.send(FrameType::changes);
  if (!end) co_return end;
  co_return co_await channel.send(FrameType::pass_ready);
}

rt::Task<Result<>> Target::tell_held(Channel& channel, std::uint32_t member, Block from) {
  CO_TRY(pool::VolumeRef volume, pool_.open_volume(members_[member]));
  std::vector<LeafMask> masks;
  for (Bytes at = offset_of(from); at < volume->size();) {
    auto extents = co_await volume->extents(at, volume->size() - at, extents_at_once);
    if (!extents) co_return fail(extents.error());
    if (extents->empty()) break;
    for (const auto& e : *extents) {
      if (e.remote) continue;
      const std::uint64_t end = block_at(e.at).value + blocks_in(e.length);
      for (std::uint64_t block = block_at(e.at).value; block < end;) {
        block = add_masks(member, block, end, masks);
        if (block == end) break;
        Result<> sent = co_await send_masks(channel, masks);
        if (!sent) co_return sent;
      }
    }
    at = extents->back().at + extents->back().length;
  }
  co_return co_await send_masks(channel, masks);
}

rt::Task<Result<>> Target::end_fill_pass(Channel& channel) {
  Result<> settled = co_await settle();
  if (!settled) co_return settled;
  Result<> whole = co_await pool_.end_fill(group_);
  if (!whole) co_return whole;
  store::GroupRow group = row();
  group.was_synchronized = true;
  Result<> noted = co_await pool_.change_group(std::move(group));
  if (!noted) co_return noted;
  changed();
  co_return co_await channel.send(FrameType::pass_done);
}

}  // namespace lockstep::replica
