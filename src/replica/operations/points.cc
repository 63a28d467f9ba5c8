#include "replica/operations/points.h"

#include <algorithm>

namespace lockstep::replica {

rt::Task<Result<>> Points::run(EntryRef entry, Operation operation, CopyState state, Cell cell, Watcher& watcher) {
  if (entry->near) co_return co_await run_near(entry, operation, cell.to);
  bool ends = operation == Operation::detach || operation == Operation::dissolve;
  bool nowhere = !entry->source.end && !entry->target.end;
  if (nowhere && ends) co_return co_await roster_.forget(entry);  // its groups are gone: nothing else is left of it
  co_return co_await run_far(entry, operation, state, cell.to, watcher);
}

rt::Task<Result<>> Points::run_far(EntryRef entry, Operation operation, CopyState state, CopyState to, Watcher& watcher) {
  switch (operation) {
    case Operation::activate: co_return co_await take_and_copy(entry, state != CopyState::initialized, watcher);
    case Operation::resync_replica: co_return co_await take_and_copy(entry, true, watcher);
    case Operation::resume: co_return co_await copy(entry, watcher);
    case Operation::suspend:
    case Operation::fracture:
    case Operation::split: co_return co_await operations_.rest_both(entry, to);
    case Operation::abort:
    case Operation::deactivate:
    case Operation::prepare:
    case Operation::unprepare: co_return co_await stop_at(entry, to);
    case Operation::restore_from_replica: co_return co_await restore(entry, watcher);
    case Operation::detach:
    case Operation::dissolve: co_return co_await operations_.detach(entry);
    case Operation::return_to_resource_pool: co_return co_await return_target(entry);
    default: co_return fail(Code::unsupported, std::string(name_of(operation)) + " is not offered here");
  }
}

rt::Task<Result<>> Points::take_and_copy(EntryRef entry, bool again, Watcher& watcher) {
  if (again) {
    Result<> closed = co_await operations_.close_target(entry, "before-resync-");
    if (!closed) co_return closed;
    Result<Outcome> taken = co_await operations_.simple(entry, End::source, Step::point);
    if (!taken) co_return fail(taken.error());
  }
  co_return co_await copy(entry, watcher);
}

// What is complete may be settled while somebody waits for it; an operation that changes the point is not overtaken.
rt::Task<Result<>> Points::copy(EntryRef entry, Watcher& watcher) {
  entry->awaiting = true;
  Result<> done = co_await operations_.resume(entry, watcher);
  entry->awaiting = false;
  co_return done;
}

rt::Task<Result<>> Points::stop_at(EntryRef entry, CopyState intent) {
  // A token's copy may be in use before it is whole: what hosts have of it, and wrote to it, stays theirs.
  Result<> closed;
  if (entry->kept.sync_type != SyncType::tokenized_clone) closed = co_await operations_.close_target(entry, "before-close-");
  if (!closed && closed.error().code != Code::unreachable) co_return closed;
  Result<> rested = co_await operations_.rest_both(entry, intent);
  if (!rested) co_return rested;
  Result<Outcome> dropped = co_await operations_.simple(entry, End::source, Step::drop_point);
  if (!dropped) co_return fail(dropped.error());
  co_return Result<>{};
}

rt::Task<Result<>> Points::return_target(EntryRef entry) {
  Result<Outcome> gone = co_await operations_.simple(entry, End::target, Step::discard);
  if (!gone) co_return fail(gone.error());
  if (entry->gone) {  // this system held the target: the other one is told
    Result<Outcome> told = co_await operations_.simple(entry, End::source, Step::forget);
    ignore(told, "it learns of it when it next asks");
    co_return Result<>{};
  }
  Result<Outcome> forgotten = co_await operations_.simple(entry, End::source, Step::forget);
  if (!forgotten) co_return fail(forgotten.error());
  co_return Result<>{};
}

// There and back: the target leads for one point in time, then the ends are again what they were. The source is closed
// to hosts from the first step until it holds the point; what only it had is kept as a snapshot there. Broken off in the
// middle, it goes on in that direction by itself.
rt::Task<Result<>> Points::restore(EntryRef entry, Watcher& watcher) {
  Result<> turned = co_await operations_.turn(entry, "before-restore-");
  if (!turned) co_return turned;
  Result<Outcome> taken = co_await operations_.simple(entry, End::source, Step::point);
  if (!taken) co_return fail(taken.error());
  Result<> copied = co_await copy(entry, watcher);
  if (!copied) co_return copied;
  Result<> back = co_await operations_.turn(entry, "before-restore-");
  if (!back) co_return back;
  Result<Outcome> opened = co_await operations_.simple(entry, End::target, Step::promote);
  if (!opened) co_return fail(opened.error());
  Result<Outcome> rested = co_await operations_.simple(entry, End::source, Step::rest);
  if (!rested) co_return fail(rested.error());
  co_return Result<>{};
}

bool Points::to_be_settled(const Entry& entry) {
  const Status& status = entry.source.status;
  bool reached = is_point(entry.kept.sync_type) && entry.source.end && status.connected && status.point_reached;
  if (!reached || entry.gone || entry.settling || is_complete(entry.kept)) return false;
  return !entry.busy || entry.awaiting;
}

rt::Task<Result<>> Points::open_target(EntryRef entry) {
  Result<Outcome> opened = co_await operations_.simple(entry, End::target, Step::promote);
  if (!opened) co_return fail(opened.error());
  entry->kept.when_synchronized.us = std::max(ground_.host.clock().wall().us, entry->kept.when_activated.us);
  Result<> saved = co_await roster_.save(entry);
  if (!saved) co_return saved;
  co_await flows_.stop(entry, true);
  co_await roster_.refresh(entry);
  co_return Result<>{};
}

// The target first: a clone that nobody knows of any more must not go on thinking that it follows somebody.
rt::Task<Result<>> Points::let_go(EntryRef entry) {
  entry->kept.when_synchronized.us = std::max(ground_.host.clock().wall().us, entry->kept.when_activated.us);
  if (!entry->local(ground_.self.id)) {
    Result<Outcome> far = co_await operations_.simple(entry, End::target, Step::forget);
    if (!far && far.error().code != Code::not_found) {
      entry->kept.when_synchronized = WallTime{};
      co_return fail(far.error());
    }
  }
  Result<Outcome> near = co_await operations_.simple(entry, End::source, Step::forget);
  if (!near) co_return fail(near.error());
  co_return Result<>{};
}

rt::Task<void> Points::settle(EntryRef entry) {
  entry->settling = true;
  bool snapshot = entry->kept.sync_type == SyncType::snapshot;
  Result<> done;
  if (snapshot) {
    done = co_await open_target(entry);
  } else {
    done = co_await let_go(entry);
  }
  ignore(done, "it is tried again at the next tick");
  entry->settling = false;
  if (!entry->gone) roster_.tell(entry);
  roster_.moved().wake_all();
}

}  // namespace lockstep::replica
