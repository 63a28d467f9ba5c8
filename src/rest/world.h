// World: what volumes and groups show of relationships needs all three; read together, once a request. Private to rest.
#pragma once

#include <string>
#include <vector>

#include "rest/call.h"

namespace lockstep::rest {

struct World {
  std::vector<manage::VolumeInfo> volumes;
  std::vector<manage::GroupInfo> groups;
  std::vector<replica::Report> reports;
  SystemId self;

  [[nodiscard]] const manage::VolumeInfo* volume(const std::string& name) const;   // POOL/NAME, NAME of one only, or uuid
  [[nodiscard]] const manage::VolumeInfo* volume(VolumeUuid uuid) const;
  [[nodiscard]] const manage::GroupInfo* group(const std::string& name) const;
  [[nodiscard]] const manage::GroupInfo* group(PoolId pool, GroupId id) const;
};
rt::Task<World> read_world(Call& call);

[[nodiscard]] json::object volume_body(const Call& call, const World& world, const manage::VolumeInfo& info);
[[nodiscard]] json::object group_body(const Call& call, const World& world, const manage::GroupInfo& info);

// Swordfish's ReplicaInfo of the object at `report`'s end; `source`: path or address of the other end, if known.
[[nodiscard]] json::object replica_info(const replica::Report& report, bool local, std::string source_path);

// The seven actions of Swordfish on a volume or group, with what their parameters may be.
[[nodiscard]] json::object replica_actions(std::string_view type, const std::string& path);

// How a volume or group on another system is written: an absolute address below its name.
[[nodiscard]] std::string far_path(const Call& call, SystemId system, std::string below);

}  // namespace lockstep::rest
