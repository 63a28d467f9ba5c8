// MSFT_SMReplicationGroup.
#include "cim/methods/replicas.h"
#include "cim/model/ids.h"

namespace lockstep::cim::model {

namespace {

rt::Task<Done> create_replica(Invocation& call) {
  CIM_ASK(manage::CreateReplica request, replica_request(call, "ReplicationSettings"));
  CIM_ASK(request.group, group_text(call.object, "this"));
  request.relationship_name = call.in.text("RelationshipName");
  if (const ObjectPath* target = call.in.reference("TargetGroupObject")) {
    Answer<> set = set_target_group(call, *target, "TargetGroupObject", request);
    if (!set) co_return refused(set.error());
  }
  Made made = co_await make_replica(call, std::move(request));
  if (made.report) made.done.set("TargetReplicaPeer", peer_reference(peer_id_of(made.report->relationship.id, true)));
  co_return std::move(made.done);
}

bool has_end_here(const replica::Report& report, const manage::GroupInfo& group) { return report.relationship.pool == group.pool_id && report.relationship.group == group.row.id; }

// TargetGroup names the relationship; NULL: the only one that the group has.
Answer<const replica::Report*> relationship_meant(const Invocation& call, const manage::GroupInfo& group) {
  if (const ObjectPath* peer = call.in.reference("TargetGroup")) {
    TRY(const replica::Report* report, relationship_at(call, *peer, "TargetGroup"));
    if (has_end_here(*report, group)) return report;
    return std::unexpected(manage::Refusal{manage::ReturnCode::not_found, "TargetGroup is not a replica of group '" + full_name(group) + "'", "Name one that MSFT_SMReplicationGroupToReplicaPeer gives.", "TargetGroup", Code::not_found});
  }
  const replica::Report* only = nullptr;
  for (const replica::Report& report : call.facts().reports) {
    if (!has_end_here(report, group)) continue;
    if (only) return std::unexpected(manage::Refusal{manage::ReturnCode::invalid_parameter, "group '" + full_name(group) + "' has several replicas, and TargetGroup is NULL", "Name one of them.", "TargetGroup", Code::invalid});
    only = &report;
  }
  if (!only) return std::unexpected(manage::Refusal{manage::ReturnCode::not_found, "group '" + full_name(group) + "' has no replica", "Make one with CreateReplica.", "TargetGroup", Code::not_found});
  return only;
}

// The volume of a pair at this end, from a reference to MSFT_SMStorageVolumeToReplicaPeer.
Answer<const manage::VolumeInfo*> volume_of_pair(const Invocation& call, const ObjectPath& pair) {
  for (const NamedValue& key : pair.keys) {
    const Scalar* scalar = same_name(key.name, "Parent") ? key.value.scalar() : nullptr;
    const auto* parent = scalar ? std::get_if<std::shared_ptr<const ObjectPath>>(scalar) : nullptr;
    if (parent && *parent) return volume_at(call, **parent, "SyncPairs");
  }
  return std::unexpected(manage::Refusal{manage::ReturnCode::invalid_parameter, "SyncPairs has something else than references to MSFT_SMStorageVolumeToReplicaPeer", "Name the pairs that References of a volume gives.",
                                         "SyncPairs", Code::invalid});
}

// Which pairs are meant: their volumes at this end; none: all of them.
Answer<std::vector<std::string>> pairs_meant(const Invocation& call) {
  std::vector<std::string> out;
  auto sources = call.in.references("SourceStorageObjects");
  auto targets = call.in.references("TargetStorageObjects");
  auto pairs = call.in.references("SyncPairs");
  auto wrong = [](std::string_view parameter, std::string message) {
    return std::unexpected(manage::Refusal{manage::ReturnCode::invalid_parameter, std::move(message), "Name each pair once, by SyncPairs or by its source.", std::string(parameter), Code::invalid});
  };
  bool both = pairs && !pairs->empty() && sources && !sources->empty();
  if (both) return wrong("SyncPairs", "SourceStorageObjects and SyncPairs exclude each other");
  std::size_t named = sources ? sources->size() : 0;
  if (targets && !targets->empty() && targets->size() != named)
    return wrong("TargetStorageObjects", "TargetStorageObjects has " + std::to_string(targets->size()) + " elements, SourceStorageObjects " + std::to_string(named));
  if (named > 0) return volumes_at(call, *sources, "SourceStorageObjects");
  for (const ObjectPath* pair : pairs.value_or(std::vector<const ObjectPath*>{})) {
    if (!pair) return wrong("SyncPairs", "SyncPairs has a NULL in it");
    TRY(const manage::VolumeInfo* volume, volume_of_pair(call, *pair));
    out.push_back(volume->export_name);
  }
  return out;
}

rt::Task<Done> set_relationship(Invocation& call) {
  CIM_ASK(const manage::GroupInfo* group, this_group(call));
  CIM_ASK(const replica::Report* report, relationship_meant(call, *group));
  CIM_ASK(std::vector<std::string> pairs, pairs_meant(call));
  std::optional<std::uint64_t> operation = call.in.number("Operation");
  if (!operation) co_return bad("Operation", "Operation is missing", "Give one of 2 to 25.");
  auto number = static_cast<std::uint16_t>(*operation);
  if (pairs.empty()) co_return co_await operate(call, report->relationship.id, number);
  co_return co_await operate_pairs(call, report->relationship.id, number, std::move(pairs));
}

rt::Task<Done> change_members(Invocation& call, std::string_view parameter, bool add) {
  CIM_ASK(const manage::GroupInfo* group, this_group(call));
  auto paths = call.in.references(parameter);
  if (!paths || paths->empty()) co_return bad(std::string(parameter), std::string(parameter) + " is missing", "Name at least one volume.");
  CIM_ASK(std::vector<std::string> volumes, volumes_at(call, *paths, parameter));
  manage::Answer<> done;
  if (add) done = co_await call.system.add_members(call.caller, full_name(*group), std::move(volumes));
  else done = co_await call.system.remove_members(call.caller, full_name(*group), std::move(volumes));
  co_return done_or_refused(done);
}
rt::Task<Done> add_members(Invocation& call) { return change_members(call, "StorageObjects", true); }
rt::Task<Done> remove_members(Invocation& call) { return change_members(call, "STorageObjects", false); }

rt::Task<Done> remove(Invocation& call) {
  CIM_ASK(const manage::GroupInfo* group, this_group(call));
  manage::Answer<> done = co_await call.system.delete_group(call.caller, full_name(*group));
  co_return done_or_refused(done);
}

rt::Task<Done> rename(Invocation& call) {
  CIM_ASK(const manage::GroupInfo* group, this_group(call));
  std::optional<std::string> name = call.in.text("FriendlyName");
  if (!name) co_return bad("FriendlyName", "FriendlyName is missing", "Give the new name.");
  manage::Answer<> done = co_await call.system.rename_group(call.caller, full_name(*group), *name);
  co_return done_or_refused(done);
}

rt::Task<Done> get_settings(Invocation& call) {
  CIM_ASK(const manage::GroupInfo* group, this_group(call));
  Done done;
  done.set("ReplicationSettings", reference(path_by(settings_class, "ObjectId", settings_id_of(group->row.id))));
  co_return done;
}

rt::Task<Done> set_settings(Invocation& call) {
  CIM_ASK(const manage::GroupInfo* group, this_group(call));
  if (!call.in.instance("ReplicationSettings")) co_return bad("ReplicationSettings", "ReplicationSettings is missing", "Give an MSFT_SMReplicationSettings.");
  CIM_ASK(manage::ReplicaDefaults defaults, settings_in(call, "ReplicationSettings", call.facts().defaults.at(group->row.id)));
  manage::Answer<> done = co_await call.system.set_replica_defaults(call.caller, full_name(*group), defaults);
  co_return done_or_refused(done);
}

constexpr std::string_view cls = group_class;
constexpr MethodEntry entries[] = {
    {cls, "CreateReplica", create_replica, true},
    {cls, "SetReplicationRelationship", set_relationship},
    {cls, "AddMembers", add_members},
    {cls, "RemoveMembers", remove_members},
    {cls, "Delete", remove},
    {cls, "SetFriendlyName", rename},
    {cls, "GetReplicationSettings", get_settings},
    {cls, "SetReplicationSettings", set_settings},
};

}  // namespace

std::span<const MethodEntry> group_methods() { return entries; }

}  // namespace lockstep::cim::model
