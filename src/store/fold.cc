// Folding: deltas become versions of leaves, fullest leaves first; the delta log is cut behind it.
#include <algorithm>

#include "store/impl.h"

namespace lockstep::store {
namespace {

constexpr std::size_t leaves_per_slice = 256;
constexpr std::size_t leaves_per_turn = 64;      // copied or dropped before the loop may do something else
constexpr std::size_t leaves_looked_at = 1024;   // the same, without touching them

constexpr std::size_t damage_most = 100;

// The newest version and the one before. What cannot be read does not matter where the deltas say all there is to say: the leaf heals, and
// only the places that the unreadable version named stay used.
Result<std::vector<Version>> newest_for(db::Connection& c, const Impl::FoldLeaf& leaf) {
  auto newest = rows::newest_two(c, leaf.id);
  bool whole = !leaf.groups.empty() && (leaf.groups.front().zero || leaf.groups.front().items.size() == leaf_blocks);
  if (!newest && newest.error().code == Code::corrupt && whole) newest = rows::newest_two_epochs(c, leaf.id);
  if (newest && !newest->empty() && !leaf.groups.empty() && newest->back().epoch > leaf.groups.front().epoch)
    return fail(Code::corrupt, "table leaf, volume " + std::to_string(leaf.id.volume.value) + ", leaf " + std::to_string(leaf.id.leaf) +
                                   ": a version is newer than what the delta log still has to add to it");
  return newest;
}

}  // namespace

bool Pins::is_visible(Epoch from, Epoch before) const {
  if (before == Lineage::forever && head) return true;
  auto it = std::lower_bound(epochs.begin(), epochs.end(), from);
  return it != epochs.end() && *it < before;
}

// With the turn held, as everything here. A leaf that cannot be read is left alone, deltas and all, and named in damage().
rt::Task<Result<>> Impl::fold_leaves(std::vector<LeafId> ids, std::vector<Chunk::Zero> cut) {
  std::vector<FoldLeaf> leaves;
  std::map<VolumeId, Pins> pins;
  for (std::size_t i = 0; i < ids.size(); ++i) {
    if (i % leaves_per_turn == leaves_per_turn - 1) co_await rt::yield(loop_);
    leaves.push_back({ids[i], deltas_.groups(ids[i])});
    pins.try_emplace(ids[i].volume, pins_of(ids[i].volume));
  }
  Ledger ledger = this->ledger();
  struct Outcome {
    Chunk log;
    std::vector<Error> damage;
    std::vector<LeafId> damaged;
  };
  auto job = rt::work(loop_, [&c = database_->writer(), &ledger, leaves = std::move(leaves), pins = std::move(pins), cut]() mutable -> Result<Outcome> {
    TRY(auto transaction, c.begin());
    Outcome out;
    std::map<std::pair<VolumeId, Epoch>, Leaves> listed;
    for (FoldLeaf& leaf : leaves) {
      const Pins& of = pins.at(leaf.id.volume);
      auto newest = newest_for(c, leaf);
      if (!newest && newest.error().code == Code::corrupt) {
        out.damage.push_back(newest.error());
        out.damaged.push_back(leaf.id);
        continue;
      }
      if (!newest) return fail(newest.error());
      auto visible = [&of](Epoch from, Epoch before) { return of.is_visible(from, before); };
      VersionChange change = fold(std::move(*newest), std::move(leaf.groups), visible, of.based);
      TRY_VOID(rows::write(c, leaf.id, change));
      ledger.used.insert(ledger.used.end(), change.used.begin(), change.used.end());
      ledger.freed.insert(ledger.freed.end(), change.freed.begin(), change.freed.end());
      for (Epoch epoch : change.listed) listed[{leaf.id.volume, epoch}].push_back(leaf.id.leaf);
      out.log.folded.push_back(leaf.id);
    }
    for (auto& [of, list] : listed) {
      std::sort(list.begin(), list.end());
      TRY_VOID(rows::add_written(c, of.first, of.second, list));
    }
    // An interval stays as it is when something in it could not be made zero.
    if (out.damaged.empty()) out.log.cut = std::move(cut);
    if (!out.log.empty()) ledger.deltas.push_back(encode_chunk(out.log));
    TRY_VOID(ledger.write(c));
    TRY_VOID(transaction.commit());
    return out;
  });
  auto done = co_await job;
  if (!done) co_return fail(failed(done.error().in("fold")));

  for (std::size_t i = 0; i < done->log.folded.size(); ++i) {
    if (i % leaves_per_turn == leaves_per_turn - 1) co_await rt::yield(loop_);
    leaf_changed(done->log.folded[i]);   // before its deltas go: a load that read the old rows must not miss them
    deltas_.forget(done->log.folded[i]);
  }
  for (const Chunk::Zero& zero : done->log.cut) deltas_.cut(zero);
  std::vector<std::uint64_t> items;
  if (!done->log.empty()) items.push_back(done->log.folded.size() + done->log.cut.size());
  written(ledger, items);
  if (!done->damaged.empty() && !cut.empty()) zeroes_stuck_ = true;
  unfoldable_.insert(done->damaged.begin(), done->damaged.end());
  for (Error& error : done->damage) note_damage(std::move(error));
  co_return Result<>{};
}

void Impl::note_damage(Error error) {
  if (damage_.size() < damage_most) damage_.push_back(std::move(error));
}

rt::Task<Result<bool>> Impl::fold_fullest(std::uint64_t goal) {
  if (deltas_.entries() == 0) co_return false;
  // Leaves with at least so many deltas are worth a write: together they hold the goal.
  std::size_t least = leaf_blocks;
  for (std::uint64_t held = 0; least > 1; --least) {
    held += deltas_.histogram()[least] * least;
    if (held >= goal) break;
  }
  std::vector<LeafId> ids;
  std::size_t looked = 0;
  bool wrapped = false;
  LeafId at = fold_cursor_;
  while (ids.size() < leaves_per_slice) {
    if (++looked % leaves_looked_at == 0) co_await rt::yield(loop_);
    if (!deltas_.next_leaf(at) || (wrapped && at >= fold_cursor_)) {
      if (wrapped) break;
      wrapped = true;
      at = LeafId{};
      continue;
    }
    if (deltas_.count(at) >= least && !unfoldable_.contains(at)) ids.push_back(at);
    ++at.leaf;
  }
  fold_cursor_ = at;
  if (ids.empty()) co_return false;
  auto folding = fold_leaves(std::move(ids), {});
  CO_TRY_VOID(co_await folding);
  co_return true;
}

// A zero interval costs what lies in it, not its length: where neither rows nor deltas are, zero and absent are the same. Not so in a
// volume that is being filled: there every leaf of it is written.
rt::Task<Result<>> Impl::fold_zero(Chunk::Zero zero) {
  Leaves leaves;
  if (lineage_.is_filling(zero.volume)) {
    for (std::uint64_t leaf = zero.first; leaf < zero.end && leaves.size() < leaves_per_slice; ++leaf) leaves.push_back(leaf);
  } else {
    CO_TRY(auto chain, lineage_.chain({zero.volume, Lineage::forever}));
    auto asking = candidates(chain, zero.first, zero.end, leaves_per_slice);
    CO_TRY(leaves, co_await asking);
  }
  std::uint64_t end = leaves.size() < leaves_per_slice ? zero.end : leaves.back() + 1;
  std::vector<LeafId> ids;
  for (std::uint64_t leaf : leaves) ids.push_back({zero.volume, leaf});
  Chunk::Zero done{zero.volume, zero.epoch, zero.first, end};
  auto folding = fold_leaves(std::move(ids), {done});
  co_return co_await folding;
}

rt::Task<Result<bool>> Impl::fold_zeroes() {
  Chunk::Zero zero;
  if (zeroes_stuck_ || !deltas_.first_zero(zero)) co_return false;
  auto folding = fold_zero(zero);
  CO_TRY_VOID(co_await folding);
  co_return true;
}

rt::Task<Result<bool>> Impl::fold_zeroes_of(VolumeId volume) {
  Chunk::Zero zero;
  if (zeroes_stuck_ || !deltas_.next_zero(volume, Lineage::forever, 0, zero)) co_return false;
  auto folding = fold_zero(zero);
  CO_TRY_VOID(co_await folding);
  co_return true;
}

rt::Task<Result<bool>> Impl::fold_down_to(std::uint64_t memory, std::size_t slices) {
  bool any = false;
  for (std::size_t i = 0; i < slices && deltas_.memory().value > memory; ++i) {
    // Long intervals are few and cheap to keep; many short ones, or none of anything else, are not.
    bool zeroes = deltas_.intervals() != 0 && !zeroes_stuck_ && (deltas_.entries() == 0 || deltas_.intervals() * 64 > deltas_.memory().value / 4);
    std::uint64_t over = (deltas_.memory().value - memory) / 40;
    auto folding = zeroes ? fold_zeroes() : fold_fullest(std::max<std::uint64_t>(over, 1));
    CO_TRY(bool folded, co_await folding);
    if (!folded) break;
    any = true;
  }
  co_return any;
}

// Moves what still counts in the oldest row to the end, so that the row and everything dead behind it can go.
rt::Task<Result<bool>> Impl::trim_deltas() {
  // Dead weight is worth moving what lives once there is more of it than of that, and some.
  std::uint64_t slack = 64 + options_.delta_budget.value / 640;
  if (delta_rows_.empty() || delta_items_ <= 2 * (deltas_.entries() + deltas_.intervals()) + slack) co_return false;
  std::uint64_t row = delta_rows_.front().id;
  Chunk moved;
  moved.carried = true;
  std::uint64_t to = next_delta_row_;
  if (deltas_.live(row) != 0) {
    auto reading = rt::work(loop_, [&c = database_->writer(), row]() -> Result<Chunk> {
      TRY(auto log, rows::read(c, rows::Log::delta, row, 1));
      if (log.empty() || log[0].id != row) return fail(Code::corrupt, "table delta, row " + std::to_string(row) + ": it is gone");
      auto chunk = decode_chunk(log[0].bytes);
      if (!chunk) return fail(rows::bad_row(rows::Log::delta, row, chunk.error()));
      return std::move(*chunk);
    });
    CO_TRY(Chunk chunk, co_await reading);
    moved.zeroes = deltas_.move_zeroes(row, to);
    for (std::size_t i = 0; i < chunk.items.size(); ++i) {
      if (i % leaves_looked_at == leaves_looked_at - 1) co_await rt::yield(loop_);
      if (deltas_.move(chunk.items[i], row, to)) moved.items.push_back(chunk.items[i]);
    }
  }
  Ledger ledger = this->ledger();
  std::vector<std::uint64_t> items;
  if (!moved.empty()) {
    items.push_back(moved.items.size() + moved.zeroes.size());
    ledger.deltas.push_back(encode_chunk(moved));
  }
  auto job = rt::work(loop_, [&c = database_->writer(), &ledger]() -> Result<> {
    TRY(auto transaction, c.begin());
    TRY_VOID(ledger.write(c));
    return transaction.commit();
  });
  if (auto done = co_await job; !done) co_return fail(failed(done.error().in("trimming the delta log")));
  written(ledger, items);
  co_return true;
}

}  // namespace lockstep::store
