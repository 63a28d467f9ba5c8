// Replay: a point of a group's history made into a group of its own: clones of the snapshot before it, then the records between.
// While it runs, the new group is one that follows nobody known, so that hosts can neither write to it nor have it opened.
// On the pool's loop.
#pragma once

#include <string>
#include <vector>

#include "replica/rewind/cut.h"

namespace lockstep::replica {

// What a group that is still being replayed follows. One that is found at start was interrupted.
[[nodiscard]] RelationshipId replaying_id();

class Replay {
 public:
  Replay(pool::Pool& pool, GroupId group, Cut cut, std::string name, Bytes piece);

  rt::Task<Result<>> begin();
  // Writes on, for a while. False: everything is written.
  rt::Task<Result<bool>> step();
  // Opens it to hosts.
  rt::Task<Result<Rewound>> finish();
  // Nothing of it is left, or as little as those who have it open allow.
  rt::Task<void> undo();

  [[nodiscard]] Bytes done() const { return done_; }
  [[nodiscard]] Bytes total() const { return cut_.bytes; }
  [[nodiscard]] GroupId made() const { return made_; }

 private:
  rt::Task<Result<>> write(pool::Stream stream);

  pool::Pool& pool_;
  const GroupId group_;
  const Cut cut_;
  const std::string name_;
  const Bytes piece_;
  std::vector<std::string> names_;
  std::vector<VolumeId> members_;   // in the order of the snapshot's
  GroupId made_;
  Lsn at_;
  Lsn written_;                     // in the pool's journal
  Bytes done_;
};

// The volumes that would be made.
[[nodiscard]] std::vector<std::string> replay_names(pool::Pool& pool, const store::SnapshotRow& base, const std::string& name);

}  // namespace lockstep::replica
