// Role changes of a target. Every step is durable before the next, and each of them may be repeated after a
// crash.
#include "replica/group/ledger.h"
#include "replica/group/point.h"
#include "replica/target/target.h"

namespace lockstep::replica {

rt::Task<Result<Past>> Target::promote() {
  promoting_ = true;
  Error why{Code::cancelled, "this end is being opened to hosts"};
  hang_up(why);
  co_await quiet();
  store::GroupRow group = row();
  Result<> done;
  if (group.id != group_) done = fail(Code::not_found, "its group is gone");
  if (group.role == store::Role::target_writable) {
    promoting_ = promotion_expected_ = false;
    co_return past_of(pool_, group_);
  }
  if (done && !group.was_synchronized) {
    done = fail(Code::busy, "it was never Synchronized, so what it holds is no state of its source; let its first copy end, or Detach it");
  }
  if (done && group.resync) done = co_await leave_pass();
  if (done && follower_row(pool_, follower_) == nullptr) {
    // From here on its changes are kept track of, so that coming back together costs only them. Changes of
    // its own that it still has from before are tracked already.
    store::FollowerRow follower;
    follower.id = follower_;
    follower.group = group_;
    follower.durable = pool_.status().appended;
    follower.since = pool_.position(group_);
    if (is_point(type_)) follower.journal_budget = point_journal;
    done = co_await pool_.set_follower(follower);
  }
  if (done) done = co_await forget_follower(pool_, surplus_);
  if (done) {
    // The generation is durable before any host can have written into it.
    Result<Generation> begun = co_await pool_.begin_generation(group_);
    if (!begun) done = fail(begun.error());
  }
  if (done) {
    group = row();
    group.role = store::Role::target_writable;
    done = co_await pool_.change_group(std::move(group));
  }
  promoting_ = promotion_expected_ = false;
  changed();
  if (!done) co_return fail(described(done.error()));
  co_return past_of(pool_, group_);
}

rt::Task<Result<>> Target::fall_back() {
  Error why{Code::cancelled, "the copy was given up"};
  hang_up(why);
  co_await quiet();
  store::GroupRow group = row();
  if (!group.resync || group.resync->stand_in.is_none()) co_return Result<>{};
  Result<> left = co_await leave_pass();
  if (!left) co_return fail(described(left.error()));
  changed();
  co_return Result<>{};
}

rt::Task<Result<Past>> Target::yield(std::string keep_as, std::optional<Past> other) {
  if (filling()) co_return fail(described({Code::busy, "hosts use it while it is being filled; abort the copy, or detach it"}));
  Error why{Code::cancelled, "this end gives its own writes up"};
  hang_up(why);
  co_await quiet();
  store::GroupRow group = row();
  // Hosts first: what is kept must be all there is.
  if (group.role != store::Role::target) {
    group.role = store::Role::target;
    group.following = id_;
    group.was_synchronized = true;
    Result<> closed = co_await pool_.change_group(std::move(group));
    if (!closed) co_return fail(described(closed.error()));
  }
  if (!row().resync) {
    std::optional<Origin> common;
    if (other) common = last_common(past_of(pool_, group_), *other);
    bool wrote = true;
    if (common) {
      Origin at = *common;
      wrote = co_await wrote_after(pool_, group_, at);
    }
    bool already = co_await kept_as_it_is(pool_, group_);
    if (wrote && !already) {
      Result<> kept = co_await keep(std::move(keep_as));
      if (!kept) co_return fail(described(kept.error()));
    }
    if (!wrote) {
      // Nothing of its own: its journal need not be kept for anybody.
      Result<> forgotten = co_await forget_follower(pool_, follower_);
      if (!forgotten) co_return fail(described(forgotten.error()));
    }
  }
  changed();
  co_return past_of(pool_, group_);
}

rt::Task<Result<>> Target::release() {
  ending_ = true;
  Error why{Code::cancelled, "the relationship ends"};
  hang_up(why);
  pool_.set_fetch(group_, nullptr);   // what is still missing is not to be had any more
  co_await fetcher_.close();
  co_await quiet();
  store::GroupRow group = row();
  if (group.id != group_) co_return Result<>{};
  if (group.resync && !group.resync->stand_in.is_none()) {
    Result<> left = co_await leave_pass();
    if (!left) co_return left;
  }
  if (group.role == store::Role::target) {
    Result<Generation> begun = co_await pool_.begin_generation(group_);
    if (!begun) co_return fail(begun.error());
  }
  group = row();
  group.role = store::Role::source;
  group.following = RelationshipId{};
  group.resync.reset();
  Result<> freed = co_await pool_.change_group(std::move(group));
  if (!freed) co_return freed;
  Result<> forgotten = co_await forget_follower(pool_, follower_);
  if (forgotten) forgotten = co_await forget_follower(pool_, surplus_);
  co_return forgotten;
}

}  // namespace lockstep::replica
