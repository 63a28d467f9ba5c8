// What replicas of a group get when the call does not say: MSFT_SMReplicationSettings of the group. Private to manage.
// Promises: what was set is there after a restart, and goes with its group.
#pragma once

#include <map>
#include <set>

#include "manage/book.h"
#include "manage/manage.h"

namespace lockstep::manage {

class KeptDefaults {
 public:
  explicit KeptDefaults(Book& book) : book_(book) {}

  rt::Task<Result<>> load();
  rt::Task<Result<>> set(GroupId group, ReplicaDefaults defaults);
  // The groups that there are, wherever they lie: what is kept of others goes.
  rt::Task<Result<>> keep_only(std::set<GroupId> groups);
  [[nodiscard]] ReplicaDefaults of(GroupId group) const;

 private:
  Book& book_;
  std::map<GroupId, ReplicaDefaults> kept_;
};

// Into what the request leaves out.
void fill_in(CreateReplica& request, const ReplicaDefaults& defaults);

}  // namespace lockstep::manage
