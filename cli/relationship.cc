#include "cli/context.h"

namespace lockstep::cli {
namespace {

Json or_null(const Json& resource, const char* key) { return resource.value(key, Json()); }

Json end_of(const Json& resource, const char* key) {
  Json end = resource.value(key, Json::object());
  return Json{{"system", end.value("System", "")}, {"pool", end.value("Pool", "")}, {"group", end.value("Group", "")}};
}

}  // namespace

Json relationship_of(const Json& r) {
  Json out;
  out["name"] = r.value("Name", "");
  out["id"] = r.value("RelationshipId", "");
  out["role"] = r.value("Role", "");
  out["sync_type"] = r.value("SyncType", "");
  out["mode"] = r.value("Mode", "");
  out["mode_in_force"] = or_null(r, "ModeInForce");
  out["source"] = end_of(r, "Source");
  out["target"] = end_of(r, "Target");
  out["copy_state"] = r.value("CopyState", "");
  out["requested_copy_state"] = or_null(r, "RequestedCopyState");
  out["progress"] = or_null(r, "ProgressStatus");
  out["percent_synced"] = or_null(r, "PercentSynced");
  out["reachable"] = r.value("Reachable", false);
  out["last_contact"] = or_null(r, "LastContact");
  out["health"] = r.contains("Status") ? or_null(r["Status"], "Health") : Json();
  out["cause"] = or_null(r, "Cause");
  out["conflict"] = or_null(r, "Conflict");
  out["rpo_seconds"] = or_null(r, "RecoveryPointObjectiveSeconds");
  out["rpo_exceeded"] = r.value("RecoveryPointExceeded", false);
  out["lag_seconds"] = r.value("LagSeconds", Json(0));
  out["backlog_bytes"] = r.value("BacklogBytes", Json(0));
  out["copy_bytes"] = r.value("CopyBytes", Json(0));
  out["copied_bytes"] = r.value("CopiedBytes", Json(0));
  out["bytes_per_second"] = r.value("BytesPerSecond", Json(0));
  out["seconds_left"] = or_null(r, "SecondsLeft");
  out["sent_bytes"] = r.value("SentBytes", Json(0));
  out["received_bytes"] = r.value("ReceivedBytes", Json(0));
  out["position"] = or_null(r, "Position");
  out["on_link_loss"] = or_null(r, "OnLinkLoss");
  out["on_rpo_exceeded"] = or_null(r, "OnRecoveryPointExceeded");
  out["limit_bytes_per_second"] = or_null(r, "LimitBytesPerSecond");
  out["limit_schedule"] = or_null(r, "LimitSchedule");
  out["compress"] = r.value("Compress", false);
  out["adaptive_bound_ms"] = or_null(r, "AdaptiveBoundMilliseconds");
  out["pacing"] = r.value("Pacing", false);
  out["journal_budget_bytes"] = or_null(r, "JournalBudgetBytes");
  out["verification"] = verification_of(r.value("Verification", Json()));
  out["operations"] = r.value("Operations", Json::array());
  for (const char* key : {"WhenEstablished", "WhenSynchronized", "WhenActivated", "WhenSuspended", "WhenFailedOver"}) {
    std::string name = "when_";
    for (const char* c = key + 4; *c; ++c) {
      if (*c >= 'A' && *c <= 'Z' && c != key + 4) name += '_';
      name += static_cast<char>(*c >= 'A' && *c <= 'Z' ? *c + 32 : *c);
    }
    out[name] = or_null(r, key);
  }
  return out;
}

}  // namespace lockstep::cli
