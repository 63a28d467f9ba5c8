#include "replica/model/model.h"

namespace lockstep::replica {

// From the first time on, a target or its stand-in is always one state of the whole group.
ConsistencyState consistency_state(const Report& report) noexcept {
  if (!report.relationship.settings.consistency) return ConsistencyState::not_applicable;
  return report.relationship.when_synchronized.us != 0 ? ConsistencyState::consistent : ConsistencyState::inconsistent;
}

ConsistencyStatus consistency_status(const Report& report) noexcept {
  if (!report.relationship.settings.consistency) return ConsistencyStatus::disabled;
  if (report.relationship.when_synchronized.us != 0) return ConsistencyStatus::completed;
  return report.copy_state == CopyState::broken ? ConsistencyStatus::error : ConsistencyStatus::in_progress;
}

std::string_view name_of(SyncType v) noexcept {
  switch (v) {
    case SyncType::mirror: return "Mirror";
    case SyncType::snapshot: return "Snapshot";
    case SyncType::clone: return "Clone";
    case SyncType::tokenized_clone: return "TokenizedClone";
  }
  return "Unknown";
}

std::string_view name_of(Mode v) noexcept {
  switch (v) {
    case Mode::synchronous: return "Synchronous";
    case Mode::asynchronous: return "Asynchronous";
    case Mode::adaptive: return "Adaptive";
  }
  return "Unknown";
}

std::string_view name_of(CopyState v) noexcept {
  switch (v) {
    case CopyState::initialized: return "Initialized";
    case CopyState::unsynchronized: return "Unsynchronized";
    case CopyState::synchronized: return "Synchronized";
    case CopyState::broken: return "Broken";
    case CopyState::fractured: return "Fractured";
    case CopyState::split: return "Split";
    case CopyState::inactive: return "Inactive";
    case CopyState::suspended: return "Suspended";
    case CopyState::failedover: return "Failedover";
    case CopyState::prepared: return "Prepared";
    case CopyState::aborted: return "Aborted";
    case CopyState::skewed: return "Skewed";
    case CopyState::mixed: return "Mixed";
    case CopyState::not_applicable: return "NotApplicable";
  }
  return "Unknown";
}

std::string_view name_of(Progress v) noexcept {
  switch (v) {
    case Progress::completed: return "Completed";
    case Progress::dormant: return "Dormant";
    case Progress::initializing: return "Initializing";
    case Progress::preparing: return "Preparing";
    case Progress::synchronizing: return "Synchronizing";
    case Progress::resyncing: return "Resyncing";
    case Progress::restoring: return "Restoring";
    case Progress::fracturing: return "Fracturing";
    case Progress::splitting: return "Splitting";
    case Progress::failing_over: return "FailingOver";
    case Progress::failing_back: return "FailingBack";
    case Progress::aborting: return "Aborting";
    case Progress::mixed: return "Mixed";
    case Progress::not_applicable: return "NotApplicable";
    case Progress::suspending: return "Suspending";
    case Progress::requires_fracture: return "RequiresFracture";
    case Progress::requires_resync: return "RequiresResync";
    case Progress::requires_activate: return "RequiresActivate";
    case Progress::pending: return "Pending";
    case Progress::detaching: return "Detaching";
  }
  return "Unknown";
}

std::string_view name_of(Operation v) noexcept {
  switch (v) {
    case Operation::abort: return "Abort";
    case Operation::activate_consistency: return "ActivateConsistency";
    case Operation::activate: return "Activate";
    case Operation::add_sync_pair: return "AddSyncPair";
    case Operation::deactivate_consistency: return "DeactivateConsistency";
    case Operation::deactivate: return "Deactivate";
    case Operation::detach: return "Detach";
    case Operation::dissolve: return "Dissolve";
    case Operation::failover: return "Failover";
    case Operation::failback: return "Failback";
    case Operation::fracture: return "Fracture";
    case Operation::remove_sync_pair: return "RemoveSyncPair";
    case Operation::resync_replica: return "ResyncReplica";
    case Operation::restore_from_replica: return "RestoreFromReplica";
    case Operation::resume: return "Resume";
    case Operation::reset_to_sync: return "ResetToSync";
    case Operation::reset_to_async: return "ResetToAsync";
    case Operation::return_to_resource_pool: return "ReturnToResourcePool";
    case Operation::reverse_roles: return "ReverseRoles";
    case Operation::split: return "Split";
    case Operation::suspend: return "Suspend";
    case Operation::unprepare: return "Unprepare";
    case Operation::prepare: return "Prepare";
    case Operation::reset_to_adaptive: return "ResetToAdaptive";
  }
  return "Unknown";
}

}  // namespace lockstep::replica
