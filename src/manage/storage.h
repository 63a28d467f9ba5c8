// Volumes, groups and snapshots: what an administrator does to a pool. Private to manage.
#pragma once

#include <string>
#include <vector>

#include "manage/events.h"
#include "manage/locate.h"

namespace lockstep::manage {

class Storage {
 public:
  // `hooks` may change its content later.
  Storage(rt::Loop& loop, PoolSet& pools, Events& events, const System::Hooks& hooks) : loop_(loop), pools_(pools), events_(events), hooks_(hooks) {}
  void set_engine(replica::Engine& engine) { engine_ = &engine; }

  rt::Task<Answer<>> create_volume(std::string volume, Bytes size);
  rt::Task<Answer<>> resize_volume(std::string volume, Bytes size);
  rt::Task<Answer<>> set_read_only(std::string volume, bool read_only);
  rt::Task<Answer<>> rename_volume(std::string volume, std::string name);
  rt::Task<Answer<>> delete_volume(std::string volume);
  rt::Task<std::vector<VolumeInfo>> volumes();

  rt::Task<Answer<>> create_group(std::string name, std::vector<std::string> volumes);
  rt::Task<Answer<>> rename_group(std::string group, std::string name);
  enum class Change { set, add, remove };
  rt::Task<Answer<>> change_members(std::string group, std::vector<std::string> volumes, Change change);
  rt::Task<Answer<>> delete_group(std::string group);
  rt::Task<std::vector<GroupInfo>> groups();

  rt::Task<Answer<SnapshotId>> create_snapshot(std::string group, std::string name);
  rt::Task<Answer<>> delete_snapshot(std::string group, std::string name);
  rt::Task<std::vector<SnapshotInfo>> snapshots();
  rt::Task<Answer<std::vector<std::string>>> clone_snapshot(std::string group, std::string snapshot, std::string prefix);
  rt::Task<Answer<std::string>> revert_group(std::string group, std::string snapshot, std::string keep_as);

 private:
  // Names of relationships that have the group at one end, here.
  [[nodiscard]] std::vector<replica::Relationship> relationships_of(PoolId pool, const store::GroupRow& group) const;
  [[nodiscard]] bool within_pool(const replica::Relationship& relationship) const;
  // Refused while a relationship lasts that follows the volumes (everything but a finished point in time).
  [[nodiscard]] Answer<> refuse_if_replicated(PoolId pool, const store::GroupRow& group, std::string_view what) const;
  rt::Task<Answer<>> refuse_if_volume_replicated(const VolumeAt* at, std::string_view what);
  [[nodiscard]] std::size_t sessions_of(VolumeUuid volume) const;
  void tell(std::string kind, std::string object_type, std::string object, std::string before = {}, std::string after = {});

  rt::Loop& loop_;
  PoolSet& pools_;
  Events& events_;
  const System::Hooks& hooks_;
  replica::Engine* engine_ = nullptr;
};

// A name from the time, for what nobody named: "20260131-120000".
[[nodiscard]] std::string time_name(WallTime time);

}  // namespace lockstep::manage
