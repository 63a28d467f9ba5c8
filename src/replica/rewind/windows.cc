#include "replica/rewind/windows.h"

#include <algorithm>

#include "replica/group/ledger.h"

namespace lockstep::replica {
namespace {

constexpr std::uint64_t parts = 8;   // a window is kept in at least so many

bool holds_a_state(pool::Pool& pool, const store::GroupRow& group) {
  return !group.resync && !is_filling(pool, group.id) && (group.role != store::Role::target || group.was_synchronized);
}

}  // namespace

Windows::Windows(pool::Pool& pool, const RewindOptions& options) : pool_(pool), options_(options), turn_(pool.loop(), 1), scope_(pool.loop()) {}

Windows::~Windows() = default;

void Windows::start() {
  pool_.set_spares(this);
  scope_.spawn(run());
}

rt::Task<void> Windows::stop() {
  pool_.set_spares(nullptr);
  co_await scope_.stop_and_join();
  co_await turn_.take(1);   // whoever was asked to give something up has done so
  turn_.give(1);
}

rt::Task<void> Windows::run() {
  co_await drop_interrupted();
  for (bool goes_on = true; goes_on;) {
    co_await look();
    goes_on = co_await rt::sleep_for(pool_.loop(), options_.look_every, scope_.stop());
  }
}

rt::Task<void> Windows::look() {
  std::vector<GroupId> groups;
  for (const auto& [id, row] : pool_.catalog().followers)
    if (row.window != Duration{0}) groups.push_back(row.group);
  for (GroupId group : groups) {
    co_await turn_.take(1);
    Result<> looked = co_await look_after(group);
    ignore(looked, "a pool that takes no changes now keeps its windows as they are");
    turn_.give(1);
  }
  co_await drop_orphans();
  co_await drop_interrupted();
}

Bytes Windows::budget_of(const store::FollowerRow& claim) const {
  return claim.journal_budget.value > 0 ? claim.journal_budget : pool_.journal_budget();
}

bool Windows::is_pinned(GroupId group, Lsn next) const {
  return std::any_of(running_.begin(), running_.end(), [&](const auto& entry) { return entry.second.group == group && entry.second.pin < next; });
}

bool Windows::wants_snapshot(const store::GroupRow& group, const store::FollowerRow& claim, const std::vector<store::SnapshotRow>& kept) const {
  if (kept.empty() || kept.back().volumes != group.members) return true;
  const store::SnapshotRow& last = kept.back();
  if (last.as_of.us == 0 && pool_.dated(group.id).us != 0) return true;
  const Bytes since = cost_after(pool_, group.id, last.lsn);
  if (since >= std::min(options_.snapshot_every, Bytes{budget_of(claim).value / parts})) return true;
  const Duration age = std::chrono::microseconds(pool_.loop().clock().wall().us - last.time.us);
  return since.value > 0 && age >= std::min(options_.snapshot_after, claim.window / static_cast<std::int64_t>(parts));
}

rt::Task<Result<>> Windows::take(GroupId group) {
  std::string name = "rewind-" + std::to_string(pool_.status().appended.value + 1);
  std::string purpose(rewind_purpose);
  CO_TRY_VOID(co_await pool_.snapshot(group, std::move(name), std::move(purpose)));
  co_return Result<>{};
}

rt::Task<Result<>> Windows::drop_oldest(GroupId group) {
  std::vector<store::SnapshotRow> kept = window_snapshots(pool_, group);
  if (kept.empty()) co_return Result<>{};
  pool_.follower_durable(window_id(group), kept.size() > 1 ? kept[1].lsn : pool_.status().appended);
  co_return co_await pool_.delete_snapshot(kept.front().id);
}

rt::Task<Result<>> Windows::look_after(GroupId id) {
  const store::GroupRow* group = group_row(pool_, id);
  const store::FollowerRow* claim = follower_row(pool_, window_id(id));
  if (group == nullptr || claim == nullptr) co_return Result<>{};
  State& state = states_[id];
  std::vector<store::SnapshotRow> kept = window_snapshots(pool_, id);
  // What the pool has taken back, for want of space.
  while (!kept.empty() && kept.front().lsn < claim->durable) {
    CO_TRY_VOID(co_await pool_.delete_snapshot(kept.front().id));
    kept.erase(kept.begin());
    claim = follower_row(pool_, window_id(id));
    if (claim == nullptr) co_return Result<>{};
  }
  group = group_row(pool_, id);
  if (group == nullptr) co_return Result<>{};
  const bool torn = !holds_a_state(pool_, *group);
  const bool mended = !torn && (state.torn || (state.fresh && group->role == store::Role::target));
  state.torn = torn;
  state.fresh = false;
  const bool rests = pool_.loop().clock().now() < state.rest_until;
  if (!torn && !rests && (mended || wants_snapshot(*group, *claim, kept))) CO_TRY_VOID(co_await take(id));
  if (rests && kept.empty()) pool_.follower_durable(window_id(id), pool_.status().appended);

  for (;;) {
    kept = window_snapshots(pool_, id);
    claim = follower_row(pool_, window_id(id));
    if (claim == nullptr || kept.empty()) co_return Result<>{};
    if (claim->durable < kept.front().lsn) pool_.follower_durable(window_id(id), kept.front().lsn);
    if (kept.size() < 2 || is_pinned(id, kept[1].lsn)) co_return Result<>{};
    const Duration next_age = std::chrono::microseconds(pool_.loop().clock().wall().us - kept[1].time.us);
    if (next_age < claim->window && cost_after(pool_, id, kept.front().lsn) <= budget_of(*claim)) co_return Result<>{};
    CO_TRY_VOID(co_await drop_oldest(id));
  }
}

rt::Task<void> Windows::drop_orphans() {
  std::vector<SnapshotId> orphans;
  for (const auto& [id, row] : pool_.catalog().snapshots)
    if (row.internal && !row.hidden && row.purpose == rewind_purpose && follower_row(pool_, window_id(row.group)) == nullptr) orphans.push_back(id);
  for (SnapshotId orphan : orphans) {
    Result<> gone = co_await pool_.delete_snapshot(orphan);
    ignore(gone, "tried again at the next look");
  }
}

rt::Task<void> Windows::drop_interrupted() {
  std::vector<GroupId> interrupted;
  for (const auto& [id, row] : pool_.catalog().groups) {
    if (row.following != replaying_id()) continue;
    bool runs = std::any_of(running_.begin(), running_.end(), [&](const auto& entry) { return entry.second.replay == nullptr || entry.second.replay->made() == id || entry.second.replay->made().is_none(); });
    if (!runs) interrupted.push_back(id);
  }
  for (GroupId group : interrupted) {
    Result<> gone = co_await pool_.discard_group(group);
    ignore(gone, "somebody has one of its volumes open: tried again at the next look");
  }
}

// The window whose history goes back furthest gives first.
rt::Task<Result<bool>> Windows::give_up_some() {
  co_await turn_.take(1);
  std::optional<store::SnapshotRow> oldest;
  std::size_t left = 0;
  for (const auto& [follower, claim] : pool_.catalog().followers) {
    if (claim.window == Duration{0}) continue;
    std::vector<store::SnapshotRow> kept = window_snapshots(pool_, claim.group);
    if (kept.empty() || is_pinned(claim.group, kept.size() > 1 ? kept[1].lsn : end_of_journal)) continue;
    if (oldest && oldest->lsn < kept.front().lsn) continue;
    oldest = kept.front();
    left = kept.size() - 1;
  }
  Result<> dropped;
  if (oldest) {
    if (left == 0) states_[oldest->group].rest_until = pool_.loop().clock().now() + options_.rest;
    dropped = co_await drop_oldest(oldest->group);
  }
  turn_.give(1);
  if (!dropped) co_return fail(dropped.error());
  co_return oldest.has_value();
}

rt::Task<Result<>> Windows::set(GroupId group, RewindWindow window) {
  co_await turn_.take(1);
  Result<> done;
  const store::FollowerRow* claim = follower_row(pool_, window_id(group));
  if (group_row(pool_, group) == nullptr) {
    done = fail(Code::not_found, "the group is gone");
  } else if (window.time == Duration{0}) {
    if (claim != nullptr) done = co_await pool_.drop_follower(window_id(group));
  } else {
    store::FollowerRow row;
    row.id = window_id(group);
    row.group = group;
    row.durable = claim != nullptr ? claim->durable : pool_.status().appended;
    row.journal_budget = window.bytes;
    row.window = window.time;
    done = co_await pool_.set_follower(row);
  }
  states_[group].rest_until = Instant{};
  if (done && window.time != Duration{0}) done = co_await look_after(group);
  turn_.give(1);
  if (done) co_await drop_orphans();
  co_return done;
}

rt::Task<Result<RecoveryPoints>> Windows::points(GroupId group) {
  if (group_row(pool_, group) == nullptr) co_return fail(Code::not_found, "the group is gone");
  co_return recovery_points(pool_, group);
}

rt::Task<Result<RewindForecast>> Windows::forecast(GroupId group, RewindTo to, std::string name) {
  const std::uint64_t number = ++last_number_;
  running_[number] = Running{nullptr, Lsn{0}, group};   // nothing is let go of while it is being read
  Result<Cut> cut = co_await find_cut(pool_, group, std::move(to), options_.piece);
  running_.erase(number);
  if (!cut) co_return fail(cut.error());
  RewindForecast out;
  out.snapshot = cut->base.name;
  out.snapshot_time = cut->base.time;
  out.time = cut->time;
  out.position = cut->position;
  out.replay = cut->bytes;
  out.records = cut->records;
  out.volumes = replay_names(pool_, cut->base, name);
  co_return out;
}

rt::Task<Result<Windows::Progress>> Windows::begin(GroupId group, RewindTo to, std::string name) {
  const std::uint64_t number = ++last_number_;
  running_[number] = Running{nullptr, Lsn{0}, group};
  Result<Cut> cut = co_await find_cut(pool_, group, std::move(to), options_.piece);
  if (!cut) {
    running_.erase(number);
    co_return fail(cut.error());
  }
  Running& running = running_[number];
  running.pin = cut->base.lsn;
  running.replay = std::make_unique<Replay>(pool_, group, *cut, std::move(name), options_.piece);
  Result<> begun = co_await running.replay->begin();
  if (!begun) {
    running_.erase(number);
    co_return fail(begun.error());
  }
  co_return Progress{number, Bytes{}, running.replay->total(), true};
}

rt::Task<Result<Windows::Progress>> Windows::step(std::uint64_t number) {
  Replay& replay = *running_.at(number).replay;
  CO_TRY(bool more, co_await replay.step());
  co_return Progress{number, replay.done(), replay.total(), more};
}

rt::Task<Result<Rewound>> Windows::end(std::uint64_t number, bool keep) {
  Replay& replay = *running_.at(number).replay;
  Result<Rewound> done = fail(Code::cancelled, "the rewind was cancelled");
  if (keep) done = co_await replay.finish();
  if (!done) co_await replay.undo();
  running_.erase(number);
  co_return done;
}

}  // namespace lockstep::replica
