// Replicas: what the three methods that make one have in common. Private to cim.
#pragma once

#include "cim/methods/resolve.h"

namespace lockstep::cim::model {

// SyncType, Mode, RecoveryPointObjective, the embedded ReplicationSettings named so, TargetStorageSystem and TargetStoragePool.
[[nodiscard]] Answer<manage::CreateReplica> replica_request(const Invocation& call, std::string_view settings_parameter);
[[nodiscard]] Answer<manage::ReplicaDefaults> settings_in(const Invocation& call, std::string_view parameter, manage::ReplicaDefaults otherwise);
// TargetGroupObject or TargetGroup.
[[nodiscard]] Answer<> set_target_group(const Invocation& call, const ObjectPath& path, std::string_view parameter, manage::CreateReplica& request);

// What the call made, as far as it exists already.
struct Made {
  Done done;                                     // 0 or 4096 with Job; a refusal
  std::optional<replica::Report> report;         // its source's
};
rt::Task<Made> make_replica(Invocation& call, manage::CreateReplica request);

// The operation on a relationship; 0 or 4096 with Job.
rt::Task<Done> operate(Invocation& call, RelationshipId relationship, std::uint16_t operation);

// On some of its pairs, named by their volumes at this end.
rt::Task<Done> operate_pairs(Invocation& call, RelationshipId relationship, std::uint16_t operation, std::vector<std::string> volumes);

[[nodiscard]] Value peer_reference(std::string id);
[[nodiscard]] std::optional<replica::Report> report_named(manage::System& system, const std::string& name);

}  // namespace lockstep::cim::model
