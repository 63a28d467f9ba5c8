// Operations: what an administrator may ask of a relationship, as steps of both ends in an order that
// survives every crash between them. Promises: legal by the table of states.h or refused; one at a time per
// relationship; done when the end state is true. Lives on: the control loop.
#pragma once

#include <string>
#include <vector>

#include "base/base.h"
#include "replica/operations/steps.h"
#include "replica/peers/peers.h"

namespace lockstep::replica {

class Points;

class Operations {
 public:
  Operations(const Ground& ground, Roster& roster, Flows& flows, Steps& steps, Peers& peers)
      : ground_(ground), roster_(roster), flows_(flows), steps_(steps), peers_(peers) {}
  void set_points(Points& points) { points_ = &points; }

  rt::Task<Result<>> operate(EntryRef entry, Operation operation, Watcher& watcher);
  // Of some pairs, named by their volumes here (pairs.cc). What RemoveSyncPair has left is to be related anew by the caller.
  struct Parted {
    std::string group, target_group;   // in the relationship's pools
  };
  rt::Task<Result<std::vector<Parted>>> operate_pairs(EntryRef entry, Operation operation, std::vector<VolumeUuid> volumes, Watcher& watcher);
  rt::Task<Result<Forecast>> forecast(EntryRef entry, Operation operation);
  rt::Task<Result<>> set(EntryRef entry, Settings settings);
  rt::Task<Result<>> await_state(EntryRef entry, std::vector<CopyState> states, Watcher& watcher);

  // One end's step, wherever that end is.
  rt::Task<Result<Outcome>> ask(EntryRef entry, End end, Order order);
  rt::Task<Result<Outcome>> simple(EntryRef entry, End end, Step step,
                                   CopyState intent = CopyState::synchronized);
  rt::Task<Result<>> rest_both(EntryRef entry, CopyState intent);
  rt::Task<Result<>> flow_both(EntryRef entry);
  rt::Task<Result<>> resume(EntryRef entry, Watcher& watcher);
  rt::Task<Result<>> detach(EntryRef entry);
  // A target that serves hosts stops doing so; what was written to it is kept as a snapshot there, named after `what`.
  rt::Task<Result<>> close_target(EntryRef entry, std::string what);
  // The end that serves becomes the source; the other follows it, and what only that one has is kept.
  rt::Task<Result<>> turn(EntryRef entry, std::string kept_as = "before-reverse-");

 private:
  rt::Task<Result<>> run(EntryRef entry, Operation operation, CopyState state, Cell cell, Watcher& watcher);

  // What would travel until both ends are what `winner` is, from what they said of themselves.
  struct Counted {
    bool reached = false;               // both
    bool winner_knows = false;          // what it changed itself
    std::optional<Bytes> travel;        // none: not known
    std::optional<Bytes> at_most;       // then
    std::optional<Bytes> overwritten;   // what only the other end changed
  };
  rt::Task<Counted> count(EntryRef entry, End winner, Result<Outcome> here, Result<Outcome> there);
  rt::Task<Result<>> resync(EntryRef entry, Watcher& watcher);
  rt::Task<Result<>> open_target(EntryRef entry, CopyState before, CopyState intent, bool drain);
  rt::Task<Result<>> failover(EntryRef entry, CopyState state, bool silent);
  rt::Task<Result<>> failover_here(EntryRef entry, CopyState state, bool known_silent);
  rt::Task<Result<>> reverse(EntryRef entry, CopyState state, Watcher& watcher);
  rt::Task<Result<>> may_turn(EntryRef entry);
  rt::Task<Result<>> may_open(EntryRef entry);
  rt::Task<std::vector<std::string>> siblings_ahead(EntryRef entry);
  rt::Task<Result<>> await_link(EntryRef entry);
  rt::Task<Result<bool>> finish_turn(EntryRef entry);
  rt::Task<Result<>> fail_back(EntryRef entry, Watcher& watcher);
  rt::Task<Result<>> restore(EntryRef entry, CopyState state, Watcher& watcher);
  rt::Task<Result<std::vector<Parted>>> part(EntryRef entry, Order::Pairs pairs, bool keeps);
  rt::Task<Result<>> bring_in(EntryRef entry, CopyState state, std::vector<VolumeUuid> volumes, Watcher& watcher);
  rt::Task<Result<>> bring_in(EntryRef entry, EntryRef other, bool flows);
  rt::Task<Result<>> reset_mode(EntryRef entry, Mode mode);

  rt::Task<Result<>> hand_over(EntryRef entry);
  rt::Task<Result<>> promote_or_undo(EntryRef entry, bool handed_over, bool turns);
  rt::Task<Result<Outcome>> ask_at(EntryRef entry, bool here, End end, Order order);
  [[nodiscard]] bool here(const Entry& entry, End end) const;

  const Ground& ground_;
  Roster& roster_;
  Flows& flows_;
  Steps& steps_;
  Peers& peers_;
  Points* points_ = nullptr;
};

// What a request for a step says, both ways.
void put(const Order& from, wire::Act& into);
[[nodiscard]] Result<Order> order_from(const wire::Act& from);
void put(const Outcome& from, wire::ActReply& into);
[[nodiscard]] Result<Outcome> outcome_from(const wire::ActReply& from);

}  // namespace lockstep::replica
