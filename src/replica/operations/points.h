// Points: what an administrator may ask of a snapshot or a clone, and what follows when one is complete.
// Promises: complete is reported only when the target serves hosts with all of the point; what was written to a target
// is kept before it is overwritten, but where it is deleted by name. Lives on: the control loop.
#pragma once

#include "base/base.h"
#include "replica/operations/operations.h"

namespace lockstep::replica {

class Points {
 public:
  Points(const Ground& ground, Roster& roster, Flows& flows, Operations& operations)
      : ground_(ground), roster_(roster), flows_(flows), operations_(operations) {}

  // Legal by the table, one at a time: that was seen to before.
  rt::Task<Result<>> run(EntryRef entry, Operation operation, CopyState state, Cell cell, Watcher& watcher);

  // The target holds all of the point: a snapshot is opened to hosts, a clone is let go. Tried again until it is so.
  rt::Task<void> settle(EntryRef entry);
  [[nodiscard]] static bool to_be_settled(const Entry& entry);

 private:
  // In one pool: points_near.cc
  rt::Task<Result<>> run_near(EntryRef entry, Operation operation, CopyState to);
  rt::Task<Result<>> change_near(EntryRef entry, Operation operation);
  rt::Task<Result<>> end_near(EntryRef entry, bool with_target);

  rt::Task<Result<>> run_far(EntryRef entry, Operation operation, CopyState state, CopyState to, Watcher& watcher);
  rt::Task<Result<>> take_and_copy(EntryRef entry, bool again, Watcher& watcher);
  rt::Task<Result<>> copy(EntryRef entry, Watcher& watcher);
  rt::Task<Result<>> stop_at(EntryRef entry, CopyState intent);
  rt::Task<Result<>> open_target(EntryRef entry);
  rt::Task<Result<>> restore(EntryRef entry, Watcher& watcher);
  rt::Task<Result<>> return_target(EntryRef entry);
  rt::Task<Result<>> let_go(EntryRef entry);

  const Ground& ground_;
  Roster& roster_;
  Flows& flows_;
  Operations& operations_;
};

}  // namespace lockstep::replica
