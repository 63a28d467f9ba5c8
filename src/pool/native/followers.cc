#include "pool/native/followers.h"

#include <algorithm>
#include <bit>

namespace lockstep::pool::native {

using journal::Kind;
using journal::Record;
using store::ChangeMapUpdate;
using store::FollowerRow;

namespace {

constexpr Bytes read_step = 1_MiB;

using Masks = std::map<std::pair<VolumeId, std::uint64_t>, std::array<std::uint64_t, store::leaf_blocks / 64>>;

void mark(Masks& masks, VolumeId volume, std::uint64_t begin, std::uint64_t end) {
  while (begin < end) {
    std::uint64_t leaf = begin / store::leaf_blocks;
    std::uint64_t until = std::min(end, (leaf + 1) * store::leaf_blocks);
    auto& mask = masks[{volume, leaf}];
    for (; begin < until; ++begin) mask[begin % store::leaf_blocks / 64] |= std::uint64_t{1} << (begin % 64);
  }
}

}  // namespace

// Where the journal cannot grow, no follower holds it.
Bytes Followers::budget_of(const FollowerRow& row) const {
  if (core_.journal_is_short) return Bytes{0};
  Bytes budget = row.journal_budget.value > 0 ? row.journal_budget : core_.options.journal_budget;
  auto stretched = stretched_.find(row.id);
  return stretched == stretched_.end() ? budget : std::max(budget, stretched->second);
}

// A window's keeper minds the budget himself; the pool does when he does not.
bool Followers::is_over_budget(const FollowerRow& row) const {
  if (row.window != Duration{0}) return core_.journal->bytes_after(row.durable).value > 2 * budget_of(row).value;
  return core_.journal->bytes_after(known(row)) > budget_of(row);
}

bool Followers::over_budget() const {
  return std::ranges::any_of(core_.catalog.followers, [this](const auto& row) {
    return !unreadable_.contains(row.first) && is_covered(known(row.second)) && is_over_budget(row.second);
  });
}

rt::Task<Result<>> Followers::set(FollowerRow row) {
  if (!core_.find(row.group)) co_return fail(Code::not_found, "pool '" + core_.name + "': there is no such group to follow");
  std::vector<store::CatalogChange> changes;
  // Set again, it begins anew: what it claimed before, journal or map, is given up.
  if (core_.catalog.followers.contains(row.id)) changes.push_back(store::Removed<RelationshipId>{row.id});
  const RelationshipId id = row.id;
  const Lsn after = known(row);
  unreadable_.erase(id);
  const std::uint64_t edition = ++editions_[id];
  auto known_before = at_rest_.emplace(id, after).first;
  known_before->second = std::min(known_before->second, after);   // until the new row is durable, a restart may find the old one
  changes.push_back(std::move(row));
  CO_TRY(Lsn lsn, core_.append_catalog(std::move(changes), nullptr));
  begun_[id] = lsn;
  CO_TRY_VOID(co_await core_.make_durable(lsn));
  if (editions_[id] == edition) at_rest_[id] = std::max(at_rest_[id], after);
  co_return Result<>{};
}

// The row as it is, so that neither claim nor map begins anew.
rt::Task<Result<>> Followers::set_budget(RelationshipId follower, Bytes budget) {
  auto at = core_.catalog.followers.find(follower);
  if (at == core_.catalog.followers.end()) co_return fail(Code::not_found, "pool '" + core_.name + "': there is no such follower");
  if (at->second.journal_budget == budget) co_return Result<>{};
  FollowerRow row = at->second;
  row.journal_budget = budget;
  std::vector<store::CatalogChange> changes{std::move(row)};
  CO_TRY(Lsn lsn, core_.append_catalog(std::move(changes), nullptr));
  co_return co_await core_.make_durable(lsn);
}

void Followers::durable(RelationshipId follower, Lsn lsn) {
  auto at = core_.catalog.followers.find(follower);
  if (at != core_.catalog.followers.end()) at->second.durable = std::max(at->second.durable, std::min(lsn, core_.journal->appended()));
}

void Followers::stretch(RelationshipId follower, Bytes least) { stretched_[follower] = least; }

rt::Task<Result<>> Followers::drop(RelationshipId follower) {
  if (!core_.catalog.followers.contains(follower)) co_return fail(Code::not_found, "pool '" + core_.name + "': there is no such follower");
  std::vector<store::CatalogChange> changes{store::Removed<RelationshipId>{follower}};
  CO_TRY(Lsn lsn, core_.append_catalog(std::move(changes), nullptr));
  ++editions_[follower];
  at_rest_.erase(follower);
  begun_.erase(follower);
  stretched_.erase(follower);
  unreadable_.erase(follower);
  co_return co_await core_.make_durable(lsn);
}

rt::Task<Result<>> Followers::wish(RelationshipId follower, bool clear, Lsn upto) {
  CO_TRY_VOID(core_.writable());
  if (!core_.catalog.followers.contains(follower)) co_return fail(Code::not_found, "pool '" + core_.name + "': there is no such follower");
  if (upto > core_.journal->appended()) co_return fail(Code::invalid, "pool '" + core_.name + "': record " + std::to_string(upto.value) + " does not exist yet");
  wishes_.emplace(follower, Wish{clear, upto});
  co_return co_await core_.checkpoint_now();
}

// The journal has everything after `lsn`.
bool Followers::is_covered(Lsn lsn) const { return lsn + Lsn{1} >= core_.journal->first(); }

rt::Task<Result<>> Followers::fold(RelationshipId follower, Lsn upto) {
  auto at = core_.catalog.followers.find(follower);
  if (at != core_.catalog.followers.end() && !is_covered(known(at->second)))
    co_return fail(Code::changed, "pool '" + core_.name + "': what this follower lacks is no longer in the journal, and no map has it");
  CO_TRY_VOID(co_await wish(follower, false, upto));
  if (unreadable_.contains(follower))
    co_return fail(Code::changed, "pool '" + core_.name + "': what this follower lacks cannot be read from the journal any more, and no map has it");
  at = core_.catalog.followers.find(follower);
  if (at == core_.catalog.followers.end() || !at->second.mapped || at->second.mapped_upto < upto)
    co_return fail(Code::changed, "pool '" + core_.name + "': this follower was begun anew while its map was made");
  co_return Result<>{};
}
rt::Task<Result<>> Followers::clear(RelationshipId follower, Lsn upto) { co_return co_await wish(follower, true, upto); }

rt::Task<Result<ChangeMapUpdate>> Followers::changes_of(RelationshipId follower, GroupId group, Lsn after, Lsn upto) {
  Masks masks;
  while (after < upto) {
    CO_TRY(std::vector<Record> records, co_await core_.journal->read(after, read_step));
    if (records.empty()) co_return fail(Code::corrupt, "pool '" + core_.name + "': the journal ends at record " + std::to_string(after.value) + " before its checkpoint");
    for (const Record& record : records) {
      if (record.lsn > upto) break;
      if (record.group == group && (record.kind == Kind::write || record.kind == Kind::direct || record.kind == Kind::zero))
        mark(masks, record.volume, record.block.value, record.block.value + record.count);
    }
    after = records.back().lsn;
    co_await rt::yield(core_.loop);
  }
  ChangeMapUpdate update;
  update.follower = follower;
  update.add.reserve(masks.size());
  for (const auto& [at, mask] : masks) update.add.push_back(ChangeMapUpdate::Leaf{at.first, at.second, mask});
  co_return update;
}

rt::Task<Result<std::uint64_t>> Followers::blocks_lacking(RelationshipId follower, Lsn after) {
  auto at = core_.catalog.followers.find(follower);
  if (at == core_.catalog.followers.end()) co_return fail(Code::not_found, "pool '" + core_.name + "': there is no such follower");
  const FollowerRow row = at->second;
  after = std::max(after, known(row));
  if (!is_covered(after) || unreadable_.contains(follower))
    co_return fail(Code::changed, "pool '" + core_.name + "': what this follower lacks is no longer in the journal, and no map has it");
  CO_TRY_VOID(core_.journal->push());
  CO_TRY(ChangeMapUpdate later, co_await changes_of(follower, row.group, after, core_.journal->received()));
  CO_TRY(std::uint64_t blocks, co_await core_.store->change_map_blocks(follower));
  for (ChangeMapUpdate::Leaf& leaf : later.add) {
    CO_TRY(std::vector<ChangeMapUpdate::Leaf> mapped, co_await core_.store->change_map(follower, leaf.volume, leaf.leaf, 1));
    const bool known_leaf = !mapped.empty() && mapped.front().leaf == leaf.leaf;
    for (std::size_t word = 0; word < leaf.mask.size(); ++word)
      blocks += static_cast<std::uint64_t>(std::popcount(leaf.mask[word] & ~(known_leaf ? mapped.front().mask[word] : 0)));
  }
  co_return blocks;
}

// Its record removes the map that the follower had. Were a map made before it, by a checkpoint that began before it, the next one would
// take that for the old map and remove it.
bool Followers::begins_after(RelationshipId follower, Lsn upto) const {
  auto at = begun_.find(follower);
  return at != begun_.end() && at->second > upto;
}

rt::Task<Result<>> Followers::prepare(Lsn upto, store::Commit& commit) {
  planned_.clear();
  std::multimap<RelationshipId, Wish> wishes;
  for (auto wish = wishes_.begin(); wish != wishes_.end();) {   // what goes beyond this checkpoint is the next one's
    const bool later = wish->second.upto > upto || begins_after(wish->first, upto);
    if (!later) wishes.insert(*wish);
    wish = later ? std::next(wish) : wishes_.erase(wish);
  }
  const auto rows = core_.catalog.followers;   // as they are now; `durable` may grow meanwhile, which only makes the map too large
  for (const auto& [id, row] : rows) {
    if (begins_after(id, upto)) continue;
    const std::uint64_t edition = editions_[id];
    std::optional<Lsn> fold, clear;
    auto [first, last] = wishes.equal_range(id);
    for (auto wish = first; wish != last; ++wish) {
      std::optional<Lsn>& most = wish->second.clear ? clear : fold;
      most = std::max(most.value_or(Lsn{0}), wish->second.upto);
    }
    if (row.window != Duration{0}) {
      FollowerRow next = row;
      if (is_over_budget(row)) next.durable = std::max(next.durable, upto);
      commit.catalog.push_back(next);
      planned_.push_back({id, false, Lsn{}, next.durable, edition});
      continue;
    }
    // What the target has by now is neither in the journal's claim nor in the map any more.
    FollowerRow next = row;
    next.durable = std::max(next.durable, clear.value_or(Lsn{0}));
    const bool clear_map = row.mapped && row.mapped_upto <= next.durable;
    if (clear_map) next.mapped = false;
    // The journal is claimed after this; the map takes over up to `to`.
    const Lsn after = known(next);
    Lsn to = std::max(fold.value_or(after), after);
    if (is_over_budget(next)) to = std::max(to, upto);
    bool maps = is_covered(after) && (fold || to > after);
    ChangeMapUpdate update;
    if (maps) {
      auto changes = co_await changes_of(id, row.group, after, to);
      if (!changes && changes.error().code == Code::corrupt) {
        // It keeps nothing that could be read: the journal goes, and whoever asks for what it lacked hears that nobody knows.
        core_.note_journal_damage(changes.error());
        unreadable_.insert(id);
        continue;
      }
      if (!changes) co_return fail(std::move(changes).error());
      update = *std::move(changes);
      next.mapped = true;
      next.mapped_upto = to;
    }
    if (editions_[id] != edition) continue;   // begun anew meanwhile: a later record says so
    update.follower = id;
    update.clear = clear_map;
    if (clear_map || !update.add.empty()) commit.change_maps.push_back(std::move(update));
    commit.catalog.push_back(next);
    planned_.push_back({id, next.mapped, next.mapped_upto, next.durable, edition});
  }
  co_return Result<>{};
}

void Followers::committed() {
  for (const Planned& planned : planned_) {
    auto at = core_.catalog.followers.find(planned.follower);
    if (at == core_.catalog.followers.end() || editions_[planned.follower] != planned.edition) continue;
    at->second.mapped = planned.mapped;
    at->second.mapped_upto = planned.mapped_upto;
    at->second.durable = std::max(at->second.durable, planned.durable);
    at_rest_[planned.follower] = planned.mapped ? planned.mapped_upto : planned.durable;
  }
  planned_.clear();
}

void Followers::forget_times(Lsn floor) {
  Lsn oldest = floor;   // a map's blocks have an age too
  for (const auto& [id, row] : core_.catalog.followers) oldest = std::min(oldest, row.durable);
  for (auto& [id, group] : core_.groups) {
    group->times.forget(oldest);
    group->trail.forget_before(core_.journal->first());
  }
}

// A target's progress is written down with a commit. One that moved on since then would be back there after a restart.
Lsn Followers::claimed_after(const FollowerRow& row) const {
  auto at = at_rest_.find(row.id);
  return at == at_rest_.end() ? known(row) : std::min(known(row), at->second);
}

bool Followers::moved() const {
  return std::ranges::any_of(core_.catalog.followers, [this](const auto& row) {
    return !unreadable_.contains(row.first) && claimed_after(row.second) < known(row.second);   // what cannot be read is not written down either
  });
}

Lsn Followers::least_claim(Lsn upto, Lsn kept) const {
  for (const auto& [id, row] : core_.catalog.followers) {
    const Lsn after = claimed_after(row);
    if (!unreadable_.contains(id) && is_covered(after)) upto = std::min(upto, std::max(after, kept) - kept);
  }
  return upto;
}

Lsn Followers::released(Lsn upto) const { return least_claim(upto, Lsn{0}); }
Lsn Followers::trimmable(Lsn upto) const { return least_claim(upto, Lsn{1}); }

}  // namespace lockstep::pool::native
