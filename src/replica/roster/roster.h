// Roster: the relationships of this system: what is kept of each, its ends that are open here, and what was
// last heard of them. Promises: one report per relationship; a change of state is told once. Lives on: the
// control loop; ends live on their pools' loops.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/base.h"
#include "pool/pool.h"
#include "replica/ends/gate.h"
#include "replica/ends/reporter.h"
#include "replica/ends/status.h"
#include "replica/ground.h"
#include "replica/group/near.h"
#include "replica/model/step.h"
#include "replica/source/source.h"
#include "replica/target/target.h"
#include "rt/rt.h"

namespace lockstep::replica {

// An end that is open here.
template <class T>
struct Seat {
  pool::Pool* pool = nullptr;
  std::unique_ptr<Reporter> reporter;
  std::unique_ptr<T> end;
  Status status;  // as last heard
};

// What ends that are gone had sent and received: a relationship that changes sides goes on counting.
struct Carried {
  Bytes sent{0}, received{0};
};

// Both ends of a point in time in one pool: no traffic, so no ends that live.
struct NearSeat {
  pool::Pool* pool = nullptr;
  NearEnds ends;
  NearState state;  // as last looked at
};

struct Entry {
  Relationship kept;
  Relationship far;   // of a local relationship: the target end, as it would be kept on a system of its own
  Seat<Source> source;
  Seat<Target> target;
  std::optional<NearSeat> near;
  Carried carried;
  std::optional<Error> trouble;  // an end that should be open here is not
  bool busy = false;             // an operation runs
  Operation operation = Operation::activate;
  CopyState requested = CopyState::not_applicable;
  std::shared_ptr<rt::Stop> flow;  // asks the connector to end; none when nothing flows
  bool flowing = false;            // the connector runs
  std::shared_ptr<const VerifyReport> verified;  // shared with reports
  Report told;                     // what observers heard last
  bool late = false;               // they heard that the lag is over its objective
  Instant within_since;            // though it is not any more
  std::optional<Instant> uncalled_since;  // a target whose source has not called since it was opened
  bool gone = false;
  bool awaiting = false;   // the operation that runs waits for its point to be complete
  bool settling = false;   // its point is complete: what follows from that is under way
  std::vector<Step> steps; // of operations, that are at work on its ends: these stay open until they are done

  [[nodiscard]] bool local(SystemId self) const { return kept.peer == self; }
};

// Shared with whoever waits on it: an operation may outlive its relationship.
using EntryRef = std::shared_ptr<Entry>;

class Roster {
 public:
  Roster(const Ground& ground, Pools& pools, Registry& registry, Observer& observer);
  ~Roster();

  rt::Task<Result<>> load();
  [[nodiscard]] EntryRef find(RelationshipId id) const;
  [[nodiscard]] EntryRef find(std::string_view name) const;
  [[nodiscard]] const std::map<RelationshipId, EntryRef>& all() const { return entries_; }
  [[nodiscard]] bool name_taken(std::string_view name) const { return find(name) != nullptr; }

  rt::Task<Result<EntryRef>> add(Relationship relationship);  // saved first
  rt::Task<Result<>> save(EntryRef entry);
  rt::Task<Result<>> forget(EntryRef entry);  // both ends closed by the caller

  // Opens what this system holds of the relationship and whose pool is there; closes it again.
  rt::Task<void> open_ends(EntryRef entry, bool hold);
  rt::Task<void> close_ends(EntryRef entry, bool forget_claims);
  rt::Task<void> open_target(EntryRef entry);
  rt::Task<void> close_target(EntryRef entry);
  rt::Task<void> close_source(EntryRef entry, bool forget_claims);
  [[nodiscard]] bool uses(const Entry& entry, PoolId pool) const;
  [[nodiscard]] pool::Pool* pool_of(const Entry& entry) const { return pools_.find(entry.kept.pool); }  // of the end that is kept
  Gates& gates_of(pool::Pool& pool);  // to be used on its loop
  void pool_gone(PoolId pool);  // its ends are closed

  [[nodiscard]] Report report_of(const Entry& entry) const;
  [[nodiscard]] std::vector<Report> reports() const;
  rt::Task<void> refresh(EntryRef entry);  // asks the loops now
  void tell(EntryRef entry);               // compares with what was told last
  void note(const EntryRef& entry, std::string what, std::string text, std::string cause);  // told as it is
  // No step of an operation begins from here on.
  void end_steps() { ending_ = true; }
  [[nodiscard]] bool ending() const { return ending_; }
  rt::Task<void> stop() { co_await scope_.stop_and_join(); }
  [[nodiscard]] rt::Signal& moved() { return moved_; }  // some report changed

  // Where the target end of a local relationship lies: the group that follows it.
  struct Place {
    pool::Pool* pool = nullptr;
    GroupId group;
  };
  rt::Task<std::optional<Place>> local_target(RelationshipId id);

  // Called when a source says that its point is complete at the target.
  using Reached = std::function<void(EntryRef)>;
  void on_reached(Reached call) { reached_ = std::move(call); }

 private:
  rt::Task<void> open_source(EntryRef entry, bool hold);
  rt::Task<void> open_near(EntryRef entry, pool::Pool& pool);
  [[nodiscard]] CopyState state_of(const Entry& entry, const Status& status) const;
  rt::Task<void> keep(EntryRef entry);
  void learn_siblings(const EntryRef& entry);
  [[nodiscard]] bool still_late(Entry& entry) const;
  [[nodiscard]] bool still_expected(Entry& entry) const;
  Reporter::Deliver deliver_to(EntryRef entry, bool source);

  const Ground& ground_;
  Pools& pools_;
  Registry& registry_;
  Observer& observer_;
  std::map<RelationshipId, EntryRef> entries_;
  std::map<PoolId, std::unique_ptr<Gates>> gates_;
  rt::Signal moved_;
  rt::Scope scope_;
  Reached reached_;
  bool ending_ = false;
  std::shared_ptr<bool> alive_;  // false for callbacks that come after us
};

}  // namespace lockstep::replica
