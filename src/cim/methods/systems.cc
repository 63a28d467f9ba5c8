// MSFT_SMSystem: pools, volumes, groups, diagnosis.
#include <algorithm>

#include "cim/instances/families.h"
#include "cim/instances/status.h"
#include "cim/methods/replicas.h"
#include "cim/methods/sizes.h"
#include "cim/model/ids.h"

namespace lockstep::cim::model {

namespace {

enum PoolCode : std::uint32_t { no_drives = 40801, no_such_setting = 40806, no_thick_pools = 40816 };

// What a discovery found of a peer can be seen here; it is changed there.
Done check_own(const Invocation& call) {
  if (call.id == id_of(call.facts().self)) return {};
  return unsupported("this", "that system is a peer: it is managed by its own server", "Call the method there.");
}

rt::Task<Done> create_pool(Invocation& call) {
  constexpr std::uint64_t unrestricted = 2;
  Done wrong = check_own(call);
  if (wrong.refusal) co_return wrong;
  std::string name = call.in.text("ElementName").value_or("");
  if (name.empty()) co_return bad("ElementName", "ElementName is missing", "Give the pool's name.");
  if (call.in.has("DiskDriveObjectIds")) co_return refused(no_drives, "DiskDriveObjectIds", "DiskDriveObjectIds: pools are directories here, not made of drives", "Leave it NULL.");
  std::string setting = call.in.text("PoolSettingObjectId").value_or("");
  if (!setting.empty()) co_return refused(no_such_setting, "PoolSettingObjectId", "there is no setting '" + setting + "' to make a pool from", "Leave it NULL.");
  if (!call.in.flag("ThinlyProvisioned").value_or(true)) co_return refused(no_thick_pools, "ThinlyProvisioned", "ThinlyProvisioned FALSE: pools here give out space as it is written", "Give TRUE, or leave it out.");
  if (call.in.number("Usage").value_or(unrestricted) != unrestricted) co_return unsupported("Usage", "Usage: pools here are for all purposes", "Give 2, or leave it out.");
  manage::Answer<> made = co_await call.system.create_pool(call.caller, name, "");
  if (!made) {
    if (made.error().parameter == "Name") made.error().parameter = "ElementName";
    co_return refused(made.error());
  }
  Done done;
  std::vector<manage::PoolInfo> pools = co_await call.system.pools();
  for (const manage::PoolInfo& info : pools)
    if (info.status.name == name) done.set("Pool", reference(path_by(pool_class, "ObjectId", pool_object_id(info))));
  co_return done;
}

const manage::PoolInfo* roomiest(const Facts& facts) {
  auto room = [](const manage::PoolInfo& info) { return info.status.space.total.value - std::min(info.status.space.total.value, info.status.space.used.value + info.status.space.reserved.value); };
  const manage::PoolInfo* best = nullptr;
  for (const manage::PoolInfo& info : facts.pools)
    if (condition_of(info).health == Health::healthy && (!best || room(info) > room(*best))) best = &info;
  return best;
}

rt::Task<Done> create_volume(Invocation& call) {
  Done wrong = check_own(call);
  if (wrong.refusal) co_return wrong;
  wrong = check_goals(call);
  if (wrong.refusal) co_return wrong;
  std::optional<std::uint64_t> size = call.in.number("Size");
  if (!size) co_return bad("Size", "Size is missing", "Give a size in bytes.");
  if (*size == 0) co_return refused(size_is_zero, "Size", "Size is 0", "Give a size in bytes.");
  wrong = check_size("Size", *size);
  if (wrong.refusal) co_return wrong;
  const manage::PoolInfo* pool = roomiest(call.facts());
  if (!pool) co_return refused(no_pool_found, "this", "system '" + call.facts().name + "' has no pool that is in order", "Make one with CreatePool.");
  co_return co_await make_volume_in(call, pool->status.name, *size);
}

rt::Task<Done> create_group(Invocation& call) {
  Done wrong = check_own(call);
  if (wrong.refusal) co_return wrong;
  std::string name = call.in.text("FriendlyName").value_or("");
  if (name.empty()) co_return bad("FriendlyName", "FriendlyName is missing", "Give the group's name.");
  auto paths = call.in.references("StorageElements").value_or(std::vector<const ObjectPath*>{});
  CIM_ASK(std::vector<std::string> volumes, volumes_at(call, paths, "StorageElements"));
  if (volumes.empty() && call.facts().pools.size() != 1)
    co_return bad("StorageElements", "StorageElements is empty, and there are " + std::to_string(call.facts().pools.size()) + " pools that the group could be in", "Name at least one volume.");
  std::string pool = volumes.empty() ? call.facts().pools.front().status.name : manage::split_name(volumes.front()).pool;
  std::string full = pool + "/" + name;
  CIM_ASK(manage::ReplicaDefaults defaults, settings_in(call, "ReplicationSettings", manage::ReplicaDefaults{}));
  manage::Answer<> made = co_await call.system.create_group(call.caller, full, std::move(volumes));
  if (!made) co_return refused(made.error());
  if (call.in.instance("ReplicationSettings")) {
    manage::Answer<> set = co_await call.system.set_replica_defaults(call.caller, full, defaults);
    if (!set) {
      ignore(co_await call.system.delete_group(call.caller, full), "the first refusal is the one to tell");
      co_return refused(set.error());
    }
  }
  ProviderOptions options = call.facts().options;
  Facts now = co_await gather(call.system, std::move(options), call.discoveries);
  Done done;
  for (std::size_t i = 0; i < now.groups.size(); ++i)
    if (full_name(now.groups[i]) == full) done.set("CreatedReplicationGroup", embedded(make_group(now, i)));
  co_return done;
}

struct Finding {
  std::string id, type, object, reason, action;
  std::optional<ObjectPath> path;
  Health health = Health::warning;
};

Instance result_of(const Finding& finding, WallTime now) {
  enum : std::uint64_t { degraded = 3, major = 5 };
  Builder b("MSFT_SMStorageDiagnoseResult");
  b.set("FaultId", text(finding.id)).set("FaultType", text(finding.type)).set("FaultingObjectDescription", text(finding.object));
  if (finding.path) b.set("FaultingObject", reference(*finding.path));
  b.set("Reason", text(finding.reason)).set("RecommendedActions", texts({finding.action}));
  return b.set("PerceivedSeverity", number(finding.health == Health::unhealthy ? major : degraded)).set("EventTime", time(now)).take();
}

std::vector<Finding> diagnose_all(const Facts& facts) {
  std::vector<Finding> out;
  for (const manage::PoolInfo& info : facts.pools) {
    Condition condition = condition_of(info);
    if (condition.health == Health::healthy) continue;
    out.push_back({"pool:" + info.status.name, "Pool", "pool '" + info.status.name + "'", condition.cause, "See the system's log, repair what it names, and restart the system.",
                   path_by(pool_class, "ObjectId", pool_object_id(info)), condition.health});
  }
  for (const replica::Report& report : facts.reports) {
    const replica::Relationship& r = report.relationship;
    Condition condition = condition_of(report);
    bool far_end = facts.is_local(report) && r.end == replica::End::target;
    if (condition.health == Health::healthy || far_end) continue;
    out.push_back({"relationship:" + text_of(r.id), "Replication", "relationship '" + r.name + "'", condition.cause, "Look at its CopyState and the system at its other end.",
                   path_by(group_class, "ObjectId", id_of(r.group)), condition.health});
  }
  for (const replica::PeerReport& report : facts.peers) {
    if (report.reachable) continue;
    out.push_back({"peer:" + text_of(report.peer.id), "Communication", "peer system '" + report.peer.name + "'", "system '" + report.peer.name + "' is not reachable: " + report.cause,
                   "Check that it runs and that the network lets it be reached.", path_by(peer_class, "ObjectId", peer_id_of(report.peer.id)), Health::warning});
  }
  return out;
}

rt::Task<Done> diagnose(Invocation& call) {
  Done done = check_own(call);
  if (done.refusal) co_return done;
  std::vector<Finding> findings = diagnose_all(call.facts());
  std::string reason;
  std::vector<Instance> results;
  for (const Finding& finding : findings) {
    reason += (reason.empty() ? "" : "; ") + finding.reason;
    results.push_back(result_of(finding, call.facts().now));
  }
  done.set("reason", text(reason.empty() ? "nothing is wrong" : reason)).set("DiagnoseResults", embedded_all(std::move(results)));
  co_return done;
}

constexpr MethodEntry entries[] = {
    {system_class, "CreatePool", create_pool},
    {system_class, "CreateStorageVolume", create_volume},
    {system_class, "CreateReplicationGroup", create_group},
    {system_class, "Diagnose", diagnose},
};

}  // namespace

std::span<const MethodEntry> system_methods() { return entries; }

}  // namespace lockstep::cim::model
