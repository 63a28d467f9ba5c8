// Failover and the ways back. A role is given up durably before it is taken; a generation is durable before
// its first answer.
#include "replica/operations/operations.h"
#include "replica/wire/convert.h"

namespace lockstep::replica {
namespace {

constexpr Duration lead_most = Steps::drain_most + std::chrono::minutes(3);

rt::Task<void> announce(Target& target, bool promotion) {
  target.expect_promotion(promotion);
  co_return;
}

bool silent(const Error& why) { return why.code == Code::unreachable || why.code == Code::timeout; }

}  // namespace

// The source gives its role up for a promotion that follows. Whoever leads keeps it from being taken back
// meanwhile.
rt::Task<Result<>> Operations::hand_over(EntryRef entry) {
  if (entry->target.end) co_await rt::run_on(entry->target.pool->loop(), announce(*entry->target.end, true));
  Result<Outcome> demoted = co_await simple(entry, End::source, Step::demote);
  if (demoted) co_return Result<>{};
  Result<Outcome> back = co_await simple(entry, End::source, Step::take_back);
  ignore(back, "the source takes its role back at the next contact as well");
  if (entry->target.end) co_await rt::run_on(entry->target.pool->loop(), announce(*entry->target.end, false));
  co_return fail(demoted.error());
}

// `turns`: on the way to being the source. Should it break off, it is failed over; else that is nothing to be noted.
rt::Task<Result<>> Operations::promote_or_undo(EntryRef entry, bool handed_over, bool turns) {
  Order order;
  order.step = Step::promote;
  order.intent = CopyState::failedover;
  order.keeps = turns;
  Result<Outcome> promoted = co_await ask(entry, End::target, std::move(order));
  if (promoted) co_return Result<>{};
  if (handed_over) {
    // Where no answer came, the target may be open: only a contact can tell, and until then nobody writes.
    Step step = silent(promoted.error()) ? Step::unsure : Step::take_back;
    Result<Outcome> back = co_await simple(entry, End::source, step);
    ignore(back, "the source takes its role back at the next contact as well");
  }
  co_return fail(promoted.error());
}

// It is the target's system that leads: the source may be gone.
rt::Task<Result<>> Operations::failover(EntryRef entry, CopyState state, bool silent) {
  if (here(*entry, End::target)) co_return co_await failover_here(entry, state, silent);
  wire::Request request;
  request.mutable_operate()->set_relationship(bytes_of(entry->kept.id));
  request.mutable_operate()->set_operation(static_cast<std::uint32_t>(Operation::failover));
  SystemId peer = entry->kept.peer;
  Result<wire::Reply> reply = co_await peers_.call(peer, std::move(request), lead_most);
  if (!reply) co_return fail(reply.error().in("failover, led by the target's system"));
  co_return Result<>{};
}

rt::Task<Result<>> Operations::failover_here(EntryRef entry, CopyState state, bool known_silent) {
  bool open = state == CopyState::split || state == CopyState::fractured;
  bool stopped = state == CopyState::suspended || state == CopyState::inactive;
  Result<Outcome> reached = fail(Code::unreachable, "it was asked just now");   // asking again would take as long again
  if (!known_silent) reached = co_await simple(entry, End::source, Step::look);
  bool planned = reached.has_value();
  if (!planned && !silent(reached.error()) && reached.error().code != Code::not_found)
    co_return fail(reached.error());
  if (planned && stopped) {  // what was written while nothing flowed comes first
    Result<> flowing = co_await flow_both(entry);
    if (!flowing) co_return flowing;
    Result<> linked = co_await await_link(entry);
    if (!linked) co_return linked;
  }
  if (planned && !open) {
    Result<> handed = co_await hand_over(entry);
    // A source that answers but cannot ship is no better than one that is gone; one that can must.
    bool cut = !handed && silent(handed.error()) && state == CopyState::broken;
    if (!handed && !cut)
      co_return fail(handed.error().in("failover: the source answers, so it must hand over first"));
    planned = handed.has_value();
  }
  std::vector<std::string> ahead;
  if (!planned) ahead = co_await siblings_ahead(entry);
  Result<> promoted = co_await promote_or_undo(entry, planned && !open, false);
  if (!promoted) co_return promoted;
  for (const std::string& text : ahead) roster_.note(entry, "Sibling", text, "failover while the source is out of reach");
  entry->kept.intent = CopyState::failedover;
  if (planned || entry->local(ground_.self.id)) {
    Result<Outcome> told = co_await simple(entry, End::source, Step::rest, CopyState::failedover);
    ignore(told, "it finds out at its next contact");
  }
  co_return co_await roster_.save(entry);
}

// Until the source's connection stands: a resumed flow needs a moment.
rt::Task<Result<>> Operations::await_link(EntryRef entry) {
  Instant end = ground_.control.clock().now() + 2 * ground_.options.reachable_within;
  for (;;) {
    Result<Outcome> look = co_await simple(entry, End::source, Step::look);
    if (!look) co_return fail(look.error());
    if (look->reachable) co_return Result<>{};
    if (ground_.control.clock().now() >= end)
      co_return fail(Code::timeout,
                     "relationship '" + entry->kept.name + "': the source does not reach the target");
    Duration breath = std::chrono::milliseconds(100);
    rt::Stop never;
    bool slept = co_await rt::sleep_for(ground_.control, breath, never);
    ignore(slept, "nobody stops this sleep");
  }
}

// The end that serves becomes the source; the other follows it, and what only that one has is kept.
rt::Task<Result<>> Operations::turn(EntryRef entry, std::string kept_as) {
  bool local = entry->local(ground_.self.id);
  bool serving_here = entry->kept.end == End::target;  // asked before the sides change names
  Result<Outcome> serving = co_await simple(entry, End::target, Step::look);
  if (!serving) co_return fail(serving.error());
  Order first;
  first.step = Step::become_target;
  first.name = kept_as + entry->kept.name;
  first.other = serving->past;
  Result<Outcome> follows = co_await ask(entry, End::source, std::move(first));
  if (!follows) co_return fail(follows.error());
  if (local) co_return Result<>{};  // both ends changed sides in one step
  Order last;
  last.step = Step::become_source;
  Result<Outcome> leads = co_await ask_at(entry, serving_here, End::target, std::move(last));
  if (!leads) co_return fail(leads.error());
  co_return Result<>{};
}

// A change of sides that broke off in the middle: the end that follows has changed, the one that serves has not heard of it.
// False: the other end was asked and says nothing.
rt::Task<Result<bool>> Operations::finish_turn(EntryRef entry) {
  if (entry->local(ground_.self.id) || entry->kept.end != End::target) co_return true;
  Result<Outcome> here = co_await simple(entry, End::target, Step::look);
  if (!here || here->writable) co_return true;
  Order look;
  Result<Outcome> there = co_await ask_at(entry, false, End::target, std::move(look));
  if (!there) co_return !silent(there.error());
  if (!there->writable) co_return true;   // it is a source, as it should be
  Order first;
  first.step = Step::become_target;
  first.name = "before-reverse-" + entry->kept.name;
  first.other = there->past;
  Result<Outcome> follows = co_await ask_at(entry, true, End::source, std::move(first));
  if (!follows) co_return fail(follows.error());
  Order last;
  last.step = Step::become_source;
  Result<Outcome> leads = co_await ask_at(entry, false, End::target, std::move(last));
  if (!leads) co_return fail(leads.error());
  co_return true;
}

// The source is to become a target: not while it is one already.
rt::Task<Result<>> Operations::may_turn(EntryRef entry) {
  Result<Outcome> source = co_await simple(entry, End::source, Step::look);
  if (source && source->follows_another) {
    co_return fail(Code::busy, "relationship '" + entry->kept.name +
                                   "': its source follows another relationship, and a target has one source; reverse or detach that one first. To undo a failover, detach this one and make it again onto the same group: only differences travel");
  }
  co_return Result<>{};
}

rt::Task<Result<>> Operations::reverse(EntryRef entry, CopyState state, Watcher& watcher) {
  Result<> may = co_await may_turn(entry);
  if (!may) co_return may;
  bool open = state == CopyState::failedover || state == CopyState::split || state == CopyState::fractured;
  if (!open) {
    if (state == CopyState::suspended) {
      Result<> flowing = co_await flow_both(entry);
      if (!flowing) co_return flowing;
      Result<> linked = co_await await_link(entry);
      if (!linked) co_return linked;
    }
    Result<> handed = co_await hand_over(entry);
    if (!handed) co_return handed;
    Result<> promoted = co_await promote_or_undo(entry, true, true);
    if (!promoted) co_return promoted;
  }
  Result<> turned = co_await turn(entry);
  if (!turned) co_return turned;
  if (state == CopyState::synchronized) co_return co_await resume(entry, watcher);
  // Both ends served hosts before, and go on doing so.
  if (state == CopyState::split || state == CopyState::fractured) co_return co_await open_target(entry, CopyState::suspended, state, false);
  co_return co_await rest_both(entry, state == CopyState::failedover ? CopyState::suspended : state);
}

// Both directions in turn: the serving end ships until the other is level, then they change places in good
// order.
rt::Task<Result<>> Operations::fail_back(EntryRef entry, Watcher& watcher) {
  Result<> may = co_await may_turn(entry);
  if (!may) co_return may;
  Result<> turned = co_await turn(entry);
  if (!turned) co_return turned;
  Result<> level = co_await resume(entry, watcher);
  if (!level) co_return level;
  co_return co_await reverse(entry, CopyState::synchronized, watcher);
}

// The target's state wins. It serves from the beginning on: should this break off, both know by that which of them leads.
rt::Task<Result<>> Operations::restore(EntryRef entry, CopyState state, Watcher& watcher) {
  if (state == CopyState::suspended) {
    Result<> may = co_await may_turn(entry);
    if (may) may = co_await may_open(entry);
    if (!may) co_return may;
    Result<> opened = co_await open_target(entry, state, CopyState::fractured, false);
    if (!opened) co_return opened;
  }
  co_return co_await fail_back(entry, watcher);
}

}  // namespace lockstep::replica
