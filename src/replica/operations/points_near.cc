// Snapshots within one pool: every operation is done when it returns.
#include "replica/group/ledger.h"
#include "replica/operations/points.h"

namespace lockstep::replica {
namespace {

// On the pool's loop: a group that others follow cannot be put back under them.
rt::Task<Result<>> restore_alone(pool::Pool& pool, NearEnds ends, WallTime now) {
  for (const auto& [id, follower] : pool.catalog().followers) {
    if (follower.group != ends.source || follower.window != Duration{0}) continue;
    co_return fail(Code::busy,
                   "the source is replicated elsewhere too, and would change under its other replicas; detach those first");
  }
  co_return co_await restore_near(pool, std::move(ends), now);
}

}  // namespace

rt::Task<Result<>> Points::change_near(EntryRef entry, Operation operation) {
  pool::Pool& pool = *entry->near->pool;
  NearEnds ends = entry->near->ends;
  WallTime now = ground_.host.clock().wall();
  switch (operation) {
    case Operation::activate:
    case Operation::resync_replica: co_return co_await rt::run_on(pool.loop(), renew_near(pool, std::move(ends), now));
    case Operation::restore_from_replica:
      co_return co_await rt::run_on(pool.loop(), restore_alone(pool, std::move(ends), now));
    case Operation::abort:
    case Operation::deactivate:
    case Operation::prepare:
    case Operation::unprepare: co_return co_await rt::run_on(pool.loop(), close_near(pool, std::move(ends), now));
    case Operation::fracture: co_return Result<>{};  // it depends on nothing that could be cut
    default: co_return fail(Code::unsupported, std::string(name_of(operation)) + " is not offered here");
  }
}

rt::Task<Result<>> Points::end_near(EntryRef entry, bool with_target) {
  pool::Pool& pool = *entry->near->pool;
  NearEnds ends = entry->near->ends;
  GroupId target = ends.target;
  Result<> done;
  if (with_target) {
    done = co_await rt::run_on(pool.loop(), delete_target_objects(pool, target));
  } else {
    done = co_await rt::run_on(pool.loop(), release_near(pool, std::move(ends)));
  }
  if (!done) co_return done;
  entry->near.reset();
  co_return co_await roster_.forget(entry);
}

rt::Task<Result<>> Points::run_near(EntryRef entry, Operation operation, CopyState to) {
  if (operation == Operation::detach || operation == Operation::dissolve) co_return co_await end_near(entry, false);
  if (operation == Operation::return_to_resource_pool) co_return co_await end_near(entry, true);
  Result<> done = co_await change_near(entry, operation);
  if (!done) co_return done;
  bool renewed = operation == Operation::activate || operation == Operation::resync_replica;
  if (renewed) entry->kept.when_activated = entry->kept.when_synchronized = ground_.host.clock().wall();
  entry->kept.intent = to;
  co_await roster_.refresh(entry);
  co_return co_await roster_.save(entry);
}

}  // namespace lockstep::replica
