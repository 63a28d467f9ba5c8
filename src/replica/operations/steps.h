// Steps: what one end does when an operation needs it to; the same whether asked from here or by the other
// system. Promises: each step is durable before it returns, and harmless when repeated. Lives on: the control
// loop; role changes run on the pool's loop.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/base.h"
#include "replica/ground.h"
#include "replica/model/history.h"
#include "replica/model/step.h"
#include "replica/roster/flows.h"
#include "replica/roster/roster.h"
#include "rt/rt.h"

namespace lockstep::replica {

struct Order {
  Step step = Step::look;
  CopyState intent = CopyState::synchronized;
  std::optional<Settings> settings;
  std::string name;
  std::optional<Past> other;  // the history that wins
  bool by_peer = false;       // asked by the other system
  bool measure = false;       // look: count the changed blocks, though it costs a walk through the journal
  bool measure_all = false;   // look: count what there is, though it costs a walk through the map
  using Pairs = std::vector<std::pair<VolumeUuid, VolumeUuid>>;
  Pairs pairs;                // source's, target's
  RelationshipId with;
  bool keeps = false;         // leave, promote: see step.h
};

struct Outcome {
  Past past;  // of the group, afterwards
  CopyState copy_state = CopyState::not_applicable;
  bool reachable = false;      // the data connection stands
  bool writable = false;       // the group takes writes of hosts now
  bool follows_another = false;  // the group is the target of another relationship
  bool was_synchronized = false;
  Duration lag{0};
  Bytes to_send{0};  // source: what the target lacks, when it is known without asking it
  std::optional<Bytes> changed = Bytes{0};  // blocks that only this end changed. None: not known any more
  std::optional<Bytes> allocated;           // what the group holds, where that was asked for
  std::vector<std::string> groups;  // leave, with `keeps`: of each pair, in order
};

class Steps {
 public:
  Steps(const Ground& ground, Roster& roster, Flows& flows)
      : ground_(ground), roster_(roster), flows_(flows) {}

  rt::Task<Result<Outcome>> carry_out(EntryRef entry, End end, Order order);
  // Its group here is an end of no other relationship but `but`: its members may change.
  [[nodiscard]] Result<> stands_alone(const Entry& entry, End end, RelationshipId but) const;

  static constexpr Duration drain_most = std::chrono::minutes(10);

 private:
  rt::Task<bool> take_turn(EntryRef entry, Step step);
  rt::Task<Result<Outcome>> take(EntryRef entry, End end, Order order);
  rt::Task<Result<Outcome>> at_source(EntryRef entry, Order order);
  rt::Task<Result<Outcome>> at_target(EntryRef entry, Order order);
  rt::Task<void> look_around(pool::Pool& pool, GroupId group, RelationshipId relationship, const Order& order, Outcome& out);
  rt::Task<Result<>> rest(EntryRef entry, End end, CopyState intent);
  rt::Task<Result<>> go_on(EntryRef entry, End end);
  rt::Task<Result<>> configure(EntryRef entry, Settings settings);
  rt::Task<Result<>> forget(EntryRef entry, End end);
  rt::Task<Result<>> new_point(EntryRef entry);
  rt::Task<Result<>> discard(EntryRef entry);
  rt::Task<Result<>> become_source(EntryRef entry);
  rt::Task<Result<>> become_target(EntryRef entry, Order order);
  rt::Task<Result<>> follow_again(EntryRef entry, Order order);
  rt::Task<Result<>> swap_local(EntryRef entry, Order order);

  // steps_pairs.cc
  rt::Task<Result<Outcome>> leave(EntryRef entry, End end, Order order);
  rt::Task<Result<Outcome>> admit(EntryRef entry, Order order);
  rt::Task<Result<>> move_in(EntryRef entry, EntryRef other, std::vector<VolumeUuid> volumes);
  rt::Task<Result<Outcome>> join(EntryRef entry, Order order);
  rt::Task<Result<>> end_emptied(EntryRef other);
  rt::Task<Result<>> check_admission(EntryRef entry, EntryRef other, std::size_t pairs);
  rt::Task<Result<>> undo_admission(EntryRef entry, EntryRef other, std::vector<VolumeUuid> volumes);
  [[nodiscard]] EntryRef target_of(const std::vector<VolumeUuid>& volumes, const EntryRef& but) const;

  const Ground& ground_;
  Roster& roster_;
  Flows& flows_;
};

}  // namespace lockstep::replica
