// How objects stand to their replicas: group to far group, volume to far volume, and, where both are here, volume to volume.
#include <algorithm>
#include <chrono>

#include "cim/instances/families.h"
#include "cim/model/ids.h"

namespace lockstep::cim::model {

namespace {

using replica::CopyState;
using replica::Mode;
using replica::Progress;
using replica::SyncType;

std::string words(std::string_view name) { return std::string(name); }

// The older number for mode and type together: Async, Sync, UnSyncAssoc.
struct Legacy {
  std::uint64_t value;
  const char* name;
};
Legacy copy_type(const replica::Relationship& r) {
  if (r.sync_type != SyncType::mirror) return r.sync_type == SyncType::snapshot ? Legacy{4, "UnSyncAssoc"} : Legacy{5, "UnSyncUnAssoc"};
  return r.settings.mode == Mode::synchronous ? Legacy{3, "Sync"} : Legacy{2, "Async"};
}

Legacy sync_state(const replica::Report& report) {
  switch (report.copy_state) {
    case CopyState::initialized: return {2, "Initialized"};
    case CopyState::unsynchronized:
      if (report.progress == Progress::preparing) return {3, "PrepareInProgress"};
      if (report.progress == Progress::resyncing) return {5, "ResyncInProgress"};
      if (report.progress == Progress::restoring) return {10, "Restore In Progresss"};
      return {15, "Copy In Progress"};
    case CopyState::synchronized:
      if (report.relationship.sync_type == SyncType::mirror) return {6, "Synchronized"};
      return report.relationship.sync_type == SyncType::snapshot ? Legacy{11, "Idle"} : Legacy{14, "Frozen"};
    case CopyState::fractured:
    case CopyState::split: return {13, "Fractured"};
    case CopyState::inactive: return {11, "Idle"};
    case CopyState::suspended: return {9, "Quiesced"};
    case CopyState::prepared: return {4, "Prepared"};
    case CopyState::skewed:
      return report.relationship.sync_type == SyncType::mirror ? Legacy{6, "Synchronized"} : Legacy{13, "Fractured"};
    default: return {12, "Broken"};
  }
}

WallTime when_synced(const Facts& facts, const replica::Report& report) {
  const replica::Relationship& r = report.relationship;
  if (r.sync_type != SyncType::mirror) return r.when_activated.us != 0 ? r.when_activated : r.when_synchronized;
  if (report.copy_state != CopyState::synchronized || !report.reachable) return r.when_synchronized;
  return WallTime{facts.now.us - std::chrono::duration_cast<std::chrono::microseconds>(report.lag).count()};
}

void set_common(Builder& b, const Facts& facts, const replica::Report& report) {
  const replica::Relationship& r = report.relationship;
  Legacy legacy = copy_type(r);
  b.set("WhenSynced", time(when_synced(facts, report)));
  b.set("SyncMaintained", flag(r.sync_type == SyncType::mirror && report.copy_state == CopyState::synchronized));
  b.set("CopyState", number(static_cast<std::uint16_t>(report.copy_state)));
  b.set("CopyStateDescription", text(words(name_of(report.copy_state)) + (report.cause.empty() ? "" : ": " + report.cause)));
  b.set("RequestedCopyState", number(static_cast<std::uint16_t>(report.requested)));
  b.set("SyncType", number(static_cast<std::uint16_t>(r.sync_type))).set("SyncTypeDescription", text(words(name_of(r.sync_type))));
  b.set("Mode", number(static_cast<std::uint16_t>(r.settings.mode))).set("ModeDescription", text(words(name_of(r.settings.mode))));
  b.set("ProgressStatus", number(static_cast<std::uint16_t>(report.progress))).set("ProgressStatusDescription", text(words(name_of(report.progress))));
  b.set("PercentSynced", number(static_cast<std::uint64_t>(std::clamp(report.percent_synced, 0.0, 100.0))));
  b.set("WhenEstablished", time(r.when_established)).set("WhenSynchronized", time(r.when_synchronized));
  b.set("WhenActivated", time(r.when_activated)).set("WhenSuspended", time(r.when_suspended));
  b.set("CopyType", number(legacy.value)).set("CopyTypeDescription", text(legacy.name));
}

void fill_group(Builder& b, const Facts& facts, std::size_t index) {
  enum : std::uint64_t { sequentially = 2 };
  const replica::Report& report = facts.reports[index];
  set_common(b, facts, report);
  b.set("RelationshipName", text(report.relationship.name)).set("ConsistencyEnabled", flag(report.relationship.settings.consistency));
  b.set("ConsistencyType", number(sequentially));
  b.set("ConsistencyState", number(static_cast<std::uint16_t>(replica::consistency_state(report))));
  b.set("ConsistencyStatus", number(static_cast<std::uint16_t>(replica::consistency_status(report))));
}

void fill_volume(Builder& b, const Facts& facts, std::size_t index) {
  const replica::Report& report = facts.reports[index];
  const replica::Relationship& r = report.relationship;
  set_common(b, facts, report);
  bool snapshot = r.sync_type == SyncType::snapshot;
  Legacy state = sync_state(report);
  b.set("ReplicaType", number(snapshot ? 4 : 2)).set("ReplicaTypeDescription", text(snapshot ? "After Delta" : "Full Copy"));
  b.set("SyncState", number(state.value)).set("SyncStateDescription", text(state.name));
  b.set("CopyPriority", number(0)).set("CopyPriorityDescription", text("Not Managed"));
  if (snapshot) b.set("CopyMethodology", number(1)).set("CopyMethodologyDescription", text("Redirect-On-Write: what is overwritten at the source stays where it is"));
  else if (r.sync_type == SyncType::mirror) b.set("CopyMethodology", number(8)).set("CopyMethodologyDescription", text("Delta-Update"));
  else b.set("CopyMethodology", number(3)).set("CopyMethodologyDescription", text("Full Copy"));
  b.set("RecoveryPointObjective", number(r.settings.rpo_seconds));
}

}  // namespace

void add_relationships(Frozen& frozen) {
  const Facts& facts = frozen.facts();
  for (std::size_t i = 0; i < facts.reports.size(); ++i) {
    const replica::Report& report = facts.reports[i];
    const replica::Relationship& r = report.relationship;
    frozen.link("MSFT_SMReplicationGroupToReplicaPeer", id_of(r.group), peer_id_of(r.id, r.end == replica::End::source), fill_group, i);
    bool here = facts.is_local(report) && r.end == replica::End::source;
    for (const auto& [volume, far] : r.pairs) {
      frozen.link("MSFT_SMStorageVolumeToReplicaPeer", id_of(volume), peer_id_of(r.id, far), fill_volume, i);
      if (here) frozen.link("MSFT_SMStorageSynchronized", id_of(volume), id_of(far), fill_volume, i);
    }
  }
}

}  // namespace lockstep::cim::model
