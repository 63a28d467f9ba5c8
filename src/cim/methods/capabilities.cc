// MSFT_SMReplicationCapabilities: what is answered comes from the table that operations are checked with, so that the two cannot differ.
#include <algorithm>
#include <set>

#include "cim/methods/invocation.h"

namespace lockstep::cim::model {

namespace {

using replica::CopyState;
using replica::Mode;
using replica::Operation;
using replica::SyncType;

// 2 to 17: type by type, Synchronous and Asynchronous, local before remote; 18 to 25: Adaptive.
struct ReplicationType {
  SyncType type;
  Mode mode;
  bool remote;
};
std::optional<ReplicationType> replication_type(std::uint64_t number) {
  auto type_at = [](std::uint64_t i) { return static_cast<SyncType>(static_cast<std::uint64_t>(SyncType::mirror) + i); };
  if (number >= 2 && number <= 17) return ReplicationType{type_at((number - 2) / 4), number % 2 == 0 ? Mode::synchronous : Mode::asynchronous, (number - 2) % 4 >= 2};
  if (number >= 18 && number <= 25) return ReplicationType{type_at((number - 18) / 2), Mode::adaptive, number % 2 == 1};
  return std::nullopt;
}

std::vector<std::uint64_t> operations(SyncType type, bool group) {
  std::vector<std::uint64_t> out;
  for (Operation operation : replica::operations_of(type))
    if (group || !replica::group_only(operation)) out.push_back(static_cast<std::uint64_t>(operation));
  return out;
}

// States in which something can be done, and those that operations lead to.
std::vector<std::uint64_t> copy_states(SyncType type, bool group) {
  std::set<std::uint64_t> out;
  for (Operation operation : replica::operations_of(type))
    for (CopyState state : replica::states_allowing(type, operation, true)) {
      out.insert(static_cast<std::uint64_t>(state));
      replica::Cell cell = replica::cell(type, operation, state);
      if (cell.to != CopyState::not_applicable) out.insert(static_cast<std::uint64_t>(cell.to));
      if (cell.kind == replica::Cell::Kind::copies) out.insert(static_cast<std::uint64_t>(CopyState::unsynchronized));
    }
  if (group) out.insert(static_cast<std::uint64_t>(CopyState::mixed));
  return {out.begin(), out.end()};
}

// Features "Reverse Roles requires ... state", numbered in this order from `first`.
void add_reverse_states(std::vector<std::uint64_t>& out, SyncType type, std::uint64_t first) {
  std::vector<CopyState> allowed = replica::states_allowing(type, Operation::reverse_roles, true);
  for (CopyState state : {CopyState::synchronized, CopyState::fractured, CopyState::split, CopyState::failedover, CopyState::suspended}) {
    if (std::ranges::find(allowed, state) != allowed.end()) out.push_back(first);
    ++first;
  }
}

std::vector<std::uint64_t> features(const ReplicationType& of) {
  enum : std::uint64_t { groups = 2, multi_hop = 3, any_pool = 8, automatic_recovery = 15, clone_detaches = 18, reverse_synchronized = 29, remote_target = 35, remote_elements = 42, element_name = 51 };
  std::vector<std::uint64_t> out{groups, multi_hop, any_pool};
  if (of.type == SyncType::mirror) out.push_back(automatic_recovery);
  if (of.type == SyncType::clone || of.type == SyncType::tokenized_clone) out.push_back(clone_detaches);
  if (of.type == SyncType::mirror) add_reverse_states(out, of.type, reverse_synchronized);
  if (of.remote) out.insert(out.end(), {remote_target, remote_elements});
  else out.push_back(element_name);
  return out;
}

std::vector<std::uint64_t> group_features(const ReplicationType& of) {
  enum : std::uint64_t { one_to_many = 2, always_consistent = 4, empty_groups = 5, multihop = 8, nameable = 14, clone_detaches = 16, consistent_token = 25, reverse_synchronized = 27,
                         remote_target = 33, makes_remote = 37, makes_local = 38, relationship_name = 56 };
  std::vector<std::uint64_t> out{one_to_many, always_consistent, empty_groups, multihop, nameable};
  if (of.type == SyncType::clone || of.type == SyncType::tokenized_clone) out.push_back(clone_detaches);
  if (of.type == SyncType::tokenized_clone) out.push_back(consistent_token);
  if (of.type == SyncType::mirror) add_reverse_states(out, of.type, reverse_synchronized);
  if (of.remote) out.insert(out.end(), {remote_target, makes_remote});
  else out.push_back(makes_local);
  out.push_back(relationship_name);
  return out;
}

using List = std::vector<std::uint64_t> (*)(const ReplicationType& of);
Done listed(const Invocation& call, std::string_view output, List list) {
  std::optional<std::uint64_t> number = call.in.number("ReplicationType");
  std::optional<ReplicationType> of = number ? replication_type(*number) : std::nullopt;
  if (!of) return bad("ReplicationType", number ? "ReplicationType " + std::to_string(*number) + " is not one of 2 to 25" : "ReplicationType is missing", "Give one that SupportedReplicationTypes has.");
  Done done;
  done.set(output, numbers(list(*of)));
  return done;
}

rt::Task<Done> supported_operations(Invocation& call) {
  co_return listed(call, "SupportedOperations", [](const ReplicationType& of) { return operations(of.type, false); });
}
rt::Task<Done> supported_group_operations(Invocation& call) {
  co_return listed(call, "SupportedGroupOperations", [](const ReplicationType& of) { return operations(of.type, true); });
}
rt::Task<Done> supported_copy_states(Invocation& call) {
  co_return listed(call, "SupportedCopyStates", [](const ReplicationType& of) { return copy_states(of.type, false); });
}
rt::Task<Done> supported_group_copy_states(Invocation& call) {
  co_return listed(call, "SupportedCopyStates", [](const ReplicationType& of) { return copy_states(of.type, true); });
}
rt::Task<Done> supported_features(Invocation& call) { co_return listed(call, "Features", features); }
rt::Task<Done> supported_group_features(Invocation& call) { co_return listed(call, "GroupFeatures", group_features); }

// A range where an age can be asked for; else the one value 0.
rt::Task<Done> recovery_points(Invocation& call) {
  constexpr std::uint64_t range = 0, discrete = 1, usual = 30, most = 86400;
  auto has_range = [](const ReplicationType& of) { return of.type == SyncType::mirror && of.mode != Mode::synchronous; };
  Done done = listed(call, "RecoveryPointValues", [](const ReplicationType&) { return std::vector<std::uint64_t>{0}; });
  if (done.refusal) co_return done;
  bool ranges = has_range(*replication_type(*call.in.number("ReplicationType")));
  if (ranges) done.out.front().second = numbers({1, most});
  done.set("DefaultRecoveryPoint", number(ranges ? usual : 0)).set("RecoveryPointIndicator", number(ranges ? range : discrete));
  co_return done;
}

constexpr std::string_view cls = "MSFT_SMReplicationCapabilities";
constexpr MethodEntry entries[] = {
    {cls, "GetSupportedOperations", supported_operations},   {cls, "GetSupportedGroupOperations", supported_group_operations},
    {cls, "GetSupportedCopyStates", supported_copy_states},  {cls, "GetSupportedGroupCopyStates", supported_group_copy_states},
    {cls, "GetSupportedFeatures", supported_features},       {cls, "GetSupportedGroupFeatures", supported_group_features},
    {cls, "GetRecoveryPointData", recovery_points},
};

}  // namespace

std::span<const MethodEntry> capabilities_methods() { return entries; }

}  // namespace lockstep::cim::model
