#include "pool/native/followers.h"

#include <algorithm>

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

Bytes Followers::budget_of(const FollowerRow& row) const { return row.journal_budget.value > 0 ? row.journal_budget : core_.options.journal_budget; }

rt::Task<Result<>> Followers::set(FollowerRow row) {
  if (!core_.find(row.group)) co_return fail(Code::not_found, "pool '" + core_.name + "': there is no such group to follow");
  std::vector<store::CatalogChange> changes{row};
  CO_TRY(Lsn lsn, core_.append_catalog(std::move(changes), nullptr));
  co_return co_await core_.make_durable(lsn);
}

void Followers::durable(RelationshipId follower, Lsn lsn) {
  auto at = core_.catalog.followers.find(follower);
  if (at != core_.catalog.followers.end()) at->second.durable = std::max(at->second.durable, std::min(lsn, core_.journal->appended()));
}

rt::Task<Result<>> Followers::drop(RelationshipId follower) {
  if (!core_.catalog.followers.contains(follower)) co_return fail(Code::not_found, "pool '" + core_.name + "': there is no such follower");
  std::vector<store::CatalogChange> changes{store::Removed<RelationshipId>{follower}};
  CO_TRY(Lsn lsn, core_.append_catalog(std::move(changes), nullptr));
  CO_TRY_VOID(co_await core_.make_durable(lsn));
  // Its map goes with the next checkpoint.
  wishes_.emplace(follower, Wish{.clear = true, .upto = Lsn{UINT64_MAX}});
  co_return Result<>{};
}

rt::Task<Result<>> Followers::wish(RelationshipId follower, bool clear, Lsn upto) {
  CO_TRY_VOID(core_.writable());
  if (!core_.catalog.followers.contains(follower)) co_return fail(Code::not_found, "pool '" + core_.name + "': there is no such follower");
  if (upto > core_.journal->appended()) co_return fail(Code::invalid, "pool '" + core_.name + "': record " + std::to_string(upto.value) + " does not exist yet");
  wishes_.emplace(follower, Wish{clear, upto});
  co_return co_await core_.checkpoint_now();
}

rt::Task<Result<>> Followers::fold(RelationshipId follower, Lsn upto) { co_return co_await wish(follower, false, upto); }
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

rt::Task<Result<>> Followers::prepare(Lsn upto, store::Commit& commit) {
  planned_.clear();
  auto wishes = std::exchange(wishes_, {});
  const auto rows = core_.catalog.followers;   // as they are now; `durable` may grow meanwhile, which only makes the map too large
  for (const auto& [id, wish] : wishes) {
    if (wish.clear && !rows.contains(id)) {
      ChangeMapUpdate gone;
      gone.follower = id;
      gone.clear = true;
      commit.change_maps.push_back(std::move(gone));
    }
  }
  for (const auto& [id, row] : rows) {
    FollowerRow next = row;
    auto range = wishes.equal_range(id);
    bool clear = false;
    Lsn fold = known(row);
    for (auto wish = range.first; wish != range.second; ++wish) {
      if (wish->second.clear) {
        next.durable = std::max(next.durable, std::min(wish->second.upto, upto));
        clear = clear || (row.mapped && row.mapped_upto <= wish->second.upto);
      } else {
        next.mapped = true;
        fold = std::max(fold, std::min(wish->second.upto, upto));
      }
    }
    if (clear && !(next.mapped && fold > known(row))) {
      next.mapped = false;
      fold = Lsn{0};
    }
    Lsn after = next.mapped ? known(row) : std::max(row.durable, next.durable);
    if (core_.journal->bytes_after(after) > budget_of(row) && upto > after) {
      next.mapped = true;
      fold = upto;
    }
    if (clear) {
      ChangeMapUpdate cleared;
      cleared.follower = id;
      cleared.clear = true;
      commit.change_maps.push_back(std::move(cleared));
      if (next.mapped) after = std::max(after, next.durable);
    }
    if (next.mapped) {
      if (fold > after) {
        CO_TRY(ChangeMapUpdate update, co_await changes_of(id, row.group, after, fold));
        commit.change_maps.push_back(std::move(update));
      }
      next.mapped_upto = std::max(after, fold);
    }
    if (!core_.catalog.followers.contains(id)) continue;   // dropped meanwhile; its map goes with the next checkpoint
    commit.catalog.push_back(next);
    planned_.push_back({id, next.mapped, next.mapped_upto, next.durable});
  }
  co_return Result<>{};
}

void Followers::committed() {
  for (const Planned& planned : planned_) {
    auto at = core_.catalog.followers.find(planned.follower);
    if (at == core_.catalog.followers.end()) continue;
    at->second.mapped = planned.mapped;
    at->second.mapped_upto = planned.mapped_upto;
    at->second.durable = std::max(at->second.durable, planned.durable);
  }
  planned_.clear();
}

Lsn Followers::floor(Lsn upto) const {
  for (const auto& [id, row] : core_.catalog.followers) upto = std::min(upto, Lsn{std::max<std::uint64_t>(known(row).value, 1) - 1});
  return upto;
}

}  // namespace lockstep::pool::native
