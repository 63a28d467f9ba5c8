#include "replica/ends/pass.h"

#include <algorithm>
#include <bit>
#include <tuple>

namespace lockstep::replica {

MaskRuns::MaskRuns(const std::vector<LeafMask>& masks, std::uint32_t member, Block from, std::uint64_t most)
    : masks_(masks), most_(most) {
  std::uint64_t leaf = from.value / store::leaf_blocks;
  auto before = [](const LeafMask& m, std::tuple<std::uint32_t, std::uint64_t> key) {
    return std::tuple(m.member, m.leaf) < key;
  };
  auto first = std::lower_bound(masks.begin(), masks.end(), std::tuple(member, leaf), before);
  at_ = static_cast<std::size_t>(first - masks.begin());
  if (first != masks.end() && first->member == member && first->leaf == leaf)
    bit_ = from.value % store::leaf_blocks;
}

std::optional<PassRun> MaskRuns::next_block() {
  for (; at_ < masks_.size(); ++at_, bit_ = 0) {
    const LeafMask& m = masks_[at_];
    for (; bit_ < store::leaf_blocks; ++bit_) {
      std::uint64_t word = m.mask[bit_ / 64] >> (bit_ % 64);
      if (word == 0) {
        bit_ |= 63;  // the rest of this word is empty
        continue;
      }
      bit_ += static_cast<std::uint64_t>(std::countr_zero(word));
      PassRun run{m.member, Block{m.leaf * store::leaf_blocks + bit_}, 1, false};
      ++bit_;
      return run;
    }
  }
  return std::nullopt;
}

std::optional<PassRun> MaskRuns::next() {
  std::optional<PassRun> run = ahead_ ? std::exchange(ahead_, std::nullopt) : next_block();
  while (run && run->count < most_) {
    ahead_ = next_block();
    if (!ahead_ || ahead_->member != run->member || ahead_->block.value != run->block.value + run->count)
      break;
    ++run->count;
    ahead_.reset();
  }
  return run;
}

std::vector<PassRun> without(PassRun run, const std::vector<LeafMask>& held) {
  std::vector<PassRun> out;
  auto before = [](const LeafMask& m, std::tuple<std::uint32_t, std::uint64_t> key) { return std::tuple(m.member, m.leaf) < key; };
  auto at = std::lower_bound(held.begin(), held.end(), std::tuple(run.member, run.block.value / store::leaf_blocks), before);
  bool open = false;
  for (std::uint64_t i = 0; i < run.count; ++i) {
    std::uint64_t block = run.block.value + i;
    while (at != held.end() && at->member == run.member && at->leaf < block / store::leaf_blocks) ++at;
    std::uint64_t bit = block % store::leaf_blocks;
    bool there = at != held.end() && at->member == run.member && at->leaf == block / store::leaf_blocks && (at->mask[bit / 64] >> (bit % 64) & 1) != 0;
    if (!there && !open) out.push_back(PassRun{run.member, Block{block}, 0, run.zero});
    if (!there) ++out.back().count;
    open = !there;
  }
  return out;
}

journal::Record record_of(const PassRun& run, Origin towards, WallTime now) {
  journal::Record record;
  record.kind = run.zero ? journal::Kind::zero : journal::Kind::write;
  record.flags = journal::flag_resync;
  record.origin = {towards.generation, std::max(towards.lsn, Lsn{1})};  // says whose; moves no position
  record.volume = VolumeId{run.member};
  record.block = run.block;
  record.count = run.count;
  record.time = now;
  return record;
}

std::uint64_t blocks_of(const std::vector<LeafMask>& masks) {
  std::uint64_t sum = 0;
  for (const auto& m : masks) {
    for (std::uint64_t word : m.mask) sum += static_cast<std::uint64_t>(std::popcount(word));
  }
  return sum;
}

std::vector<LeafMask> united(std::vector<LeafMask> a, std::vector<LeafMask> b) {
  a.insert(a.end(), b.begin(), b.end());
  std::sort(a.begin(), a.end(), [](const LeafMask& x, const LeafMask& y) {
    return std::tie(x.member, x.leaf) < std::tie(y.member, y.leaf);
  });
  std::size_t kept = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (kept > 0 && a[kept - 1].member == a[i].member && a[kept - 1].leaf == a[i].leaf) {
      for (std::size_t w = 0; w < a[i].mask.size(); ++w) a[kept - 1].mask[w] |= a[i].mask[w];
    } else {
      a[kept++] = a[i];
    }
  }
  a.resize(kept);
  return a;
}

}  // namespace lockstep::replica
