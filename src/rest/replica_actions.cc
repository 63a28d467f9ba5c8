// Swordfish's own actions on volumes and groups. A volume stands for the group that holds it alone; a volume without a group gets one.
#include "rest/relationship.h"
#include "rest/world.h"

namespace lockstep::rest {

namespace {


// The object that the address names, as a group.
struct Subject {
  bool is_volume = false;
  std::string group;                     // POOL/NAME
  std::optional<Reply> fault;
};

rt::Task<Subject> subject_of(Call& call, bool is_volume) {
  Subject out;
  out.is_volume = is_volume;
  World world = co_await read_world(call);
  std::string name = name_of_id(call.ids[0]);
  if (!is_volume) {
    if (const manage::GroupInfo* group = world.group(name)) out.group = group->pool + "/" + group->row.name;
    else out.fault = no_such_object(call);
    co_return out;
  }
  const manage::VolumeInfo* volume = world.volume(name);
  if (!volume) {
    out.fault = no_such_object(call);
    co_return out;
  }
  if (!volume->group.empty()) {
    out.group = volume->pool + "/" + volume->group;
    const manage::GroupInfo* group = world.group(out.group);
    if (group && group->volumes.size() > 1) {
      manage::Refusal refusal{manage::ReturnCode::failed, "volume '" + volume->export_name + "' is in group '" + out.group + "' with others: they are replicated together", "Use the action of the group.", volume->row.name, Code::busy};
      out.fault = refused(refusal);
    }
    co_return out;
  }
  manage::Refusal refusal{manage::ReturnCode::not_found, "volume '" + volume->export_name + "' has no replica", "`lockstep replica list` shows what is replicated.", volume->row.name, Code::not_found};
  out.fault = refused(refusal);
  co_return out;
}

// "https://b/redfish/v1/…": the peer of that name or address.
std::optional<std::string> peer_in(Call& call, const std::string& address) {
  std::size_t scheme = address.find("://");
  if (scheme == std::string::npos) return std::nullopt;
  std::string host = address.substr(scheme + 3, address.find('/', scheme + 3) - scheme - 3);
  for (const replica::PeerReport& report : call.system.engine().peers()) {
    if (report.peer.name == host || text_of(report.peer.id) == host) return report.peer.name;
    for (const os::Address& known : report.peer.addresses)
      if (known.host == host || os::text_of(known) == host) return report.peer.name;
  }
  return host;   // nobody's: the check of TargetStorageSystem says so
}

// The relationship from `group` to the target that the body names.
std::optional<std::string> relationship_to(Call& call, const World& world, const Subject& subject, const std::string& target) {
  std::string name = name_of_reference(target);
  const manage::GroupInfo* group = world.group(subject.group);
  if (!group) return std::nullopt;
  for (const replica::Report& report : world.reports) {
    const replica::Relationship& r = report.relationship;
    if (r.pool != group->pool_id || r.group != group->row.id || r.end != replica::End::source) continue;
    if (!subject.is_volume && (r.peer_pool + "/" + r.peer_group == name || r.peer_group == name)) return r.name;
    if (!subject.is_volume) continue;
    for (const auto& [here, there] : r.pairs) {
      const manage::VolumeInfo* volume = world.volume(there);
      if (text_of(there) == name || (volume && r.peer == call.system.self().id && volume->export_name == name)) return r.name;
    }
  }
  return std::nullopt;
}

rt::Task<Reply> make(Call& call, bool is_volume, bool assign) {
  Body body(call.body);
  manage::CreateReplica request;
  request.sync_type = body.word_or_number("ReplicaType", sync_type_words);
  request.mode = body.word_or_number("ReplicaUpdateMode", mode_words);
  if (!request.sync_type) body.required_text("ReplicaType");
  if (!request.mode) body.required_text("ReplicaUpdateMode");
  std::string_view target_key = !assign ? "TargetStoragePool" : is_volume ? "TargetVolume" : "TargetConsistencyGroup";
  std::optional<std::string> target = body.reference(target_key);
  if (!target) body.required_text(target_key);
  if (!assign) {
    std::optional<std::string> name = body.text(is_volume ? "VolumeName" : "ConsistencyGroupName");
    if (!is_volume) request.target_group = name;
  }
  if (auto fault = body.fault()) co_return std::move(*fault);
  request.target_system = peer_in(call, *target);
  std::string target_name = name_of_reference(*target);
  if (is_volume) {
    std::optional<std::string> target_volume;
    if (assign) target_volume = target_name;
    else request.target_pool = target_name;
    manage::Answer<manage::Outcome> outcome = co_await call.system.create_volume_replica(call.caller, name_of_id(call.ids[0]), std::move(target_volume), std::move(request));
    co_return co_await made_replica_reply(call, std::move(outcome));
  }
  Subject subject = co_await subject_of(call, false);
  if (subject.fault) co_return std::move(*subject.fault);
  manage::PoolAndName name = manage::split_name(subject.group);
  request.pool = std::move(name.pool);
  request.group = std::move(name.name);
  if (assign) request.target_group = target_name;
  else request.target_pool = target_name;
  co_return co_await create_replica_reply(call, std::move(request));
}

rt::Task<Reply> change(Call& call, bool is_volume, replica::Operation operation) {
  Body body(call.body);
  std::string_view target_key = is_volume ? "TargetVolume" : "TargetConsistencyGroup";
  std::optional<std::string> target = body.reference(target_key);
  if (!target) body.required_text(target_key);
  std::optional<bool> with_target;
  if (operation == replica::Operation::detach) with_target = body.boolean(is_volume ? "DeleteTargetVolume" : "DeleteTargetConsistencyGroup");
  if (auto fault = body.fault()) co_return std::move(*fault);
  Subject subject = co_await subject_of(call, is_volume);
  if (subject.fault) co_return std::move(*subject.fault);
  World world = co_await read_world(call);
  std::optional<std::string> name = relationship_to(call, world, subject, *target);
  if (!name) {
    manage::Refusal refusal{manage::ReturnCode::not_found, "'" + subject.group + "' has no replica '" + *target + "'", "`lockstep replica list` shows what is replicated, and where to.", std::string(target_key), Code::not_found};
    co_return refused(refusal);
  }
  // A snapshot goes with its target unless the caller wants to keep it; anything else stays unless the caller wants it gone.
  if (operation == replica::Operation::detach) {
    bool snapshot = false;
    for (const replica::Report& report : world.reports)
      if (report.relationship.name == *name) snapshot = report.relationship.sync_type == replica::SyncType::snapshot;
    if (with_target.value_or(snapshot)) {
      if (!snapshot) {
        manage::Refusal refusal{manage::ReturnCode::not_supported, "only a snapshot's target is deleted with its relationship", "Remove the relationship, then delete the target's volumes.", is_volume ? "DeleteTargetVolume" : "DeleteTargetConsistencyGroup", Code::unsupported};
        co_return refused(refusal);
      }
      operation = replica::Operation::return_to_resource_pool;
    }
  }
  co_return co_await operate_reply(call, *name, static_cast<std::uint16_t>(operation), false);
}

template <bool is_volume, bool assign>
rt::Task<Reply> making(Call& call) { return make(call, is_volume, assign); }
template <bool is_volume, replica::Operation operation>
rt::Task<Reply> changing(Call& call) { return change(call, is_volume, operation); }

constexpr Route routes[] = {
    {.pattern = "Storage/Lockstep/Volumes/*/Actions/Volume.CreateReplicaTarget", .post = making<true, false>},
    {.pattern = "Storage/Lockstep/Volumes/*/Actions/Volume.AssignReplicaTarget", .post = making<true, true>},
    {.pattern = "Storage/Lockstep/Volumes/*/Actions/Volume.SplitReplication", .post = changing<true, replica::Operation::split>},
    {.pattern = "Storage/Lockstep/Volumes/*/Actions/Volume.SuspendReplication", .post = changing<true, replica::Operation::suspend>},
    {.pattern = "Storage/Lockstep/Volumes/*/Actions/Volume.ResumeReplication", .post = changing<true, replica::Operation::resume>},
    {.pattern = "Storage/Lockstep/Volumes/*/Actions/Volume.ReverseReplicationRelationship", .post = changing<true, replica::Operation::reverse_roles>},
    {.pattern = "Storage/Lockstep/Volumes/*/Actions/Volume.RemoveReplicaRelationship", .post = changing<true, replica::Operation::detach>},
    {.pattern = "Storage/Lockstep/ConsistencyGroups/*/Actions/ConsistencyGroup.CreateReplicaTarget", .post = making<false, false>},
    {.pattern = "Storage/Lockstep/ConsistencyGroups/*/Actions/ConsistencyGroup.AssignReplicaTarget", .post = making<false, true>},
    {.pattern = "Storage/Lockstep/ConsistencyGroups/*/Actions/ConsistencyGroup.SplitReplication", .post = changing<false, replica::Operation::split>},
    {.pattern = "Storage/Lockstep/ConsistencyGroups/*/Actions/ConsistencyGroup.SuspendReplication", .post = changing<false, replica::Operation::suspend>},
    {.pattern = "Storage/Lockstep/ConsistencyGroups/*/Actions/ConsistencyGroup.ResumeReplication", .post = changing<false, replica::Operation::resume>},
    {.pattern = "Storage/Lockstep/ConsistencyGroups/*/Actions/ConsistencyGroup.ReverseReplicationRelationship", .post = changing<false, replica::Operation::reverse_roles>},
    {.pattern = "Storage/Lockstep/ConsistencyGroups/*/Actions/ConsistencyGroup.RemoveReplicaRelationship", .post = changing<false, replica::Operation::detach>},
};

}  // namespace

std::span<const Route> replica_action_routes() { return routes; }

}  // namespace lockstep::rest
