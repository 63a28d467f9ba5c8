#include "rest/world.h"

namespace lockstep::rest {

namespace {

// Swordfish's words.
std::string_view consistency_words(replica::ConsistencyStatus status) {
  switch (status) {
    case replica::ConsistencyStatus::completed: return "Consistent";
    case replica::ConsistencyStatus::in_progress: return "InProgress";
    case replica::ConsistencyStatus::disabled: return "Disabled";
    case replica::ConsistencyStatus::error: return "InError";
  }
  return "InError";
}

void add_time(json::object& into, std::string_view key, WallTime time) {
  if (time.us != 0) into[key] = time_text(time);
}

}  // namespace

json::object replica_info(const replica::Report& report, bool local, std::string source_path) {
  const replica::Relationship& r = report.relationship;
  json::object info;
  info["ReplicaRole"] = r.end == replica::End::source ? "Source" : "Target";
  info["ReplicaType"] = replica::name_of(r.sync_type);
  info["ReplicaUpdateMode"] = replica::name_of(r.settings.mode);
  info["ReplicaFaultDomain"] = local ? "Local" : "Remote";
  info["ReplicaState"] = replica::name_of(report.copy_state);
  if (report.requested != replica::CopyState::not_applicable) info["RequestedReplicaState"] = replica::name_of(report.requested);
  if (report.progress != replica::Progress::not_applicable) info["ReplicaProgressStatus"] = replica::name_of(report.progress);
  info["ConsistencyEnabled"] = r.settings.consistency;
  info["ConsistencyType"] = "SequentiallyConsistent";
  if (r.settings.consistency) info["ConsistencyState"] = replica::consistency_state(report) == replica::ConsistencyState::consistent ? "Consistent" : "Inconsistent";
  info["ConsistencyStatus"] = consistency_words(replica::consistency_status(report));
  info["FailedCopyStopsHostIO"] = r.settings.on_link_loss == replica::LinkLoss::stop;
  info["PercentSynced"] = static_cast<std::int64_t>(report.percent_synced);
  info["ReplicaRecoveryMode"] = "Automatic";
  info["SyncMaintained"] = r.sync_type == replica::SyncType::mirror && report.copy_state == replica::CopyState::synchronized;
  add_time(info, "WhenActivated", r.when_activated);
  add_time(info, "WhenEstablished", r.when_established);
  add_time(info, "WhenSuspended", r.when_suspended);
  add_time(info, "WhenSynchronized", r.when_synchronized);
  add_time(info, "WhenSynced", replica::is_point(r.sync_type) ? r.when_activated : r.when_synchronized);
  if (!source_path.empty()) {
    if (local) info["SourceReplica"] = link(std::move(source_path));
    else info["RemoteSourceReplica"] = std::move(source_path);
  }
  return info;
}

json::object replica_actions(std::string_view type, const std::string& path) {
  json::object actions;
  for (std::string_view name : {"CreateReplicaTarget", "AssignReplicaTarget", "SplitReplication", "SuspendReplication", "ResumeReplication", "ReverseReplicationRelationship", "RemoveReplicaRelationship"}) {
    std::string full = std::string(type) + "." + std::string(name);
    json::object action;
    action["target"] = path + "/Actions/" + full;
    if (name == "CreateReplicaTarget" || name == "AssignReplicaTarget") {
      action["ReplicaType@Redfish.AllowableValues"] = json::array{"Mirror", "Snapshot", "Clone", "TokenizedClone"};
      action["ReplicaUpdateMode@Redfish.AllowableValues"] = json::array{"Synchronous", "Asynchronous", "Adaptive"};
    }
    actions["#" + full] = std::move(action);
  }
  return actions;
}

}  // namespace lockstep::rest
