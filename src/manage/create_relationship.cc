// MSFT_SMSystem.CreateReplicationRelationship and DeleteReplicationRelationship: groups and the replica between them, in one call.
#include <algorithm>

#include "manage/refusal.h"
#include "manage/system.h"

namespace lockstep::manage {

struct SystemParts::SideNames {
  std::string_view group, elements, name, settings;   // as the model calls them
};

namespace {

// Refusals of the calls that make a group name its own parameters: here they are called otherwise.
std::unexpected<Refusal> renamed(Refusal refusal, std::string_view from, std::string_view to) {
  if (refusal.parameter == from) refusal.parameter = std::string(to);
  return refuse(std::move(refusal));
}

}  // namespace

// `otherwise`: what a group is called that nobody named.
rt::Task<Answer<SystemParts::Alone>> SystemParts::side_of(Caller caller, CreateRelationship::Side side, SideNames names, std::string otherwise) {
  Alone out;
  std::string elements(names.elements);
  if (side.group && !side.volumes.empty())
    co_return bad_parameter(std::move(elements), std::string(names.group) + " and " + std::string(names.elements) + " exclude each other", "Give one of them.");
  if (side.group) {
    std::string parameter(names.group);
    std::string wanted = *side.group;
    CO_ASK(GroupAt at, co_await locate_group(*pools_, std::move(wanted), std::move(parameter)));
    out.pool = at.hold.name();
    out.group = at.row.name;
    co_return out;
  }
  if (side.volumes.empty()) co_return out;
  std::string leading = side.volumes.front();
  CO_ASK(VolumeAt first, co_await locate_volume(*pools_, std::move(leading), std::move(elements)));
  out.pool = first.hold.name();
  out.group = first.name;
  if (!otherwise.empty()) out.group = std::move(otherwise);
  if (side.name && !side.name->empty()) out.group = *side.name;
  std::string full = out.pool + "/" + out.group;
  std::vector<std::string> volumes = std::move(side.volumes);
  Answer<> made = co_await create_group(caller, full, std::move(volumes));
  if (!made) {
    Refusal refusal = made.error();
    if (refusal.parameter == "FriendlyName") co_return renamed(std::move(refusal), "FriendlyName", names.name);
    co_return renamed(std::move(refusal), "StorageElements", names.elements);
  }
  out.made = true;
  if (!side.settings) co_return out;
  ReplicaDefaults defaults = *side.settings;
  Answer<> set = co_await set_replica_defaults(std::move(caller), full, defaults);
  if (set) co_return out;
  ignore(co_await storage_->delete_group(std::move(full)), "the first refusal is the one to tell");
  co_return renamed(set.error(), "ReplicationSettings", names.settings);
}

rt::Task<Answer<Outcome>> SystemParts::create_relationship(Caller caller, CreateRelationship request) {
  constexpr SideNames of_source{"SourceGroup", "SourceStorageElements", "SourceReplicationGroupFriendlyName", "SourceReplicationGroupSettings"};
  constexpr SideNames of_target{"TargetGroup", "TargetStorageElements", "TargetReplicationGroupFriendlyName", "TargetReplicationGroupSettings"};
  CO_ASK_VOID(require(caller, RoleName::operate, "creating a relationship"));
  CreateReplica& replica = request.replica;
  if (!request.source.group && request.source.volumes.empty())
    co_return bad_parameter("SourceStorageElements", "SourceStorageElements is missing", "Name the volumes, or an existing SourceGroup.");
  bool target_here = request.target.group || !request.target.volumes.empty();
  const std::optional<std::string>& system = replica.target_system;
  bool remote = system && !system->empty() && *system != self_.name && *system != text_of(self_.id);
  std::string given = request.target.group ? "TargetGroup" : "TargetStorageElements";
  if (target_here && remote) co_return bad_parameter(given, given + " is of this system, TargetStorageSystem is another", "Leave one of them out.");
  if (!request.target.volumes.empty() && replica.target_pool)
    co_return bad_parameter("TargetStoragePool", "TargetStorageElements and TargetStoragePool exclude each other", "Give one of them.");
  std::string name = replica.relationship_name.value_or("");
  CreateRelationship::Side source_side = std::move(request.source);
  CO_ASK(Alone source, co_await side_of(caller, std::move(source_side), of_source, name));
  std::vector<std::string> made;
  if (source.made) made.push_back(source.pool + "/" + source.group);
  std::optional<std::string> target_name = request.target.name;
  std::string otherwise = (name.empty() ? source.group : name) + "-target";
  CreateRelationship::Side target_side = std::move(request.target);
  Answer<Alone> target = co_await side_of(caller, std::move(target_side), of_target, std::move(otherwise));
  Answer<Outcome> outcome;
  if (target) {
    if (target->made) made.push_back(target->pool + "/" + target->group);
    replica.pool = source.pool;
    replica.group = source.group;
    if (target_here) {
      replica.target_group = target->pool + "/" + target->group;
      replica.target_group_exists = true;
      replica.target_pool.reset();
    } else if (target_name && !target_name->empty()) {
      replica.target_group = std::move(target_name);
    }
    outcome = co_await relationships_->create(std::move(caller), std::move(replica), made);
  } else {
    outcome = refuse(std::move(target).error());
  }
  if (outcome) co_return outcome;
  for (const std::string& group : made) ignore(co_await storage_->delete_group(group), "it harms nobody, and the first refusal is the one to tell");
  if (outcome.error().parameter == "TargetGroupObject" && target_here) outcome.error().parameter = std::move(given);
  co_return outcome;
}

rt::Task<Answer<Outcome>> SystemParts::remove_relationship(Caller caller, std::string relationship) { return relationships_->remove(std::move(caller), std::move(relationship)); }

rt::Task<Answer<Outcome>> SystemParts::set_pairs(Caller caller, std::string relationship, std::uint16_t operation, std::vector<std::string> volumes) {
  return relationships_->operate_pairs(std::move(caller), std::move(relationship), operation, std::move(volumes));
}

}  // namespace lockstep::manage
