// MSFT_SMSystem: a group and its replica in one call, and the end of a relationship.
#include <algorithm>

#include "cim/methods/replicas.h"
#include "cim/model/ids.h"

namespace lockstep::cim::model {

namespace {

// One side: a group that is there, or one that the call makes of volumes.
struct Side {
  std::string group;      // POOL/NAME; empty: none
  bool made = false;
};

rt::Task<void> take_back(Invocation& call, Side side) {
  if (side.made) ignore(co_await call.system.delete_group(call.caller, side.group), "the first refusal is the one to tell");
}

struct SideParameters {
  std::string_view group, elements, name, settings;
};

// Nothing given: an empty side.
rt::Task<Answer<Side>> side_of(Invocation& call, SideParameters parameters) {
  Side side;
  auto wrong = [](std::string_view parameter, std::string message, std::string next_step) {
    return std::unexpected(manage::Refusal{manage::ReturnCode::invalid_parameter, std::move(message), std::move(next_step), std::string(parameter), Code::invalid});
  };
  const ObjectPath* group = call.in.reference(parameters.group);
  auto elements = call.in.references(parameters.elements);
  if (group && elements && !elements->empty())
    co_return wrong(parameters.elements, std::string(parameters.group) + " and " + std::string(parameters.elements) + " exclude each other", "Give one of them.");
  if (group) {
    Answer<const manage::GroupInfo*> found = group_at(call, *group, parameters.group);
    if (!found) co_return std::unexpected(found.error());
    side.group = full_name(**found);
    co_return side;
  }
  if (!elements || elements->empty()) co_return side;
  Answer<std::vector<std::string>> volumes = volumes_at(call, *elements, parameters.elements);
  if (!volumes) co_return std::unexpected(volumes.error());
  std::string name = call.in.text(parameters.name).value_or("");
  if (name.empty()) co_return wrong(parameters.name, std::string(parameters.name) + " is missing", "Name the group that is made of the volumes.");
  side.group = manage::split_name(volumes->front()).pool + "/" + name;
  side.made = true;
  manage::Answer<> made = co_await call.system.create_group(call.caller, side.group, *std::move(volumes));
  if (!made) {
    manage::Refusal refusal = made.error();
    if (refusal.parameter == "FriendlyName") refusal.parameter = std::string(parameters.name);
    if (refusal.parameter == "StorageElements") refusal.parameter = std::string(parameters.elements);
    co_return std::unexpected(std::move(refusal));
  }
  if (call.in.instance(parameters.settings)) {
    Answer<manage::ReplicaDefaults> defaults = settings_in(call, parameters.settings, manage::ReplicaDefaults{});
    manage::Answer<> set = co_await call.system.set_replica_defaults(call.caller, side.group, *defaults);
    if (!set) {
      manage::Refusal refusal = set.error();
      refusal.parameter = std::string(parameters.settings);
      co_await take_back(call, std::move(side));
      co_return std::unexpected(std::move(refusal));
    }
  }
  co_return side;
}

// TargetStoragePool or TargetStoragePools: a group is in one pool.
Done check_pools(const Invocation& call, manage::CreateReplica& request) {
  auto pools = call.in.references("TargetStoragePools");
  if (!pools || pools->empty()) return {};
  if (request.target_pool) return bad("TargetStoragePools", "TargetStoragePool and TargetStoragePools exclude each other", "Give one of them.");
  for (const ObjectPath* path : *pools) {
    if (!path) return bad("TargetStoragePools", "TargetStoragePools has a NULL in it", "Name a pool, or leave it out.");
    Answer<std::string> pool = pool_text(call, *path, "TargetStoragePools");
    if (!pool) return refused(pool.error());
    if (request.target_pool && *request.target_pool != *pool) return unsupported("TargetStoragePools", "TargetStoragePools names several pools: a group is in one", "Name one pool.");
    request.target_pool = *pool;
  }
  return {};
}

constexpr SideParameters source_parameters{"SourceGroup", "SourceStorageElements", "SourceReplicationGroupFriendlyName", "SourceReplicationGroupSettings"};
constexpr SideParameters target_parameters{"TargetGroup", "TargetStorageElements", "TargetReplicationGroupFriendlyName", "TargetReplicationGroupSettings"};

// What the target's side says, into the request.
Done set_target(const Invocation& call, const Side& side, manage::CreateReplica& request) {
  bool remote = request.target_system && *request.target_system != text_of(call.facts().self);
  if (side.group.empty()) {
    std::string name = call.in.text("TargetReplicationGroupFriendlyName").value_or("");
    if (!name.empty()) request.target_group = std::move(name);
    return {};
  }
  std::string_view parameter = side.made ? "TargetStorageElements" : "TargetGroup";
  if (remote) return bad(std::string(parameter), std::string(parameter) + " is of this system, TargetStorageSystem is another", "Leave one of them NULL.");
  if (side.made && request.target_pool) return bad("TargetStoragePool", "TargetStorageElements and TargetStoragePool exclude each other", "Give one of them.");
  request.target_group = side.group;
  request.target_group_exists = true;
  request.target_pool = manage::split_name(side.group).pool;
  return {};
}

rt::Task<Done> relate(Invocation& call, manage::CreateReplica request, Side source, Side target) {
  Done wrong = set_target(call, target, request);
  if (wrong.refusal) co_return wrong;
  manage::PoolAndName name = manage::split_name(source.group);
  request.pool = std::move(name.pool);
  request.group = std::move(name.name);
  request.relationship_name = call.in.text("RelationshipName");
  Made made = co_await make_replica(call, std::move(request));
  if (made.report) made.done.set("TargetReplicaPeer", peer_reference(peer_id_of(made.report->relationship.id, true)));
  if (made.done.refusal) co_return std::move(made.done);
  std::vector<manage::GroupInfo> groups = co_await call.system.groups();
  for (const manage::GroupInfo& info : groups)
    if (full_name(info) == source.group) made.done.set("SourceGroup", reference(path_by(group_class, "ObjectId", id_of(info.row.id))));
  co_return std::move(made.done);
}

rt::Task<Done> create(Invocation& call) {
  if (call.id != id_of(call.facts().self)) co_return unsupported("this", "that system is a peer: a relationship is made at its source", "Call the method there.");
  CIM_ASK(manage::CreateReplica request, replica_request(call, "SourceReplicationGroupSettings"));
  Done wrong = check_pools(call, request);
  if (wrong.refusal) co_return wrong;
  CIM_ASK(Side source, co_await side_of(call, source_parameters));
  if (source.group.empty()) co_return bad("SourceStorageElements", "SourceStorageElements is missing", "Name the volumes, or an existing SourceGroup.");
  Answer<Side> target = co_await side_of(call, target_parameters);
  if (!target) {
    co_await take_back(call, std::move(source));
    co_return refused(target.error());
  }
  Done done = co_await relate(call, std::move(request), source, *target);
  if (done.refusal) {
    co_await take_back(call, *std::move(target));
    co_await take_back(call, std::move(source));
  }
  co_return done;
}

rt::Task<Done> remove(Invocation& call) {
  const ObjectPath* group_path = call.in.reference("SourceReplicationGroup");
  const ObjectPath* peer = call.in.reference("TargetGroupReplicaPeer");
  if (!group_path) co_return bad("SourceReplicationGroup", "SourceReplicationGroup is missing", "Name the group at this end.");
  if (!peer) co_return bad("TargetGroupReplicaPeer", "TargetGroupReplicaPeer is missing", "Name the handle on the group at the other end.");
  CIM_ASK(const manage::GroupInfo* group, group_at(call, *group_path, "SourceReplicationGroup"));
  CIM_ASK(const replica::Report* report, relationship_at(call, *peer, "TargetGroupReplicaPeer"));
  const replica::Relationship& r = report->relationship;
  if (r.pool != group->pool_id || r.group != group->row.id)
    co_return refused(static_cast<std::uint32_t>(manage::ReturnCode::not_found), "TargetGroupReplicaPeer", "TargetGroupReplicaPeer is not a replica of group '" + full_name(*group) + "'",
                      "Name one that MSFT_SMReplicationGroupToReplicaPeer gives.");
  co_return co_await operate(call, r.id, static_cast<std::uint16_t>(replica::Operation::detach));
}

constexpr MethodEntry entries[] = {
    {system_class, "CreateReplicationRelationship", create},
    {system_class, "DeleteReplicationRelationship", remove},
};

}  // namespace

std::span<const MethodEntry> relationship_methods() { return entries; }

}  // namespace lockstep::cim::model
