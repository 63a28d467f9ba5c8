#include "replica/operations/steps.h"

#include <algorithm>

#include "replica/group/ledger.h"
#include "replica/group/target_objects.h"
#include "replica/operations/measure.h"

namespace lockstep::replica {
namespace {

// On the pool's loop, from here down.

struct Looked {
  Past past;
  bool writable = false;
  bool follows_another = false;
};

// A target has one source: what follows one relationship's is no target for another's.
bool follows_another(const store::GroupRow& row, RelationshipId relationship) {
  bool target = row.role == store::Role::target || row.role == store::Role::target_writable;
  return target && !row.following.is_none() && row.following != relationship;
}

rt::Task<Looked> look_at(pool::Pool& pool, GroupId group, RelationshipId relationship) {
  Looked out;
  out.past = past_of(pool, group);
  const store::GroupRow* row = group_row(pool, group);
  out.follows_another = row != nullptr && follows_another(*row, relationship);
  out.writable = row != nullptr && (row->role == store::Role::source || row->role == store::Role::target_writable);
  co_return out;
}

rt::Task<Result<>> take_source_role(pool::Pool& pool, GroupId group) {
  const store::GroupRow* found = group_row(pool, group);
  if (found == nullptr) co_return fail(Code::not_found, "the group is gone");
  store::GroupRow row = *found;
  row.role = store::Role::source;
  row.following = RelationshipId{};
  co_return co_await pool.change_group(std::move(row));
}

rt::Task<std::pair<std::string, std::string>> names_of(pool::Pool& pool, GroupId group) {  // pool, group
  const store::GroupRow* row = group_row(pool, group);
  co_return std::pair(pool.status().name, row == nullptr ? std::string() : row->name);
}

// So that the target end of a local relationship is found.
rt::Task<Result<>> follow(pool::Pool& pool, GroupId group, RelationshipId relationship) {
  const store::GroupRow* found = group_row(pool, group);
  if (found == nullptr) co_return fail(Code::not_found, "the group is gone");
  store::GroupRow row = *found;
  row.following = relationship;
  row.was_synchronized = true;
  co_return co_await pool.change_group(std::move(row));
}

rt::Task<void> doubt(Source& source) {
  source.unsure();
  co_return;
}

rt::Task<void> rest_target(Target& target, CopyState intent) {
  target.set_intent(intent);
  target.rest();
  co_return;
}

rt::Task<void> wake_target(Target& target) {
  target.set_intent(CopyState::synchronized);
  co_return;
}

rt::Task<Result<Past>> promote_target(Target& target, CopyState intent) {
  target.set_intent(intent);
  return target.promote();
}

}  // namespace

rt::Task<Result<Outcome>> Steps::carry_out(EntryRef entry, End end, Order order) {
  if (roster_.ending()) co_return fail(Code::cancelled, "system '" + ground_.self.name + "' is stopping");
  Step step = order.step;
  bool waited = co_await take_turn(entry, step);
  if (waited && entry->gone) co_return fail(Code::not_found, "relationship '" + entry->kept.name + "' has ended");
  entry->steps.push_back(step);
  Result<Outcome> done = co_await take(entry, end, std::move(order));
  entry->steps.erase(std::find(entry->steps.begin(), entry->steps.end(), step));
  roster_.moved().wake_all();
  co_return done;
}

// Who lost the connection asks again while the first one may still be at work here.
rt::Task<bool> Steps::take_turn(EntryRef entry, Step step) {
  const std::vector<Step>& now = entry->steps;
  bool waited = false;
  while (step != Step::look && std::find(now.begin(), now.end(), step) != now.end()) {
    waited = true;
    co_await roster_.moved().wait();
  }
  co_return waited;
}

rt::Task<Result<Outcome>> Steps::take(EntryRef entry, End end, Order order) {
  bool local = entry->local(ground_.self.id);
  // Asked again, it is done again: what it consists of may be repeated.
  bool again = order.step == Step::become_target && end == End::source && entry->kept.end == End::target;
  if (again && !local) {
    Result<> followed = co_await follow_again(entry, std::move(order));
    if (!followed) co_return fail(followed.error());
    Order look;
    co_return co_await at_target(entry, std::move(look));
  }
  if (!local && entry->kept.end != end) {
    co_return fail(Code::changed, "relationship '" + entry->kept.name + "': roles have changed; look at both systems and try again");
  }
  if (order.step == Step::leave) co_return co_await leave(entry, end, std::move(order));
  if (order.step == Step::admit) co_return co_await admit(entry, std::move(order));
  if (order.step == Step::join) co_return co_await join(entry, std::move(order));
  bool here = end == End::source ? entry->source.end != nullptr : entry->target.end != nullptr;
  if (!here && order.step != Step::forget) {
    std::string what = end == End::source ? "source" : "target";
    std::string why =
        entry->trouble ? entry->trouble->message
                       : "its pool is not open on system '" + ground_.self.name + "', or roles have changed";
    co_return fail(Code::unreachable,
                   "relationship '" + entry->kept.name + "': the " + what + " is not there: " + why);
  }
  if (end == End::source) co_return co_await at_source(entry, std::move(order));
  co_return co_await at_target(entry, std::move(order));
}

rt::Task<Result<Outcome>> Steps::at_source(EntryRef entry, Order order) {
  Result<> done;
  Outcome out;
  switch (order.step) {
    case Step::rest: done = co_await rest(entry, End::source, order.intent); break;
    case Step::flow: done = co_await go_on(entry, End::source); break;
    case Step::drain: {
      rt::Loop& loop = entry->source.pool->loop();
      done = co_await rt::run_on(loop, entry->source.end->catch_up(drain_most));
      break;
    }
    case Step::demote: {
      rt::Loop& loop = entry->source.pool->loop();
      Result<Past> demoted = co_await rt::run_on(loop, entry->source.end->demote(drain_most, order.by_peer));
      if (!demoted) done = fail(demoted.error());
      break;
    }
    case Step::take_back: {
      rt::Loop& loop = entry->source.pool->loop();
      done = co_await rt::run_on(loop, entry->source.end->take_back());
      break;
    }
    case Step::unsure: co_await rt::run_on(entry->source.pool->loop(), doubt(*entry->source.end)); break;
    case Step::become_target: done = co_await become_target(entry, std::move(order)); break;
    case Step::point: done = co_await new_point(entry); break;
    case Step::drop_point: {
      rt::Loop& loop = entry->source.pool->loop();
      done = co_await rt::run_on(loop, entry->source.end->drop_point());
      break;
    }
    case Step::configure:
      done = co_await configure(entry, order.settings.value_or(entry->kept.settings));
      break;
    case Step::forget:
      done = co_await forget(entry, End::source);
      co_return done ? Result<Outcome>(out) : fail(done.error());
    case Step::look: break;
    default: done = fail(Code::invalid, "a source is not asked that"); break;
  }
  if (!done) co_return fail(done.error());
  bool at_source = entry->source.end != nullptr;
  pool::Pool* pool = at_source ? entry->source.pool : entry->target.pool;
  if (pool != nullptr) {
    co_await look_around(*pool, entry->kept.group, entry->kept.id, order, out);
  }
  Report report = roster_.report_of(*entry);
  out.copy_state = report.copy_state;
  out.reachable = report.reachable;
  out.lag = report.lag;
  out.to_send = report.backlog;
  co_return out;
}

rt::Task<Result<Outcome>> Steps::at_target(EntryRef entry, Order order) {
  Result<> done;
  Outcome out;
  switch (order.step) {
    case Step::rest: done = co_await rest(entry, End::target, order.intent); break;
    case Step::flow: done = co_await go_on(entry, End::target); break;
    case Step::promote: {
      rt::Loop& loop = entry->target.pool->loop();
      Result<Past> promoted = co_await rt::run_on(loop, promote_target(*entry->target.end, order.intent));
      if (!promoted) {
        done = fail(promoted.error());
        break;
      }
      entry->kept.intent = order.intent;
      if (order.intent == CopyState::failedover && !order.keeps) entry->kept.when_failed_over = ground_.host.clock().wall();
      done = co_await roster_.save(entry);
      break;
    }
    case Step::yield: {
      rt::Loop& loop = entry->target.pool->loop();
      std::string name = order.name;
      std::optional<Past> other = order.other;
      Result<Past> yielded =
          co_await rt::run_on(loop, entry->target.end->yield(std::move(name), std::move(other)));
      if (!yielded) done = fail(yielded.error());
      break;
    }
    case Step::become_source: done = co_await become_source(entry); break;
    case Step::configure:
      done = co_await configure(entry, order.settings.value_or(entry->kept.settings));
      break;
    case Step::forget:
      done = co_await forget(entry, End::target);
      co_return done ? Result<Outcome>(out) : fail(done.error());
    case Step::discard:
      done = co_await discard(entry);
      co_return done ? Result<Outcome>(out) : fail(done.error());
    case Step::look: break;
    default: done = fail(Code::invalid, "a target is not asked that"); break;
  }
  if (!done) co_return fail(done.error());
  if (entry->target.end) {
    out.past.position = entry->target.status.position;
    out.was_synchronized = entry->target.status.was_synchronized;
  }
  bool at_target = entry->target.end != nullptr;
  pool::Pool* pool = at_target ? entry->target.pool : entry->source.pool;
  bool local = entry->local(ground_.self.id);
  if (pool != nullptr && (at_target || !local)) {
    GroupId group = local ? entry->far.group : entry->kept.group;
    co_await look_around(*pool, group, entry->kept.id, order, out);
  }
  Report report = roster_.report_of(*entry);
  out.copy_state = report.copy_state;
  out.reachable = report.reachable;
  out.lag = report.lag;
  co_return out;
}

rt::Task<void> Steps::look_around(pool::Pool& pool, GroupId group, RelationshipId relationship, const Order& order, Outcome& out) {
  Looked looked = co_await rt::run_on(pool.loop(), look_at(pool, group, relationship));
  out.past = std::move(looked.past);
  out.writable = looked.writable;
  out.follows_another = looked.follows_another;
  if (order.measure) {
    auto measured = changed_bytes(pool, group, relationship, order.other);
    out.changed = co_await rt::run_on(pool.loop(), std::move(measured));
  }
  if (order.measure_all) {
    auto measured = allocated_bytes(pool, group);
    out.allocated = co_await rt::run_on(pool.loop(), std::move(measured));
  }
}

rt::Task<Result<>> Steps::rest(EntryRef entry, End end, CopyState intent) {
  // What still flows would say otherwise: it ends before the intent is written down.
  if (end == End::target && entry->target.end) {
    co_await rt::run_on(entry->target.pool->loop(), rest_target(*entry->target.end, intent));
    co_await roster_.refresh(entry);
  }
  bool given_up = intent == CopyState::aborted || intent == CopyState::prepared;
  if (end == End::target && entry->target.end && given_up) {
    Result<> back = co_await rt::run_on(entry->target.pool->loop(), entry->target.end->fall_back());
    if (!back) co_return back;
  }
  entry->kept.intent = intent;
  if (intent == CopyState::failedover) entry->kept.when_failed_over = ground_.host.clock().wall();
  if (intent == CopyState::failedover && end == End::source && entry->source.end) {
    // Opened before it was failed over, the target had left the source open as well.
    Result<bool> closed = co_await rt::run_on(entry->source.pool->loop(), entry->source.end->give_up_role());
    if (!closed) co_return fail(closed.error());
  }
  if (intent == CopyState::suspended) entry->kept.when_suspended = ground_.host.clock().wall();
  Result<> saved = co_await roster_.save(entry);
  if (!saved) co_return saved;
  if (end == End::source) {
    co_await flows_.stop(entry, true);
    flows_.start(entry);   // only where the source keeps looking
  }
  roster_.tell(entry);
  co_return Result<>{};
}

rt::Task<Result<>> Steps::go_on(EntryRef entry, End end) {
  entry->kept.intent = CopyState::synchronized;
  // Of a point in time it says when that was.
  if (!is_point(entry->kept.sync_type)) entry->kept.when_activated = ground_.host.clock().wall();
  Result<> saved = co_await roster_.save(entry);
  if (!saved) co_return saved;
  if (end == End::target) {
    if (!entry->target.end) co_return fail(Code::unreachable, "relationship '" + entry->kept.name + "': its pool has been closed meanwhile");
    co_await rt::run_on(entry->target.pool->loop(), wake_target(*entry->target.end));
  } else {
    co_await flows_.stop(entry, false);  // what flowed for another purpose begins anew
    flows_.start(entry);
  }
  roster_.tell(entry);
  co_return Result<>{};
}

rt::Task<Result<>> Steps::configure(EntryRef entry, Settings settings) {
  entry->kept.settings = settings;
  Result<> saved = co_await roster_.save(entry);
  if (!saved) co_return saved;
  if (entry->source.end) {
    Result<> set =
        co_await rt::run_on(entry->source.pool->loop(), entry->source.end->set(settings));
    if (!set) co_return set;
  }
  roster_.tell(entry);
  co_return Result<>{};
}

rt::Task<Result<>> Steps::forget(EntryRef entry, End end) {
  bool local = entry->local(ground_.self.id);
  co_await flows_.stop(entry, true);
  if (entry->target.end && (end == End::target || local)) {
    Result<> released = co_await rt::run_on(entry->target.pool->loop(), entry->target.end->release());
    if (!released) co_return released;
  }
  if (entry->source.end) {   // given up for nobody any more: hosts may write again
    Result<> freed = co_await rt::run_on(entry->source.pool->loop(), entry->source.end->take_back());
    if (!freed) co_return freed;
  }
  co_await roster_.close_ends(entry, true);
  co_return co_await roster_.forget(entry);
}

// What flowed towards an older point ends first; Step::flow begins with the new one.
rt::Task<Result<>> Steps::new_point(EntryRef entry) {
  co_await flows_.stop(entry, false);
  if (!entry->source.end) co_return fail(Code::unreachable, "the source's pool is not open any more");
  Result<> taken = co_await rt::run_on(entry->source.pool->loop(), entry->source.end->take_point());
  if (!taken) co_return taken;
  WallTime now = ground_.host.clock().wall();
  entry->kept.when_activated.us = std::max(now.us, entry->kept.when_synchronized.us + 1);
  co_return co_await roster_.save(entry);
}

rt::Task<Result<>> Steps::discard(EntryRef entry) {
  pool::Pool* pool = entry->target.pool;
  bool local = entry->local(ground_.self.id);
  GroupId group = local ? entry->far.group : entry->kept.group;
  co_await flows_.stop(entry, true);
  co_await roster_.close_target(entry);
  Result<> gone = co_await rt::run_on(pool->loop(), delete_target_objects(*pool, group));
  if (!gone) {
    co_await roster_.open_target(entry);
    co_return gone;
  }
  if (local) co_return Result<>{};  // the source's end forgets it
  co_return co_await roster_.forget(entry);
}

rt::Task<Result<>> Steps::become_source(EntryRef entry) {
  pool::Pool* pool = entry->target.pool;
  GroupId group = entry->kept.group;
  Result<> taken = co_await rt::run_on(pool->loop(), take_source_role(*pool, group));
  if (!taken) co_return taken;
  co_await roster_.close_target(entry);
  entry->kept.end = End::source;
  entry->kept.intent = CopyState::suspended;   // until something is to flow this way
  Result<> saved = co_await roster_.save(entry);
  if (!saved) co_return saved;
  co_await roster_.open_ends(entry, false);
  co_return Result<>{};
}

rt::Task<Result<>> Steps::become_target(EntryRef entry, Order order) {
  if (entry->local(ground_.self.id)) co_return co_await swap_local(entry, std::move(order));
  co_await flows_.stop(entry, true);
  co_await roster_.close_source(entry, false);
  entry->kept.end = End::target;
  entry->kept.intent = CopyState::suspended;
  Result<> saved = co_await roster_.save(entry);
  if (!saved) co_return saved;
  co_return co_await follow_again(entry, std::move(order));
}

rt::Task<Result<>> Steps::follow_again(EntryRef entry, Order order) {
  co_await roster_.open_ends(entry, false);
  if (!entry->target.end) co_return fail(entry->trouble.value_or(Error{Code::unreachable, "the pool is not open"}));
  rt::Loop& loop = entry->target.pool->loop();
  std::string name = order.name;
  std::optional<Past> other = order.other;
  Result<Past> yielded = co_await rt::run_on(loop, entry->target.end->yield(std::move(name), std::move(other)));
  if (!yielded) co_return fail(yielded.error());
  co_return Result<>{};
}

// Both ends are here: one row is kept, and it changes sides. The target has been opened to hosts before.
rt::Task<Result<>> Steps::swap_local(EntryRef entry, Order order) {
  std::optional<Roster::Place> there = co_await roster_.local_target(entry->kept.id);
  if (!there) co_return fail(Code::not_found, "the target's group is gone");
  pool::Pool* old_pool = entry->source.pool;
  GroupId old_group = entry->kept.group;
  auto names = co_await rt::run_on(old_pool->loop(), names_of(*old_pool, old_group));
  co_await flows_.stop(entry, true);
  co_await roster_.close_ends(entry, false);
  Result<> taken = co_await rt::run_on(there->pool->loop(), take_source_role(*there->pool, there->group));
  if (!taken) co_return taken;
  Relationship swapped = entry->kept;
  swapped.pool = there->pool->id();
  swapped.group = there->group;
  swapped.peer_pool = names.first;
  swapped.peer_group = names.second;
  for (auto& [here, far] : swapped.pairs) std::swap(here, far);
  entry->kept = swapped;
  Result<> saved = co_await roster_.save(entry);
  if (!saved) co_return saved;
  std::string name = order.name;
  std::optional<Past> other = order.other;
  Result<> followed = co_await rt::run_on(old_pool->loop(), follow(*old_pool, old_group, entry->kept.id));
  if (!followed) co_return followed;
  co_await roster_.open_ends(entry, false);
  if (!entry->target.end) co_return fail(Code::unreachable, "the pool of the new target is not open");
  rt::Loop& loop = entry->target.pool->loop();
  Result<Past> yielded =
      co_await rt::run_on(loop, entry->target.end->yield(std::move(name), std::move(other)));
  if (!yielded) co_return fail(yielded.error());
  co_return Result<>{};
}

}  // namespace lockstep::replica
