// Scans: extents, differences and hashes of whole views, slice by slice, past the cache.
#include <algorithm>

#include "store/impl.h"

namespace lockstep::store {
namespace {

constexpr std::size_t leaves_per_slice = 64;
constexpr std::size_t leaves_listed = 4096;

// True when some had to go.
bool sort_once(std::vector<std::uint64_t>& leaves, std::size_t most) {
  std::sort(leaves.begin(), leaves.end());
  leaves.erase(std::unique(leaves.begin(), leaves.end()), leaves.end());
  if (leaves.size() <= most) return false;
  leaves.resize(most);
  return true;
}

bool same_content(const Slot& a, const Slot& b) {
  if (a.is_hole() || b.is_hole()) return a.is_hole() && b.is_hole();
  return a.kind() == b.kind() && a.sum == b.sum;
}

}  // namespace

// Leaves in [from, end) about which rows or deltas of these volumes say anything, ascending; fewer than `most`: that is all.
rt::Task<Result<Impl::Leaves>> Impl::candidates(std::vector<View> views, std::uint64_t from, std::uint64_t end, std::size_t most) {
  Leaves out;
  // Deltas before rows: what is folded in between is seen twice, never not at all.
  for (const View& view : views) {
    std::size_t left = most;
    for (LeafId at{view.volume, from}; left != 0 && deltas_.next_leaf(at) && at.volume == view.volume && at.leaf < end; ++at.leaf, --left)
      out.push_back(at.leaf);
  }
  auto reading = take_reader();
  CO_TRY(auto reader, co_await reading);
  auto job = rt::work(loop_, [&c = reader.connection(), views = std::move(views), from, most]() -> Result<Leaves> {
    Leaves found;
    for (const View& view : views) {
      TRY(Leaves of, rows::leaves_from(c, view.volume, from, most));
      found.insert(found.end(), of.begin(), of.end());
    }
    return found;
  });
  CO_TRY(Leaves rows, co_await job);
  std::copy_if(rows.begin(), rows.end(), std::back_inserter(out), [end](std::uint64_t leaf) { return leaf < end; });
  sort_once(out, most);
  co_return std::move(out);
}

rt::Task<Result<std::vector<Store::Extent>>> Impl::extents(View view, Block from, std::size_t most) {
  std::vector<Extent> out;
  std::uint64_t end = blocks_in(lineage_.size(view.volume));
  std::uint64_t at = from.value;
  auto add = [&](std::uint64_t block, std::uint64_t count, EntryKind kind) {
    if (!out.empty() && out.back().kind == kind) out.back().count += count;
    else out.push_back({Block{block}, count, kind});
  };
  while (at < end && out.size() <= most) {
    CO_TRY(auto chain, lineage_.chain(as_kept(view)));
    auto asking = candidates(chain, at / leaf_blocks, (end + leaf_blocks - 1) / leaf_blocks, leaves_per_slice);
    CO_TRY(Leaves leaves, co_await asking);
    auto resolving = resolve(view, leaves);
    CO_TRY(auto contents, co_await resolving);
    for (std::size_t i = 0; i < leaves.size(); ++i) {
      std::uint64_t first = std::max(at, leaves[i] * leaf_blocks);
      if (first > at) add(at, first - at, EntryKind::absent);
      at = std::min(end, (leaves[i] + 1) * leaf_blocks);
      for (std::uint64_t b = first; b < at; ++b) add(b, 1, contents[i][b % leaf_blocks].kind());
    }
    if (leaves.size() < leaves_per_slice && at < end) {
      add(at, end - at, EntryKind::absent);
      at = end;
    }
  }
  if (out.size() > most) out.resize(most);
  co_return std::move(out);
}

rt::Task<Result<std::vector<Store::DiffLeaf>>> Impl::diff(View older, View newer, std::uint64_t from_leaf, std::size_t most) {
  std::vector<DiffLeaf> out;
  for (bool all = false; !all && out.empty();) {
    // Where the two can differ: in what either has of its own, and, in the volume that both come to, in what was written in between.
    CO_TRY(auto chain_a, lineage_.chain(as_kept(older)));
    CO_TRY(auto chain_b, lineage_.chain(as_kept(newer)));
    std::vector<View> own;
    std::optional<std::pair<View, View>> shared;
    for (const View& a : chain_a) {
      auto b = std::find_if(chain_b.begin(), chain_b.end(), [&](const View& view) { return view.volume == a.volume; });
      if (b != chain_b.end()) {
        own.insert(own.end(), chain_b.begin(), b);
        shared.emplace(std::min(a, *b), std::max(a, *b));
        break;
      }
      own.push_back(a);
    }
    if (!shared) own.insert(own.end(), chain_b.begin(), chain_b.end());
    // The list of what was written begins at the first pin; zero intervals are not in it.
    bool listed = shared.has_value();
    if (shared) {
      auto first_pin = lineage_.pin_above(shared->first.volume, Epoch{0});
      listed = first_pin && *first_pin <= shared->first.epoch;
      for (const View& view : chain_a) listed = listed && !deltas_.has_zeroes(view.volume);
      for (const View& view : chain_b) listed = listed && !deltas_.has_zeroes(view.volume);
    }
    if (!listed) {
      own = chain_a;
      own.insert(own.end(), chain_b.begin(), chain_b.end());
    }
    auto asking = candidates(own, from_leaf, ~0ull, leaves_listed);
    CO_TRY(Leaves leaves, co_await asking);
    all = leaves.size() < leaves_listed;
    if (listed && shared->first.epoch != shared->second.epoch) {
      auto more = written_between(shared->first.volume, shared->first.epoch, shared->second.epoch, from_leaf, leaves_listed);
      CO_TRY(Leaves between, co_await more);
      all = all && between.size() < leaves_listed;
      leaves.insert(leaves.end(), between.begin(), between.end());
    }
    if (sort_once(leaves, leaves_listed)) all = false;
    for (std::size_t at = 0; at < leaves.size() && out.size() < most; at += leaves_per_slice) {
      Leaves slice(leaves.begin() + static_cast<std::ptrdiff_t>(at),
                   leaves.begin() + static_cast<std::ptrdiff_t>(std::min(leaves.size(), at + leaves_per_slice)));
      auto resolving_a = resolve(older, slice);
      CO_TRY(auto was, co_await resolving_a);
      auto resolving_b = resolve(newer, slice);
      CO_TRY(auto is, co_await resolving_b);
      for (std::size_t i = 0; i < slice.size() && out.size() < most; ++i) {
        DiffLeaf leaf;
        leaf.leaf = slice[i];
        bool any = false;
        for (std::size_t k = 0; k < leaf_blocks; ++k) {
          if (same_content(was[i][k], is[i][k])) continue;
          leaf.mask[k / 64] |= 1ull << (k % 64);
          any = true;
        }
        if (any) out.push_back(leaf);
        from_leaf = slice[i] + 1;
      }
    }
    if (leaves.empty()) break;
  }
  co_return std::move(out);
}

// Leaves of the volume that got entries in epochs (after, upto], from `from` on.
rt::Task<Result<Impl::Leaves>> Impl::written_between(VolumeId volume, Epoch after, Epoch upto, std::uint64_t from, std::size_t most) {
  Leaves out;
  std::size_t looked = 0;
  for (LeafId at{volume, from}; out.size() < most && deltas_.next_leaf(at) && at.volume == volume; ++at.leaf) {
    if (deltas_.touched(at, after, upto)) out.push_back(at.leaf);
    if (++looked % 1024 == 0) co_await rt::yield(loop_);
  }
  auto reading = take_reader();
  CO_TRY(auto reader, co_await reading);
  auto job = rt::work(loop_, [&c = reader.connection(), volume, after, upto, from, most] { return rows::written(c, volume, after, upto, from, most); });
  CO_TRY(Leaves rows, co_await job);
  out.insert(out.end(), rows.begin(), rows.end());
  sort_once(out, most);
  co_return std::move(out);
}

rt::Task<Result<std::vector<Checksum>>> Impl::leaf_hashes(View view, std::uint64_t from_leaf, std::size_t count) {
  std::vector<Checksum> out(count);
  for (std::uint64_t at = from_leaf; at < from_leaf + count;) {
    CO_TRY(auto chain, lineage_.chain(as_kept(view)));
    auto asking = candidates(chain, at, from_leaf + count, leaves_per_slice);
    CO_TRY(Leaves leaves, co_await asking);
    auto resolving = resolve(view, leaves);
    CO_TRY(auto contents, co_await resolving);
    for (std::size_t i = 0; i < leaves.size(); ++i) {
      Buffer bytes;
      Writer w(bytes);
      bool holes = true;
      for (const Slot& slot : contents[i]) {
        holes = holes && slot.is_hole();
        w.u8(static_cast<std::uint8_t>(slot.is_hole() ? EntryKind::zero : slot.kind()));
        w.u64(slot.sum);
      }
      if (!holes) out[leaves[i] - from_leaf] = checksum_of(bytes);
    }
    if (leaves.size() < leaves_per_slice) break;
    at = leaves.back() + 1;
  }
  co_return std::move(out);
}

}  // namespace lockstep::store
