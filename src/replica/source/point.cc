// A point in time at the source: one pass as of one snapshot, then nothing more flows.
#include "replica/group/ledger.h"
#include "replica/group/point.h"
#include "replica/source/source.h"

namespace lockstep::replica {

rt::Task<Result<>> Source::take_point() {
  pass_.reset();
  status_.point_reached = false;
  flow(CopyState::initialized, Progress::initializing, {});
  WallTime now = ground_.host.clock().wall();
  Result<SnapshotId> taken = co_await lockstep::replica::take_point(pool_, group_, id_, now);
  if (!taken) co_return fail(described(taken.error()));
  co_return Result<>{};
}

rt::Task<Result<>> Source::drop_point() {
  pass_.reset();
  co_return co_await lockstep::replica::drop_point(pool_, group_, id_);
}

rt::Task<Result<>> Source::drop_pass_snapshot(SnapshotId snapshot) {
  while (fetching_ > 0) co_await moved_.wait();   // they read it
  if (is_point(type_)) co_return co_await drop_point();
  co_return co_await pool_.delete_snapshot(snapshot);
}

Bytes Source::journal_budget() const {
  bool asked = settings_.journal_budget.value > 0;
  return is_point(type_) && !asked ? point_journal : settings_.journal_budget;
}

rt::Task<Result<>> Source::act_on_point(Channel& channel, Contacted contacted) {
  std::optional<SnapshotId> point = find_point(pool_, group_, id_);
  Origin wanted = point ? pool_.catalog().snapshots.at(*point).origin : Origin{};
  const TargetSide& there = contacted.there;
  bool whole = !there.pass_open && !there.holds_nothing && !contacted.filling;
  bool open = there.role == store::Role::target_writable;
  // It serves hosts only once it holds the point; and a new point is taken only after it was closed again.
  if (whole && (open || !point || there.past.position == wanted)) {
    if (point) {
      Result<> dropped = co_await drop_point();
      if (!dropped) co_return dropped;
    }
    status_.point_reached = true;
    co_return co_await idle(channel);
  }
  if (!point) {
    flow(CopyState::broken, Progress::not_applicable,
         "its point in time is gone before the target had all of it; resync it to take a new one, or detach it");
    co_return co_await idle(channel);
  }
  if (contacted.filling) co_return co_await fill_target(channel, std::move(contacted));
  switch (contacted.plan.kind) {
    case Plan::Kind::ahead:
    case Plan::Kind::diverged: co_return co_await have_it_kept(channel);
    case Plan::Kind::stream:  // the journal does not end at the point: blocks do
      contacted.plan.kind = contacted.here.map_covers ? Plan::Kind::resync : Plan::Kind::compare;
      break;
    case Plan::Kind::unrelated:
    case Plan::Kind::two_writable:
    case Plan::Kind::taken_over: contacted.plan.kind = Plan::Kind::compare; break;
    default: break;
  }
  co_return co_await pass(channel, contacted);
}

}  // namespace lockstep::replica
