// Facts: the system as it was at one moment, with what is needed to find one thing from another. Private to cim.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "cim/model/discoveries.h"
#include "cim/provider.h"
#include "manage/manage.h"

namespace lockstep::cim::model {

struct Facts {
  ProviderOptions options;
  SystemId self;
  std::string name;                          // of this system
  WallTime now;
  std::vector<manage::PoolInfo> pools;
  std::vector<manage::VolumeInfo> volumes;
  std::vector<manage::GroupInfo> groups;
  std::vector<replica::Report> reports;      // of a local relationship, both ends may be there
  std::vector<replica::PeerReport> peers;
  std::vector<manage::Job> jobs;
  std::map<GroupId, manage::ReplicaDefaults> defaults;
  std::vector<Discovery> discoveries;

  // Into the above.
  std::map<VolumeUuid, std::size_t> volume_by_uuid;
  std::map<PoolId, std::size_t> pool_by_id;
  std::map<std::pair<PoolId, GroupId>, std::size_t> group_by_id;
  std::map<std::pair<PoolId, VolumeId>, std::size_t> volume_by_id;
  // What a volume or group is in relationships: indexes of reports that have it at this end.
  std::map<VolumeUuid, std::vector<std::size_t>> reports_of_volume;
  std::map<std::pair<PoolId, GroupId>, std::vector<std::size_t>> reports_of_group;

  [[nodiscard]] const manage::VolumeInfo* volume(VolumeUuid uuid) const;
  [[nodiscard]] const manage::PoolInfo* pool(PoolId id) const;
  [[nodiscard]] const manage::GroupInfo* group(PoolId pool, GroupId id) const;
  [[nodiscard]] const manage::GroupInfo* group(std::string_view pool, std::string_view name) const;
  [[nodiscard]] bool is_local(const replica::Report& report) const { return report.relationship.peer == self; }
  [[nodiscard]] std::string system_name(SystemId id) const;   // its id where it is not known
};

rt::Task<Facts> gather(manage::System& system, ProviderOptions options, const Discoveries& discoveries);

// A pool that is not open has no id that is known.
[[nodiscard]] std::string pool_object_id(const manage::PoolInfo& pool);
[[nodiscard]] bool is_open(const manage::PoolInfo& pool);

}  // namespace lockstep::cim::model
