#include "manage/create_checks.h"

#include <algorithm>

#include "manage/refusal.h"

namespace lockstep::manage {

namespace {

constexpr std::uint32_t rpo_default = 30;
constexpr std::uint32_t rpo_most = 86400;

bool point_in_time(replica::SyncType type) { return type != replica::SyncType::mirror; }

Answer<> rights(const CreateFacts& facts) {
  if (auto answer = require(facts.caller, RoleName::operate, "creating a replica"); !answer) return answer;
  if (facts.credentials) return refuse(*facts.credentials);
  return {};
}

Answer<> source_exists(const CreateFacts& facts) {
  if (facts.no_group) return refuse(*facts.no_group);
  return {};
}

Answer<> type_and_mode_known(const CreateFacts& facts) {
  const CreateReplica& request = facts.request;
  if (!request.sync_type) return bad_parameter("SyncType", "SyncType is missing", "Give Mirror (6), Snapshot (7), Clone (8) or TokenizedClone (9).");
  if (*request.sync_type < 6 || *request.sync_type > 9)
    return bad_parameter("SyncType", "SyncType " + std::to_string(*request.sync_type) + " is not one of 6, 7, 8, 9", "Give Mirror (6), Snapshot (7), Clone (8) or TokenizedClone (9).");
  if (request.mode && *request.mode != 0 && (*request.mode < 2 || *request.mode > 4))
    return bad_parameter("Mode", "Mode " + std::to_string(*request.mode) + " is not one of 2, 3, 4", "Give Synchronous (2), Asynchronous (3) or Adaptive (4), or leave it out.");
  return {};
}

Answer<> source_has_volumes(const CreateFacts& facts) {
  if (facts.source.members.empty()) return bad_parameter("this", "group '" + facts.source.name + "' has no volumes", "Add its volumes first.");
  return {};
}

Answer<> system_known(const CreateFacts& facts) {
  if (facts.no_system) return refuse(*facts.no_system);
  return {};
}

Answer<> target_group_exists(const CreateFacts& facts) {
  if (facts.no_target_group) return no_such("group", *facts.request.target_group, "TargetGroupObject");
  return {};
}

Answer<> target_group_has_as_many(const CreateFacts& facts) {
  if (!facts.target_group || facts.target_group->members.empty()) return {};
  std::size_t here = facts.source.members.size();
  std::size_t there = facts.target_group->members.size();
  if (here == there) return {};
  return bad_parameter("TargetGroupObject", "group '" + facts.target_group->name + "' has " + std::to_string(there) + " volumes, '" + facts.source.name + "' has " + std::to_string(here),
                       "Pair groups of as many volumes, in the same order, or name an empty group.");
}

Answer<> targets_large_enough(const CreateFacts& facts) {
  if (!facts.target_group || facts.target_group->members.empty()) return {};
  for (std::size_t i = 0; i < facts.source.sizes.size() && i < facts.target_group->sizes.size(); ++i)
    if (facts.target_group->sizes[i] < facts.source.sizes[i])
      return bad_parameter("TargetGroupObject", "volume " + std::to_string(i + 1) + " of group '" + facts.target_group->name + "' has " + std::to_string(facts.target_group->sizes[i].value) +
                               " bytes, its source has " + std::to_string(facts.source.sizes[i].value), "Grow it, or name an empty group.");
  return {};
}

Answer<> target_is_free(const CreateFacts& facts) {
  if (facts.target_is_source) return bad_parameter("TargetGroupObject", "group '" + facts.source.name + "' cannot be its own target", "Name another group, or none.");
  if (facts.cycle) return bad_parameter("TargetGroupObject", "group '" + facts.source.name + "' gets its data from '" + facts.target_group->name + "': that would be a circle", "Name another group, or none.");
  if (facts.target_group && facts.target_group->is_target) return wrong_state("TargetGroupObject", "group '" + facts.target_group->name + "' is a target already", "Name another group, or none.");
  return {};
}

Answer<> supplier_finds_something(const CreateFacts& facts) {
  std::uint16_t supplier = facts.request.target_element_supplier.value_or(0);
  bool given = facts.request.target_pool || facts.request.target_group;
  if (supplier == 5 && !given) return bad_parameter("ReplicationSettings", "TargetElementSupplier 5 says that the caller names the target, and none is named", "Name a TargetGroupObject or a TargetStoragePool.");
  bool volumes_given = facts.target_group && !facts.target_group->members.empty();
  bool maybe_given = volumes_given || (!facts.local && facts.request.target_group);   // of another system: it says so itself
  if (supplier == 1 && !maybe_given) return bad_parameter("ReplicationSettings", "TargetElementSupplier 1 allows existing volumes only, and none is named", "Name a TargetGroupObject with volumes.");
  return {};
}

const replica::Engine::RemotePool* named_pool(const CreateFacts& facts) {
  if (!facts.request.target_pool) return nullptr;
  for (const auto& pool : facts.target_pools)
    if (pool.name == *facts.request.target_pool || text_of(pool.id) == *facts.request.target_pool) return &pool;
  return nullptr;
}

// A pool beside a group that has volumes is ignored, as the model says.
bool pool_matters(const CreateFacts& facts) { return !facts.unreachable && !(facts.target_group && !facts.target_group->members.empty()); }

Answer<> pool_exists(const CreateFacts& facts) {
  if (!pool_matters(facts) || !facts.request.target_pool || named_pool(facts)) return {};
  return refuse(Refusal{ReturnCode::not_found, "system '" + facts.system_name + "' has no pool '" + *facts.request.target_pool + "'", facts.local ? where_listed("pool") : "`lockstep peer show " + facts.system_name + "` lists its pools.", "TargetStoragePool", Code::not_found});
}

Answer<> pool_has_space(const CreateFacts& facts) {
  if (facts.no_room) return refuse(*facts.no_room);
  if (!pool_matters(facts) || !facts.bytes_needed) return {};
  Bytes most{0};
  std::string where = "system '" + facts.system_name + "'";
  if (const auto* pool = named_pool(facts)) {
    most = pool->free;
    where = "pool '" + pool->name + "' of " + where;
  } else {
    for (const auto& candidate : facts.target_pools) most = std::max(most, candidate.free);
  }
  if (*facts.bytes_needed <= most) return {};
  return refuse(Refusal{ReturnCode::insufficient_resources, where + " has " + std::to_string(most.value) + " bytes free; " + std::to_string(facts.bytes_needed->value) + " are needed",
                        "Free space there, or name another pool.", "TargetStoragePool", Code::no_space});
}

Answer<> recovery_point(const CreateFacts& facts) {
  return check_recovery_point(sync_type_of(facts.request), settings_of(facts.request).mode, facts.request.rpo_seconds);
}

Answer<> settings_known(const CreateFacts& facts) {
  return check_settings(facts.request.target_element_supplier.value_or(0), facts.request.thin_provisioning_policy.value_or(0));
}

Answer<> name_free(const CreateFacts& facts) {
  if (!facts.request.relationship_name || facts.request.relationship_name->empty()) return {};
  const std::string& name = *facts.request.relationship_name;
  if (!good_name(name)) return bad_parameter("RelationshipName", "'" + name + "' is no name for a relationship", "1 to 100 letters, digits, '.', '_' or '-', not starting with '.' or '-'.");
  if (std::ranges::find(facts.relationship_names, name) != facts.relationship_names.end()) return taken("relationship", name, "RelationshipName");
  return {};
}

Answer<> reachable(const CreateFacts& facts) {
  if (facts.unreachable) return refuse(*facts.unreachable);
  return {};
}

constexpr CreateCheck checks[] = {
    {1, "rights and credentials", rights},
    {2, "the source group", source_exists},
    {3, "SyncType and Mode", type_and_mode_known},
    {6, "volumes of the source group", source_has_volumes},
    {7, "TargetStorageSystem", system_known},
    {9, "TargetGroupObject", target_group_exists},
    {12, "as many targets as sources", target_group_has_as_many},
    {13, "sizes", targets_large_enough},
    {14, "targets in use", target_is_free},
    {15, "who supplies the target", supplier_finds_something},
    {16, "TargetStoragePool", pool_exists},
    {17, "space", pool_has_space},
    {18, "RecoveryPointObjective", recovery_point},
    {19, "ReplicationSettings", settings_known},
    {20, "RelationshipName", name_free},
    {21, "the other system answers", reachable},
};

}  // namespace

std::span<const CreateCheck> create_checks() { return checks; }

Answer<> check_create(const CreateFacts& facts) {
  for (const CreateCheck& check : checks)
    if (Answer<> answer = check.run(facts); !answer) return answer;
  return {};
}

replica::SyncType sync_type_of(const CreateReplica& request) { return static_cast<replica::SyncType>(request.sync_type.value_or(6)); }

replica::Settings settings_of(const CreateReplica& request) {
  replica::Settings settings;
  bool pit = point_in_time(sync_type_of(request));
  if (request.mode && *request.mode != 0) settings.mode = static_cast<replica::Mode>(*request.mode);
  else settings.mode = pit ? replica::Mode::synchronous : replica::Mode::asynchronous;
  std::uint32_t rpo = request.rpo_seconds.value_or(0);
  settings.rpo_seconds = pit || settings.mode == replica::Mode::synchronous ? 0 : rpo == 0 ? rpo_default : rpo;
  settings.on_link_loss = request.on_link_loss.value_or(replica::LinkLoss::go_on);
  settings.on_rpo = request.on_rpo.value_or(replica::RpoAction::alert);
  settings.limit_per_second = request.limit_per_second.value_or(Bytes{0});
  settings.journal_budget = request.journal_budget.value_or(Bytes{0});
  settings.schedule = request.schedule.value_or(replica::Schedule{});
  settings.compress = request.compress.value_or(false);
  settings.adaptive_bound_ms = request.adaptive_bound_ms.value_or(settings.adaptive_bound_ms);
  return settings;
}

Answer<> check_settings(std::uint16_t supplier, std::uint16_t policy) {
  if (supplier > 5) return bad_parameter("ReplicationSettings", "TargetElementSupplier " + std::to_string(supplier) + " is not one of 1 to 5", "Give 4 or leave it out: the system decides.");
  if (policy != 0 && (policy < 2 || policy > 7)) return bad_parameter("ReplicationSettings", "ThinProvisioningPolicy " + std::to_string(policy) + " is not one of 2 to 7", "Give 7 or leave it out: the system decides.");
  if (policy == 3)
    return refuse(Refusal{ReturnCode::not_supported, "ThinProvisioningPolicy 3: volumes here are always thin", "Give 2, 5, 6 or 7, or leave it out.", "ReplicationSettings", Code::unsupported});
  return {};
}

Answer<> check_recovery_point(replica::SyncType type, replica::Mode mode, std::optional<std::uint32_t> seconds) {
  std::uint32_t rpo = seconds.value_or(0);
  if (rpo == 0) return {};
  std::string given = "RecoveryPointObjective " + std::to_string(rpo);
  if (point_in_time(type)) return bad_parameter("RecoveryPointObjective", given + " means nothing for a " + std::string(replica::name_of(type)), "Give 0 or leave it out.");
  if (mode == replica::Mode::synchronous) return bad_parameter("RecoveryPointObjective", given + ": Synchronous has none but 0", "Give 0, or Mode Asynchronous or Adaptive.");
  if (rpo > rpo_most) return bad_parameter("RecoveryPointObjective", given + " is more than " + std::to_string(rpo_most) + " seconds", "Give 1 to 86400 seconds, or 0 for the default of 30.");
  return {};
}

}  // namespace lockstep::manage
