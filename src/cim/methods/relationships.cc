// MSFT_SMSystem: a group and its replica in one call, and the end of a relationship.
#include <algorithm>

#include "cim/methods/replicas.h"
#include "cim/model/ids.h"

namespace lockstep::cim::model {

namespace {

struct SideParameters {
  std::string_view group, elements, name, settings;
};

Answer<manage::CreateRelationship::Side> side_in(const Invocation& call, SideParameters parameters) {
  manage::CreateRelationship::Side side;
  if (const ObjectPath* group = call.in.reference(parameters.group)) {
    TRY(const manage::GroupInfo* found, group_at(call, *group, parameters.group));
    side.group = full_name(*found);
  }
  if (auto elements = call.in.references(parameters.elements)) {
    TRY(side.volumes, volumes_at(call, *elements, parameters.elements));
  }
  side.name = call.in.text(parameters.name);
  if (call.in.instance(parameters.settings)) {
    TRY(side.settings, settings_in(call, parameters.settings, manage::ReplicaDefaults{}));
  }
  return side;
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

rt::Task<Done> create(Invocation& call) {
  if (call.id != id_of(call.facts().self)) co_return unsupported("this", "that system is a peer: a relationship is made at its source", "Call the method there.");
  CIM_ASK(manage::CreateReplica request, replica_request(call, "SourceReplicationGroupSettings"));
  Done wrong = check_pools(call, request);
  if (wrong.refusal) co_return wrong;
  request.relationship_name = call.in.text("RelationshipName");
  manage::CreateRelationship wanted;
  CIM_ASK(wanted.source, side_in(call, source_parameters));
  CIM_ASK(wanted.target, side_in(call, target_parameters));
  wanted.replica = std::move(request);
  manage::Answer<manage::Outcome> outcome = co_await call.system.create_relationship(call.caller, std::move(wanted));
  if (!outcome) co_return refused(or_out_of_date(call, outcome.error()));
  Done done = done_or_job(*outcome);
  std::optional<replica::Report> report = report_named(call.system, outcome->object);
  if (!report) co_return done;   // a job that has not come so far, or a clone that is complete already
  done.set("TargetReplicaPeer", peer_reference(peer_id_of(report->relationship.id, true)));
  done.set("SourceGroup", reference(path_by(group_class, "ObjectId", id_of(report->relationship.group))));
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
  manage::Answer<manage::Outcome> outcome = co_await call.system.remove_relationship(call.caller, text_of(r.id));
  if (!outcome) co_return refused(outcome.error());
  co_return done_or_job(*outcome);
}

constexpr MethodEntry entries[] = {
    {system_class, "CreateReplicationRelationship", create},
    {system_class, "DeleteReplicationRelationship", remove},
};

}  // namespace

std::span<const MethodEntry> relationship_methods() { return entries; }

}  // namespace lockstep::cim::model
