// What replicas of a group get when the call does not say: MSFT_SMReplicationSettings of the group. Private to manage.
// Promises: what was set is there after a restart. A group that was deleted leaves its line; ids are never used again.
#pragma once

#include <map>

#include "manage/book.h"
#include "manage/manage.h"

namespace lockstep::manage {

class KeptDefaults {
 public:
  explicit KeptDefaults(Book& book) : book_(book) {}

  rt::Task<Result<>> load();
  rt::Task<Result<>> set(GroupId group, ReplicaDefaults defaults);
  [[nodiscard]] ReplicaDefaults of(GroupId group) const;

 private:
  Book& book_;
  std::map<GroupId, ReplicaDefaults> kept_;
};

// Into what the request leaves out.
void fill_in(CreateReplica& request, const ReplicaDefaults& defaults);

}  // namespace lockstep::manage
