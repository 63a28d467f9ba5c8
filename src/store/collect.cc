// Collecting: versions that nobody can look at any more go, and what they alone named comes back. In slices; table sweep says what is left.
#include <algorithm>

#include "store/impl.h"

namespace lockstep::store {
namespace {

constexpr std::size_t leaves_per_slice = 256;
constexpr std::size_t leaves_listed = 16384;

}  // namespace

Pins Impl::pins_of(VolumeId volume) const {
  Pins out;
  out.head = lineage_.has_head(volume);
  out.based = lineage_.has_origin(volume) || lineage_.is_filling(volume);
  out.epochs = lineage_.pins(volume);
  return out;
}

// With the turn held, as everything here.
rt::Task<Result<bool>> Impl::collect() {
  if (!may_sweep_) co_return false;
  auto asking = rt::work(loop_, [&c = database_->writer()] { return rows::first_sweep(c); });
  CO_TRY(auto found, co_await asking);
  if (!found) {
    may_sweep_ = false;
    co_return false;
  }
  rows::Sweep sweep = *found;
  VolumeId volume = sweep.volume;
  if (!lineage_.is_held(volume)) {
    auto all = collect_volume(sweep);
    co_return co_await all;
  }
  if (lineage_.is_pinned(volume, sweep.epoch)) {   // reachable again
    auto none = collect_leaves(sweep, {}, true);
    CO_TRY_VOID(co_await none);
    co_return true;
  }
  // Which leaves: a version that only the lost epoch could see ends at one written after it and up to the next epoch that is pinned.
  // Without such an epoch the newest versions are the dead ones, written after the last pin; their deltas come first.
  Epoch after = sweep.epoch;
  Epoch upto = Lineage::forever;
  if (auto next = lineage_.pin_above(volume, sweep.epoch); next) {
    upto = *next;
  } else if (!lineage_.has_head(volume)) {
    after = lineage_.pin_below(volume, sweep.epoch).value_or(Epoch{0});
    LeafId first{volume, 0};
    if ((deltas_.has_zeroes(volume) && !zeroes_stuck_) || next_foldable(first)) {
      auto deltas = collect_deltas(volume);
      CO_TRY_VOID(co_await deltas);
      co_return true;
    }
  }
  if (sweep_id_ != sweep.id || (sweep_leaves_.empty() && !sweep_listed_all_)) {
    auto listing = rt::work(loop_, [&c = database_->writer(), volume, after, upto, from = sweep.cursor] {
      return rows::written(c, volume, after, upto, from, leaves_listed);
    });
    CO_TRY(Leaves leaves, co_await listing);
    sweep_id_ = sweep.id;
    sweep_listed_all_ = leaves.size() < leaves_listed;
    sweep_leaves_.assign(leaves.begin(), leaves.end());
  }
  Leaves slice;
  for (; !sweep_leaves_.empty() && slice.size() < leaves_per_slice; sweep_leaves_.pop_front()) slice.push_back(sweep_leaves_.front());
  bool last = sweep_leaves_.empty() && sweep_listed_all_;
  auto collecting = collect_leaves(sweep, std::move(slice), last);
  CO_TRY_VOID(co_await collecting);
  co_return true;
}

rt::Task<Result<>> Impl::collect_leaves(rows::Sweep sweep, Leaves leaves, bool last) {
  Ledger ledger = this->ledger();
  Pins pins = pins_of(sweep.volume);
  auto job = rt::work(loop_, [&c = database_->writer(), &ledger, sweep, leaves, pins, last]() -> Result<std::vector<Error>> {
    TRY(auto transaction, c.begin());
    std::vector<Error> damage;
    auto visible = [&pins](Epoch from, Epoch before) { return pins.is_visible(from, before); };
    for (std::uint64_t leaf : leaves) {
      LeafId id{sweep.volume, leaf};
      auto all = rows::versions(c, id);
      if (!all && all.error().code == Code::corrupt) {   // stays as it is
        damage.push_back(all.error());
        continue;
      }
      if (!all) return fail(all.error());
      VersionChange change = store::sweep(*all, visible);
      TRY_VOID(rows::write(c, id, change));
      ledger.freed.insert(ledger.freed.end(), change.freed.begin(), change.freed.end());
    }
    if (last) {
      TRY_VOID(rows::drop_sweep(c, sweep.id));
      // The list serves diffs from pinned epochs on, and sweeps: what was written up to the first pin serves nobody once the last is done.
      Epoch useless = !pins.epochs.empty() ? pins.epochs.front() : Lineage::forever;
      TRY(bool more, rows::has_sweep(c, sweep.volume));
      if (!more) TRY_VOID(rows::drop_written(c, sweep.volume, useless));
    } else if (!leaves.empty()) {
      TRY_VOID(rows::set_cursor(c, sweep.id, leaves.back() + 1));
    }
    TRY_VOID(ledger.write(c));
    TRY_VOID(transaction.commit());
    return damage;
  });
  auto done = co_await job;
  if (!done) co_return fail(failed(done.error().in("collecting versions")));
  for (Error& error : *done) note_damage(std::move(error));
  if (last) sweep_id_ = 0;   // numbers are given again
  for (std::uint64_t leaf : leaves) leaf_changed({sweep.volume, leaf});
  written(ledger, {});
  co_return Result<>{};
}

// The first leaf with deltas from `from` on, of the same volume, that is not known to be damaged.
bool Impl::next_foldable(LeafId& from) const {
  VolumeId volume = from.volume;
  while (deltas_.next_leaf(from) && from.volume == volume) {
    if (!unfoldable_.contains(from)) return true;
    ++from.leaf;
  }
  return false;
}

// Deltas of a volume that lost its head while older epochs stay: folding finds the dead ones.
rt::Task<Result<>> Impl::collect_deltas(VolumeId volume) {
  std::vector<LeafId> ids;
  for (LeafId at{volume, 0}; ids.size() < leaves_per_slice && next_foldable(at); ++at.leaf) ids.push_back(at);
  if (!ids.empty()) {
    auto folding = fold_leaves(std::move(ids), {});
    co_return co_await folding;
  }
  auto folding = fold_zeroes_of(volume);
  auto folded = co_await folding;
  if (!folded) co_return fail(std::move(folded).error());
  co_return Result<>{};
}

// Nobody can look at any epoch of it: deltas, then all rows.
rt::Task<Result<bool>> Impl::collect_volume(rows::Sweep sweep) {
  std::vector<Place> freed;
  bool deltas_gone = deltas_.drop_volume(sweep.volume, leaves_per_slice, freed);
  Ledger ledger = this->ledger();
  ledger.freed = std::move(freed);
  auto job = rt::work(loop_, [&c = database_->writer(), &ledger, sweep, deltas_gone]() -> Result<> {
    TRY(auto transaction, c.begin());
    if (deltas_gone) {
      TRY(auto leaves, rows::leaves_from(c, sweep.volume, 0, leaves_per_slice));
      for (std::uint64_t leaf : leaves) {
        LeafId id{sweep.volume, leaf};
        auto all = rows::versions(c, id);
        if (!all && all.error().code == Code::corrupt) {   // what it named stays used
          TRY_VOID(rows::drop_unread(c, id));
          continue;
        }
        if (!all) return fail(all.error());
        VersionChange change = store::sweep(*all, [](Epoch, Epoch) { return false; });
        TRY_VOID(rows::write(c, id, change));
        ledger.freed.insert(ledger.freed.end(), change.freed.begin(), change.freed.end());
      }
      if (leaves.size() < leaves_per_slice) {
        TRY_VOID(rows::drop_written(c, sweep.volume, Lineage::forever));
        TRY_VOID(rows::drop_sweep(c, sweep.id));
      }
    }
    TRY_VOID(ledger.write(c));
    return transaction.commit();
  });
  if (auto done = co_await job; !done) co_return fail(failed(done.error().in("collecting a volume")));
  written(ledger, {});
  co_return true;
}

// The space log's oldest rows become pages, as far as the journal has let go of what they freed.
rt::Task<Result<bool>> Impl::consolidate_space() {
  // A page is written for every few places that changed in it, not for each: the log may grow to an eighth of the pages.
  if (space_bytes_ <= 1024 + std::max(options_.delta_budget.value / 256, places_.total() / 64)) co_return false;
  std::uint64_t upto = 0;
  for (const LogPart& part : space_rows_) {
    if (part.lsn > places_.released()) break;
    upto = part.id;
  }
  if (upto == 0) co_return false;
  Ledger ledger = this->ledger();
  auto job = rt::work(loop_, [&c = database_->writer(), &ledger, upto]() -> Result<> {
    TRY(auto transaction, c.begin());
    std::map<std::uint64_t, Buffer> pages;
    auto change = [&](Run run, bool used) -> Result<> {
      for (std::uint64_t place = run.first.value, end = place + run.count; place < end; ++place) {
        auto [it, fresh] = pages.try_emplace(place / page_places);
        if (fresh) {
          TRY(it->second, rows::page(c, place / page_places));
        }
        std::byte& byte = it->second[place % page_places / 8];
        auto bit = static_cast<std::byte>(1u << (place % 8));
        byte = used ? byte | bit : byte & ~bit;
      }
      return {};
    };
    for (std::uint64_t from = 0; from <= upto;) {
      TRY(auto log, rows::read(c, rows::Log::space, from, 64));
      for (const auto& raw : log) {
        if (raw.id > upto) break;
        auto row = decode_space(raw.bytes);
        if (!row) return fail(rows::bad_row(rows::Log::space, raw.id, row.error()));
        for (const Run& run : row->used) TRY_VOID(change(run, true));
        for (const Run& run : row->freed) TRY_VOID(change(run, false));
      }
      if (log.size() < 64) break;
      from = log.back().id + 1;
    }
    for (const auto& [number, bits] : pages) TRY_VOID(rows::set_page(c, number, bits));
    TRY_VOID(rows::drop_upto(c, rows::Log::space, upto));
    TRY_VOID(ledger.write(c));
    return transaction.commit();
  });
  if (auto done = co_await job; !done) co_return fail(failed(done.error().in("writing the space map")));
  while (!space_rows_.empty() && space_rows_.front().id <= upto) {
    space_bytes_ -= space_rows_.front().weight;
    space_rows_.pop_front();
  }
  written(ledger, {});
  co_return true;
}

rt::Task<Result<bool>> Impl::tidy() {
  auto turning = take_turn();
  Turn turn = co_await turning;
  CO_TRY_VOID(usable());
  if (places_.total() < places_most()) grow_refused_ = false;   // somebody may have made room
  grow_if_needed();
  if (places_.continue_release()) co_return true;
  auto sweeping = collect();
  CO_TRY(bool swept, co_await sweeping);
  if (swept) co_return true;
  auto zeroing = fold_zeroes();   // what was discarded comes back soon
  CO_TRY(bool zeroed, co_await zeroing);
  if (zeroed) co_return true;
  // Once three quarters of the budget are full, down to a half.
  std::uint64_t budget = options_.delta_budget.value;
  std::uint64_t upper = space_is_short() ? 0 : folding_ ? budget / 2 : budget / 4 * 3;
  folding_ = false;
  if (deltas_.memory().value > upper) {
    auto folding = fold_down_to(std::min(upper, budget / 2), 1);
    CO_TRY(bool folded, co_await folding);
    folding_ = folded;
    if (folded) co_return true;
  }
  auto trimming = trim_deltas();
  CO_TRY(bool trimmed, co_await trimming);
  if (trimmed) co_return true;
  auto dropping = collect_change_maps();
  CO_TRY(bool dropped, co_await dropping);
  if (dropped) co_return true;
  auto writing = consolidate_space();
  co_return co_await writing;
}

}  // namespace lockstep::store
