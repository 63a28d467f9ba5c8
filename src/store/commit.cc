// Commit: one checkpoint becomes the newest state, and durable.
#include <algorithm>

#include "store/change_maps.h"
#include "store/impl.h"

namespace lockstep::store {
namespace {

constexpr std::size_t items_per_row = 4096;
constexpr std::size_t items_per_turn = 512;    // merged before the loop may do something else
constexpr std::size_t leaves_per_turn = 256;

// Rows of a size that SQLite and a trim can handle.
std::vector<Chunk> split(Chunk chunk) {
  std::vector<Chunk> out;
  std::size_t at = 0;
  do {
    Chunk part;
    if (at == 0) part.zeroes = std::move(chunk.zeroes);
    std::size_t end = std::min(chunk.items.size(), at + items_per_row);
    part.items.assign(chunk.items.begin() + static_cast<std::ptrdiff_t>(at), chunk.items.begin() + static_cast<std::ptrdiff_t>(end));
    at = end;
    if (!part.empty()) out.push_back(std::move(part));
  } while (at < chunk.items.size());
  return out;
}

struct Prepared {
  std::vector<Chunk> chunks;
  std::vector<Buffer> rows;
  std::vector<Place> dropped;
};

}  // namespace

Impl::Ledger Impl::ledger() {
  Ledger out;
  out.released = places_.released();
  out.delta_row = next_delta_row_;
  out.space_row = next_space_row_;
  for (const LogPart& part : delta_rows_) {
    if (deltas_.live(part.id) != 0) break;
    out.drop_deltas = part.id;
  }
  out.space.lsn = checkpoint_lsn_;
  out.unlogged = places_.take_unlogged();
  return out;
}

Result<> Impl::Ledger::write(db::Connection& c) {
  TRY_VOID(rows::set_number(c, "released", released.value));
  if (drop_deltas != 0) TRY_VOID(rows::drop_upto(c, rows::Log::delta, drop_deltas));
  for (std::size_t i = 0; i < deltas.size(); ++i) TRY_VOID(rows::append(c, rows::Log::delta, delta_row + i, deltas[i]));
  freed.insert(freed.end(), unlogged.begin(), unlogged.end());
  space.used = runs_of(std::move(used));
  space.freed = runs_of(std::move(freed));
  if (space.used.empty() && space.freed.empty()) return {};
  Buffer row = encode_space(space);
  space_bytes = row.size();
  return rows::append(c, rows::Log::space, space_row, row);
}

void Impl::written(const Ledger& ledger, std::span<const std::uint64_t> items) {
  while (!delta_rows_.empty() && delta_rows_.front().id <= ledger.drop_deltas) {
    delta_items_ -= delta_rows_.front().weight;
    delta_rows_.pop_front();
  }
  for (std::uint64_t count : items) {
    delta_rows_.push_back({next_delta_row_++, count, {}});
    delta_items_ += count;
  }
  if (ledger.space_bytes == 0) return;
  space_rows_.push_back({next_space_row_++, ledger.space_bytes, ledger.space.lsn});
  space_bytes_ += ledger.space_bytes;
  places_.quarantine(ledger.space.lsn, ledger.space.freed);
}

void Impl::apply_to_lineage(const std::vector<CatalogChange>& changes) {
  Catalog epochs;   // only its clock
  epochs.epoch = head_epoch_;
  for (const CatalogChange& change : changes) {
    lineage_.apply(change, lost_);
    epochs.apply(change);
  }
  head_epoch_ = epochs.epoch;
}

std::vector<Lineage::Lost> Impl::take_lost() {
  std::vector<Lineage::Lost> lost = std::move(lost_);
  lost_.clear();
  for (Lineage::Lost& one : lost)
    if (!lineage_.is_held(one.volume)) one.epoch = Lineage::forever;   // one sweep takes it all
  std::erase_if(lost, [&](const Lineage::Lost& one) { return lineage_.is_pinned(one.volume, one.epoch); });
  std::sort(lost.begin(), lost.end());
  lost.erase(std::unique(lost.begin(), lost.end()), lost.end());
  return lost;
}

// Heads are kept up to date; other views that see the change are loaded again.
void Impl::refresh_cached(const Chunk::Item& item, const std::vector<View>& dependents) {
  LeafId id{item.volume, leaf_of(item.block)};
  std::size_t index = index_in_leaf(item.block);
  if (item.epoch >= head_epoch_ || !deltas_.is_hidden(id, index, item.epoch)) cache_.update({id.volume, Lineage::forever, id.leaf}, index, item.slot);
  for (const View& view : dependents) cache_.erase({view.volume, view.epoch, id.leaf});
}

rt::Task<void> Impl::refresh_cached(Chunk::Zero zero, std::vector<View> dependents) {
  auto sees = [&](const LeafCache::Key& key) {
    return std::any_of(dependents.begin(), dependents.end(), [&](const View& view) { return view.volume == key.volume && view.epoch == key.epoch; });
  };
  for (std::size_t slot = 0; slot < cache_.size(); ++slot) {
    if (slot % 4096 == 4095) co_await rt::yield(loop_);
    LeafCache::Key key;
    if (!cache_.key_at(slot, key) || key.leaf < zero.first || key.leaf >= zero.end) continue;
    if (key.volume == zero.volume && key.epoch == Lineage::forever) cache_.fill(key, zero_slot);
    else if (sees(key)) cache_.erase(key);
  }
}

rt::Task<void> Impl::merge_chunks(const std::vector<Chunk>& chunks, std::vector<Place>& freed) {
  std::map<std::pair<VolumeId, Epoch>, std::vector<View>> known;
  auto dependents_of = [&](VolumeId volume, Epoch epoch) -> const std::vector<View>& {
    auto [it, fresh] = known.try_emplace({volume, epoch});
    if (fresh && epoch < head_epoch_) it->second = lineage_.dependents(volume, epoch);
    return it->second;
  };
  std::size_t merged = 0;
  for (std::size_t i = 0; i < chunks.size(); ++i) {
    std::uint64_t row = next_delta_row_ + i;
    for (const Chunk::Zero& zero : chunks[i].zeroes) {
      if (!lineage_.is_visible(zero.volume, zero.epoch, Lineage::forever)) continue;
      deltas_.put_zero(zero, row);
      for (std::uint64_t at = zero.first; at != zero.end;) {
        at = deltas_.erase_under(zero, at, leaves_per_turn, freed);
        co_await rt::yield(loop_);
      }
      auto refreshing = refresh_cached(zero, dependents_of(zero.volume, zero.epoch));
      co_await refreshing;
    }
    for (const Chunk::Item& item : chunks[i].items) {
      if (++merged % items_per_turn == 0) co_await rt::yield(loop_);
      if (!lineage_.is_visible(item.volume, item.epoch, Lineage::forever)) {
        if (item.slot.place().value != 0) freed.push_back(item.slot.place());
        continue;
      }
      deltas_.put(item, row, freed);
      refresh_cached(item, dependents_of(item.volume, item.epoch));
    }
  }
}

rt::Task<Result<>> Impl::commit(Commit commit) {
  auto turning = take_turn();
  Turn turn = co_await turning;
  CO_TRY_VOID(usable());
  if (commit.checkpoint_lsn < checkpoint_lsn_)
    co_return fail(Code::invalid, "commit: up to LSN " + std::to_string(commit.checkpoint_lsn.value) + ", but the one before reached " +
                                      std::to_string(checkpoint_lsn_.value));

  auto prepare = rt::work(loop_, [map = std::move(commit.map)]() mutable -> Result<Prepared> {
    TRY(auto normalised, normalise(std::move(map)));
    Prepared out;
    out.dropped = std::move(normalised.dropped);
    out.chunks = split(std::move(normalised.chunk));
    for (const Chunk& chunk : out.chunks) out.rows.push_back(encode_chunk(chunk));
    return out;
  });
  CO_TRY(Prepared prepared, co_await prepare);

  apply_to_lineage(commit.catalog);
  std::vector<Place> freed = std::move(prepared.dropped);
  auto merging = merge_chunks(prepared.chunks, freed);
  co_await merging;

  Ledger ledger = this->ledger();
  ledger.deltas = std::move(prepared.rows);
  ledger.space.lsn = commit.checkpoint_lsn;
  ledger.freed = std::move(freed);
  std::vector<Lineage::Lost> lost = take_lost();
  Catalog clock;
  clock.epoch = catalog_.epoch;
  clock.next_volume = catalog_.next_volume;
  for (const CatalogChange& change : commit.catalog) clock.apply(change);
  auto job = rt::work(loop_, [&c = database_->writer(), &ledger, &commit, &lost, epoch = clock.epoch, next_volume = clock.next_volume]() -> Result<> {
    TRY(auto transaction, c.begin());
    TRY_VOID(ledger.write(c));
    for (const CatalogChange& change : commit.catalog) {
      TRY_VOID(rows::apply(c, change));
      if (auto* removed = std::get_if<Removed<RelationshipId>>(&change)) TRY_VOID(change_maps::clear(c, removed->key));
    }
    for (const ChangeMapUpdate& update : commit.change_maps) TRY_VOID(change_maps::apply(c, update));
    for (const Lineage::Lost& one : lost) TRY_VOID(rows::add_sweep(c, one.volume, one.epoch));
    TRY_VOID(rows::set_number(c, "checkpoint_lsn", commit.checkpoint_lsn.value));
    TRY_VOID(rows::set_number(c, "epoch", epoch.value));
    TRY_VOID(rows::set_number(c, "next_volume", next_volume.value));
    return transaction.commit();
  });
  if (auto done = co_await job; !done) co_return fail(failed(done.error().in("commit")));

  for (const CatalogChange& change : commit.catalog) catalog_.apply(change);
  checkpoint_lsn_ = commit.checkpoint_lsn;
  std::vector<std::uint64_t> items;
  for (const Chunk& chunk : prepared.chunks) items.push_back(chunk.items.size() + chunk.zeroes.size());
  written(ledger, items);
  if (!lost.empty()) may_sweep_ = true;
  may_drop_maps_ = true;
  room_exhausted_ = false;

  // Never more in RAM than the budget; and where space is short, what was overwritten comes back now, not when it is cheap.
  std::uint64_t most = space_is_short() ? 0 : options_.delta_budget.value;
  if (deltas_.memory().value <= most) co_return Result<>{};
  auto folding = fold_down_to(most - most / 8, ~std::size_t{0});
  if (auto folded = co_await folding; !folded) co_return fail(std::move(folded).error());
  co_return Result<>{};
}

}  // namespace lockstep::store
