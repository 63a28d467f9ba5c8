#include "replica/operations/operations.h"

#include <algorithm>

#include "replica/model/states.h"
#include "replica/operations/busy.h"
#include "replica/operations/create.h"
#include "replica/operations/points.h"
#include "replica/wire/convert.h"

namespace lockstep::replica {
namespace {

constexpr Duration step_most = std::chrono::minutes(2);

}  // namespace

bool Operations::here(const Entry& entry, End end) const {
  return entry.local(ground_.self.id) || entry.kept.end == end;
}

rt::Task<Result<Outcome>> Operations::ask(EntryRef entry, End end, Order order) {
  bool at_home = here(*entry, end);
  co_return co_await ask_at(std::move(entry), at_home, end, std::move(order));
}

rt::Task<Result<Outcome>> Operations::ask_at(EntryRef entry, bool at_home, End end, Order order) {
  if (at_home) co_return co_await steps_.carry_out(entry, end, std::move(order));
  wire::Request request;
  wire::Act* act = request.mutable_act();
  act->set_relationship(bytes_of(entry->kept.id));
  act->set_end(static_cast<std::uint32_t>(end));
  put(order, *act);
  bool drains = order.step == Step::demote || order.step == Step::drain;
  Duration at_most = drains ? Steps::drain_most + step_most : step_most;
  SystemId peer = entry->kept.peer;
  Result<wire::Reply> reply = co_await peers_.call(peer, std::move(request), at_most);
  if (!reply) co_return fail(reply.error());
  co_return outcome_from(reply->act());
}

rt::Task<Result<Outcome>> Operations::simple(EntryRef entry, End end, Step step, CopyState intent) {
  Order order;
  order.step = step;
  order.intent = intent;
  co_return co_await ask(entry, end, std::move(order));
}

rt::Task<Result<>> Operations::operate(EntryRef entry, Operation operation, Watcher& watcher) {
  do {
    while (entry->settling) co_await roster_.moved().wait();
    if (entry->gone) co_return fail(Code::not_found, "relationship '" + entry->kept.name + "' has ended by itself");
    // What kept an end from opening may be over.
    if (entry->trouble && !entry->busy) co_await roster_.open_ends(entry, false);
    co_await roster_.refresh(entry);
  } while (entry->settling);
  CopyState state = roster_.report_of(*entry).copy_state;
  // Every caller of this face has asked for exactly this and was told what it does: that is what force means
  // here.
  Result<Cell> cell = check(entry->kept.sync_type, operation, state, true);
  if (!cell) co_return fail(cell.error().in("relationship '" + entry->kept.name + "'"));
  if (cell->kind == Cell::Kind::no_op) co_return Result<>{};
  if (entry->busy) {
    co_return fail(Code::busy, "relationship '" + entry->kept.name +
                                   "': " + std::string(name_of(entry->operation)) +
                                   " is running; wait for it to end");
  }
  Cell found = *cell;
  Busy busy(entry, operation, found.to);
  roster_.tell(entry);
  if (is_point(entry->kept.sync_type)) co_return co_await points_->run(entry, operation, state, found, watcher);
  Result<bool> heard = co_await finish_turn(entry);
  if (!heard) co_return fail(heard.error());
  bool silent = !*heard;
  if (operation == Operation::failover) co_return co_await failover(entry, state, silent);
  co_return co_await run(entry, operation, state, found, watcher);
}

rt::Task<Result<>> Operations::run(EntryRef entry, Operation operation, CopyState state, Cell cell,
                                   Watcher& watcher) {
  switch (operation) {
    case Operation::activate:
    case Operation::resume: co_return co_await resume(entry, watcher);
    case Operation::resync_replica: co_return co_await resync(entry, watcher);
    case Operation::suspend:
    case Operation::deactivate:
    case Operation::abort: co_return co_await rest_both(entry, cell.to);
    case Operation::prepare:
    case Operation::unprepare: {
      Result<> closed = co_await close_target(entry, "before-prepare-");
      if (!closed && closed.error().code != Code::unreachable) co_return closed;
      co_return co_await rest_both(entry, cell.to);
    }
    case Operation::fracture: {
      Result<> may = co_await may_open(entry);
      if (!may) co_return may;
      co_return co_await open_target(entry, state, CopyState::fractured, false);
    }
    case Operation::split: co_return co_await open_target(entry, state, CopyState::split, true);
    case Operation::failback: co_return co_await fail_back(entry, watcher);
    case Operation::restore_from_replica: co_return co_await restore(entry, state, watcher);
    case Operation::reverse_roles: co_return co_await reverse(entry, state, watcher);
    case Operation::detach:
    case Operation::dissolve: co_return co_await detach(entry);
    case Operation::reset_to_sync: co_return co_await reset_mode(entry, Mode::synchronous);
    case Operation::reset_to_async: co_return co_await reset_mode(entry, Mode::asynchronous);
    case Operation::reset_to_adaptive: co_return co_await reset_mode(entry, Mode::adaptive);
    case Operation::activate_consistency:
    case Operation::deactivate_consistency: {  // a group's writes keep their order, whatever is asked
      Settings settings = entry->kept.settings;
      settings.consistency = operation == Operation::activate_consistency;
      co_return co_await set(entry, settings);
    }
    case Operation::add_sync_pair:
    case Operation::remove_sync_pair:
      co_return fail(Code::invalid, "relationship '" + entry->kept.name + "': " + std::string(name_of(operation)) + " names no pair; name the volume of each");
    case Operation::failover:
    case Operation::return_to_resource_pool: break;
  }
  co_return fail(Code::unsupported, std::string(name_of(operation)) + " is not offered for a " +
                                        std::string(name_of(entry->kept.sync_type)));
}

rt::Task<Result<>> Operations::close_target(EntryRef entry, std::string what) {
  Result<Outcome> target = co_await simple(entry, End::target, Step::look);
  if (!target) co_return fail(target.error());
  if (!target->writable) co_return Result<>{};
  Result<Outcome> source = co_await simple(entry, End::source, Step::look);
  if (!source) co_return fail(source.error());
  Order order;
  order.step = Step::yield;
  order.name = what + entry->kept.name;
  order.other = source->past;
  Result<Outcome> yielded = co_await ask(entry, End::target, std::move(order));
  if (!yielded) co_return fail(yielded.error());
  co_return Result<>{};
}

// The source first: what does not flow cannot be misread by the target.
rt::Task<Result<>> Operations::rest_both(EntryRef entry, CopyState intent) {
  Result<Outcome> source = co_await simple(entry, End::source, Step::rest, intent);
  if (!source) co_return fail(source.error());
  Result<Outcome> target = co_await simple(entry, End::target, Step::rest, intent);
  if (!target && target.error().code != Code::unreachable) co_return fail(target.error());
  co_return Result<>{};
}

rt::Task<Result<>> Operations::flow_both(EntryRef entry) {
  Result<Outcome> target = co_await simple(entry, End::target, Step::flow);
  if (!target) co_return fail(target.error());
  Result<Outcome> source = co_await simple(entry, End::source, Step::flow);
  if (!source) co_return fail(source.error());
  co_return Result<>{};
}

rt::Task<Result<>> Operations::resume(EntryRef entry, Watcher& watcher) {
  Result<> flowing = co_await flow_both(entry);
  if (!flowing) co_return flowing;
  std::vector<CopyState> end{CopyState::synchronized};
  co_return co_await await_state(entry, std::move(end), watcher);
}

// The source's state wins; what only the target has is kept there.
rt::Task<Result<>> Operations::resync(EntryRef entry, Watcher& watcher) {
  Result<Outcome> source = co_await simple(entry, End::source, Step::look);
  if (!source) co_return fail(source.error());
  Order order;
  order.step = Step::yield;
  order.name = "before-resync-" + entry->kept.name;
  order.other = source->past;
  Result<Outcome> yielded = co_await ask(entry, End::target, std::move(order));
  if (!yielded) co_return fail(yielded.error());
  co_return co_await resume(entry, watcher);
}

// As the target itself would say, when something has changed already.
rt::Task<Result<>> Operations::may_open(EntryRef entry) {
  Result<Outcome> target = co_await simple(entry, End::target, Step::look);
  if (!target) co_return fail(target.error());
  if (target->was_synchronized) co_return Result<>{};
  co_return fail(Code::busy, "relationship '" + entry->kept.name + "': its target was never Synchronized, so what it holds is no state of its source; let its first copy end, or Detach it");
}

rt::Task<Result<>> Operations::open_target(EntryRef entry, CopyState before, CopyState intent, bool drain) {
  if (drain) {
    Result<Outcome> drained = co_await simple(entry, End::source, Step::drain);
    if (!drained) co_return fail(drained.error());
  }
  Result<Outcome> source = co_await simple(entry, End::source, Step::rest, intent);
  if (!source) co_return fail(source.error());
  Result<Outcome> target = co_await simple(entry, End::target, Step::promote, intent);
  if (target) co_return Result<>{};
  // As it was before. Where the target was opened all the same, the source sees it at the next contact.
  bool flowed = before == CopyState::synchronized || before == CopyState::unsynchronized;
  Result<Outcome> back = co_await simple(entry, End::source, flowed ? Step::flow : Step::rest, before);
  ignore(back, "the target could not be opened: that is what is reported");
  co_return fail(target.error());
}

rt::Task<Result<>> Operations::detach(EntryRef entry) {
  if (entry->local(ground_.self.id)) {
    Result<Outcome> gone = co_await simple(entry, End::source, Step::forget);
    if (!gone) co_return fail(gone.error());
    co_return Result<>{};
  }
  End mine = entry->kept.end;
  End theirs = mine == End::source ? End::target : End::source;
  Result<Outcome> far = co_await simple(entry, theirs, Step::forget);
  // Out of reach, it learns of it when it next asks for a relationship that is not there; detaching it works
  // there too.
  bool excused = !far && (far.error().code == Code::unreachable || far.error().code == Code::not_found ||
                          far.error().code == Code::timeout);
  if (!far && !excused) co_return fail(far.error());
  Result<Outcome> near = co_await simple(entry, mine, Step::forget);
  if (!near) co_return fail(near.error());
  co_return Result<>{};
}

rt::Task<Result<>> Operations::reset_mode(EntryRef entry, Mode mode) {
  Settings settings = entry->kept.settings;
  settings.mode = mode;
  if (mode == Mode::synchronous) settings.rpo_seconds = 0;
  if (mode != Mode::synchronous && settings.rpo_seconds == 0) settings.rpo_seconds = 30;
  co_return co_await set(entry, settings);
}

rt::Task<Result<>> Operations::set(EntryRef entry, Settings settings) {
  bool sync = settings.mode == Mode::synchronous;
  bool point = is_point(entry->kept.sync_type);
  if (point && settings.rpo_seconds != 0)
    co_return fail(Code::invalid, "RPO: means nothing for a " + std::string(name_of(entry->kept.sync_type)) + "; give 0");
  if (sync && settings.rpo_seconds != 0)
    co_return fail(Code::invalid, "RPO: a Synchronous relationship's is 0");
  if (!sync && !point && (settings.rpo_seconds < 1 || settings.rpo_seconds > 86'400))
    co_return fail(Code::invalid, "RPO: 1 to 86400 seconds");
  if (settings.adaptive_bound_ms < 1 || settings.adaptive_bound_ms > 60'000)
    co_return fail(Code::invalid, "bound of Adaptive: 1 to 60000 ms");
  if (sync) {
    Result<Outcome> source = co_await simple(entry, End::source, Step::look);
    if (source && source->follows_another && !source->writable) co_return fail(next_hop_answers_nobody(entry->kept.name));
  }
  if (entry->near) {  // nothing flows that they would tell how to
    entry->kept.settings = settings;
    co_return co_await roster_.save(entry);
  }
  Order order;
  order.step = Step::configure;
  order.settings = settings;
  Order copy = order;
  Result<Outcome> source = co_await ask(entry, End::source, std::move(copy));
  if (!source) co_return fail(source.error());
  if (entry->local(ground_.self.id)) co_return Result<>{};
  Result<Outcome> target = co_await ask(entry, End::target, std::move(order));
  ignore(target, "the source tells it with its next heartbeat");
  co_return Result<>{};
}

rt::Task<Result<>> Operations::await_state(EntryRef entry, std::vector<CopyState> states, Watcher& watcher) {
  co_await roster_.refresh(entry);
  auto guard = watcher.stop().on_request([this] { roster_.moved().wake_all(); });
  for (;;) {
    if (entry->gone) {
      bool given_up = is_point(entry->kept.sync_type) && entry->kept.end == End::source && !is_complete(entry->kept);
      if (given_up)
        co_return fail(Code::cancelled, "relationship '" + entry->kept.name + "' was ended before it was complete");
      co_return Result<>{};
    }
    Report now = roster_.report_of(*entry);
    watcher.progress(now.copied, now.to_copy);
    bool arrived = std::find(states.begin(), states.end(), now.copy_state) != states.end();
    bool leaves = entry->kept.sync_type == SyncType::clone || entry->kept.sync_type == SyncType::tokenized_clone;
    // A clone that has everything is done when it has let go of its source as well.
    if (arrived && !(leaves && now.copy_state == CopyState::synchronized)) co_return Result<>{};
    if (!now.conflict.empty())
      co_return fail(Code::busy, "relationship '" + entry->kept.name + "': " + now.conflict);
    if (watcher.stop().requested())
      co_return fail(Code::cancelled,
                     "relationship '" + entry->kept.name + "': nobody waits any more; it goes on");
    co_await roster_.moved().wait();
  }
}

void put(const Order& from, wire::Act& into) {
  into.set_kind(static_cast<std::uint32_t>(from.step));
  into.set_intent(static_cast<std::uint32_t>(from.intent));
  into.set_name(from.name);
  into.set_measure(from.measure);
  into.set_measure_all(from.measure_all);
  for (const auto& [source, target] : from.pairs) {
    wire::Pair* pair = into.add_pairs();
    pair->set_source(bytes_of(source));
    pair->set_target(bytes_of(target));
  }
  if (!from.with.is_none()) into.set_with(bytes_of(from.with));
  into.set_keeps(from.keeps);
  if (from.settings) put(*from.settings, *into.mutable_settings());
  if (from.other) put(*from.other, *into.mutable_other());
}

Result<Order> order_from(const wire::Act& from) {
  if (from.kind() < 1 || from.kind() > static_cast<std::uint32_t>(last_step))
    return fail(Code::unsupported, "a step that this system does not know; update it");
  Order out;
  out.step = static_cast<Step>(from.kind());
  out.intent = copy_state_from(from.intent());
  out.name = from.name().substr(0, 70);
  out.measure = from.measure();
  out.measure_all = from.measure_all();
  for (const auto& pair : from.pairs()) out.pairs.emplace_back(id_from<VolumeUuid>(pair.source()), id_from<VolumeUuid>(pair.target()));
  if (!from.with().empty()) out.with = id_from<RelationshipId>(from.with());
  out.keeps = from.keeps();
  if (from.has_settings()) {
    TRY(Settings settings, settings_from(from.settings()));
    out.settings = settings;
  }
  if (from.has_other()) {
    TRY(Past other, past_from(from.other()));
    out.other = std::move(other);
  }
  return out;
}

void put(const Outcome& from, wire::ActReply& into) {
  put(from.past, *into.mutable_past());
  into.set_copy_state(static_cast<std::uint32_t>(from.copy_state));
  into.set_was_synchronized(from.was_synchronized);
  into.set_reachable(from.reachable);
  into.set_writable(from.writable);
  into.set_follows_another(from.follows_another);
  into.set_lag_us(
      static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::microseconds>(from.lag).count()));
  into.set_to_send(from.to_send.value);
  into.set_changed(from.changed.value_or(Bytes{0}).value);
  into.set_changed_unknown(!from.changed);
  if (from.allocated) into.set_allocated(from.allocated->value);
  for (const std::string& group : from.groups) into.add_groups(group);
}

Result<Outcome> outcome_from(const wire::ActReply& from) {
  Outcome out;
  TRY(out.past, past_from(from.past()));
  out.copy_state = copy_state_from(from.copy_state());
  out.was_synchronized = from.was_synchronized();
  out.reachable = from.reachable();
  out.writable = from.writable();
  out.follows_another = from.follows_another();
  out.lag = std::chrono::microseconds(static_cast<std::int64_t>(from.lag_us()));
  out.to_send = Bytes{from.to_send()};
  out.changed = from.changed_unknown() ? std::optional<Bytes>() : Bytes{from.changed()};
  if (from.has_allocated()) out.allocated = Bytes{from.allocated()};
  for (const std::string& group : from.groups()) out.groups.push_back(group.substr(0, 100));
  return out;
}

}  // namespace lockstep::replica
