// Lookups: cached leaves at once, others by one load a leaf that later askers wait for.
#include <algorithm>

#include "store/impl.h"

namespace lockstep::store {

struct Impl::Load {
  explicit Load(rt::Loop& loop) : done(loop) {}
  bool finished = false;
  rt::Signal done;
};

namespace {

constexpr std::size_t leaves_at_once = 64;

// Blocks of one leaf inside [block, block + count).
struct Part {
  std::size_t first_index;   // in the leaf
  std::size_t count;
  std::size_t at;            // in the answer
};
Part part_of(Block block, std::size_t count, std::uint64_t leaf) {
  std::uint64_t begin = std::max(block.value, leaf * leaf_blocks);
  std::uint64_t end = std::min(block.value + count, (leaf + 1) * leaf_blocks);
  return {static_cast<std::size_t>(begin % leaf_blocks), static_cast<std::size_t>(end - begin), static_cast<std::size_t>(begin - block.value)};
}

// The versions of one leaf that a chain of views reads, as far down as blocks are still absent.
Result<std::vector<std::optional<Version>>> read_chain(db::Connection& c, const Lineage::Chain& chain, std::uint64_t leaf) {
  std::vector<std::optional<Version>> out(chain.size());
  std::array<bool, leaf_blocks> known{};
  for (std::size_t i = 0; i < chain.size(); ++i) {
    TRY(out[i], rows::leaf_at(c, {chain[i].volume, leaf}, chain[i].epoch));
    if (!out[i]) continue;
    for (std::size_t k = 0; k < leaf_blocks; ++k) known[k] |= !out[i]->content[k].is_absent();
    if (std::find(known.begin(), known.end(), false) == known.end()) break;
  }
  return out;
}

}  // namespace

// An epoch that no row pins is the head's: it was when the caller asked, and versions of it are no longer kept apart from later ones.
View Impl::as_kept(View view) const {
  if (view.epoch >= head_epoch_) return {view.volume, Lineage::forever};
  if (!lineage_.is_pinned(view.volume, view.epoch) && lineage_.has_head(view.volume)) return {view.volume, Lineage::forever};
  return view;
}

LeafCache::Key Impl::key_of(View view, std::uint64_t leaf) const {
  View kept = as_kept(view);
  return {kept.volume, kept.epoch, leaf};
}

Result<bool> Impl::try_lookup(View view, Block block, std::span<Entry> out) {
  std::size_t filled = 0;
  while (filled < out.size()) {
    std::uint64_t at = block.value + filled;
    const LeafCache::Hit* hit = cache_.find(key_of(view, at / leaf_blocks));
    if (hit == nullptr) {
      if (!lineage_.knows(view.volume)) return fail(Code::not_found, "lookup: no volume " + std::to_string(view.volume.value));
      TRY_VOID(usable());
      return false;
    }
    std::size_t index = at % leaf_blocks;
    std::size_t end = std::min<std::size_t>(leaf_blocks, index + out.size() - filled);
    for (; index < end; ++index) out[filled++] = entry_of(hit->at(index));
  }
  return true;
}

Result<> Impl::merge(const Lineage::Chain& chain, std::uint64_t leaf, const std::vector<std::optional<Version>>& rows, LeafContent& out) const {
  for (std::size_t i = 0; i < chain.size(); ++i) {
    LeafContent own{};
    Epoch base{0};
    if (rows[i]) {
      own = rows[i]->content;
      base = rows[i]->epoch;
    }
    deltas_.overlay({chain[i].volume, leaf}, base, chain[i].epoch, own);
    if (i == 0) {
      out = own;
    } else {
      for (std::size_t k = 0; k < leaf_blocks; ++k)
        if (out[k].is_absent()) out[k] = own[k];
    }
    if (std::none_of(out.begin(), out.end(), [](const Slot& slot) { return slot.is_absent(); })) break;
  }
  return {};
}

void Impl::leaf_changed(LeafId id) {
  if (loading_ != 0) changed_[id] = ++change_count_;
}

rt::Task<Result<std::vector<LeafContent>>> Impl::resolve(View view, Leaves leaves) {
  using Rows = std::vector<std::optional<Version>>;
  std::vector<std::optional<Rows>> rows(leaves.size());
  std::vector<std::uint64_t> since(leaves.size());
  std::optional<Lineage::Chain> chain;
  struct Loading {   // while it lives, changed_ is kept
    Impl& impl;
    explicit Loading(Impl& i) : impl(i) { ++impl.loading_; }
    ~Loading() {
      if (--impl.loading_ == 0) impl.changed_.clear();
    }
  } loading(*this);
  std::optional<Turn> turn;
  for (int round = 0;; ++round) {
    CO_TRY_VOID(usable());
    if (!lineage_.knows(view.volume)) co_return fail(Code::not_found, "lookup: no volume " + std::to_string(view.volume.value));
    CO_TRY(auto now, lineage_.chain(as_kept(view)));
    if (!chain || *chain != now) {
      chain = now;
      rows.assign(leaves.size(), std::nullopt);
    }
    std::vector<std::size_t> missing;
    for (std::size_t i = 0; i < leaves.size(); ++i) {
      for (const View& step : *chain)
        if (auto it = changed_.find({step.volume, leaves[i]}); it != changed_.end() && it->second > since[i]) rows[i].reset();
      if (!rows[i]) missing.push_back(i);
    }
    if (missing.empty()) break;
    if (round == 8) {   // the map changes faster than it is read: have it hold still
      auto turning = take_turn();
      turn.emplace(co_await turning);
    }
    auto reading = take_reader();
    CO_TRY(auto reader, co_await reading);
    Leaves wanted;
    for (std::size_t i : missing) {
      wanted.push_back(leaves[i]);
      since[i] = change_count_;
    }
    auto job = rt::work(loop_, [&c = reader.connection(), chain = *chain, wanted]() -> Result<std::vector<Rows>> {
      TRY(auto view_of_all, c.begin());   // one state for all of them
      std::vector<Rows> out;
      for (std::uint64_t leaf : wanted) {
        TRY(auto one, read_chain(c, chain, leaf));
        out.push_back(std::move(one));
      }
      return out;
    });
    CO_TRY(auto loaded, co_await job);
    for (std::size_t i = 0; i < missing.size(); ++i) rows[missing[i]] = std::move(loaded[i]);
  }
  std::vector<LeafContent> out(leaves.size());
  for (std::size_t i = 0; i < leaves.size(); ++i) CO_TRY_VOID(merge(*chain, leaves[i], *rows[i], out[i]));
  co_return std::move(out);
}

rt::Task<Result<>> Impl::lookup(View view, Block block, std::vector<Entry>& out) {
  if (out.empty()) co_return Result<>{};
  std::uint64_t first = leaf_of(block);
  std::uint64_t last = leaf_of(Block{block.value + out.size() - 1});
  std::vector<bool> filled(last - first + 1);
  for (;;) {
    Leaves missing;
    std::vector<LeafCache::Key> keys;
    std::shared_ptr<Load> under_way;
    for (std::uint64_t leaf = first; leaf <= last && missing.size() < leaves_at_once; ++leaf) {
      if (filled[leaf - first]) continue;
      LeafCache::Key key = key_of(view, leaf);
      if (const LeafCache::Hit* hit = cache_.find(key)) {
        Part part = part_of(block, out.size(), leaf);
        for (std::size_t i = 0; i < part.count; ++i) out[part.at + i] = entry_of(hit->at(part.first_index + i));
        filled[leaf - first] = true;
      } else if (auto it = loads_.find(key); it != loads_.end()) {
        under_way = it->second;
      } else {
        missing.push_back(leaf);
        keys.push_back(key);
      }
    }
    if (missing.empty()) {
      if (!under_way) co_return Result<>{};
      while (!under_way->finished) co_await under_way->done.wait();
      continue;
    }
    auto load = std::make_shared<Load>(loop_);
    for (const auto& key : keys) loads_.emplace(key, load);
    auto resolving = resolve(view, missing);
    auto contents = co_await resolving;
    for (const auto& key : keys) loads_.erase(key);
    load->finished = true;
    load->done.wake_all();
    if (!contents) co_return fail(std::move(contents).error());
    for (std::size_t i = 0; i < missing.size(); ++i) {
      cache_.put(key_of(view, missing[i]), (*contents)[i]);
      Part part = part_of(block, out.size(), missing[i]);
      for (std::size_t k = 0; k < part.count; ++k) out[part.at + k] = entry_of((*contents)[i][part.first_index + k]);
      filled[missing[i] - first] = true;
    }
  }
}

void Impl::note_volume(const VolumeRow& row) { lineage_.apply(row, lost_); }

}  // namespace lockstep::store
