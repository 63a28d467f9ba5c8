// Windows: the groups of one pool that keep their history. For each a claim on the journal (a row of the pool) and snapshots along it; the
// claim always begins at the oldest of them. Too old, or more than its budget: the oldest goes, and the claim moves on to the next.
// On the pool's loop.
#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>

#include "replica/rewind/cut.h"
#include "replica/rewind/replay.h"
#include "rt/rt.h"

namespace lockstep::replica {

class Windows final : public pool::Spares {
 public:
  Windows(pool::Pool& pool, const RewindOptions& options);
  ~Windows() override;

  void start();
  rt::Task<void> stop();   // every replay has ended

  rt::Task<Result<>> set(GroupId group, RewindWindow window);
  rt::Task<Result<RecoveryPoints>> points(GroupId group);
  rt::Task<Result<RewindForecast>> forecast(GroupId group, RewindTo to, std::string name);

  // A replay, by number. After begin() has succeeded, end() follows.
  struct Progress {
    std::uint64_t number = 0;
    Bytes done, total;
    bool more = false;
  };
  rt::Task<Result<Progress>> begin(GroupId group, RewindTo to, std::string name);
  rt::Task<Result<Progress>> step(std::uint64_t number);
  // `keep`: it is opened to hosts; else nothing of it is left.
  rt::Task<Result<Rewound>> end(std::uint64_t number, bool keep);

  rt::Task<Result<bool>> give_up_some() override;

 private:
  struct State {
    bool torn = false;       // inside a resync when last looked at
    bool fresh = true;       // not looked at since open: what a target went through before, nobody here knows
    Instant rest_until;      // gave up everything: takes nothing before this
  };
  struct Running {
    std::unique_ptr<Replay> replay;
    Lsn pin;
    GroupId group;
  };

  rt::Task<void> run();
  rt::Task<void> look();
  rt::Task<Result<>> look_after(GroupId group);
  rt::Task<Result<>> take(GroupId group);
  rt::Task<Result<>> drop_oldest(GroupId group);   // of at least one
  rt::Task<void> drop_orphans();
  rt::Task<void> drop_interrupted();
  [[nodiscard]] bool wants_snapshot(const store::GroupRow& group, const store::FollowerRow& claim, const std::vector<store::SnapshotRow>& kept) const;
  [[nodiscard]] Bytes budget_of(const store::FollowerRow& claim) const;
  [[nodiscard]] bool is_pinned(GroupId group, Lsn next) const;   // a replay needs what lies before `next`

  pool::Pool& pool_;
  const RewindOptions options_;
  std::map<GroupId, State> states_;
  std::map<std::uint64_t, Running> running_;
  std::uint64_t last_number_ = 0;
  rt::Budget turn_;   // one at a time changes what is kept
  rt::Scope scope_;
};

}  // namespace lockstep::replica
