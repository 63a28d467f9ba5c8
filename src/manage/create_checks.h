// The checks of MSFT_SMReplicationGroup.CreateReplica, in the order in which the model makes them; the first that fails answers.
// Private to manage. Pure: everything that must be known is gathered before, so that each rule is tested without a pool or a peer.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "manage/manage.h"

namespace lockstep::manage {

// A group as far as pairing with it matters.
struct GroupFacts {
  std::string name;                      // POOL/NAME
  std::vector<Bytes> sizes;              // of its members, in order
  std::vector<VolumeId> members;
  bool is_target = false;                // of some relationship, or not writable
};

// What was found out about a call before any rule is applied.
struct CreateFacts {
  CreateReplica request;
  Caller caller;
  std::optional<Refusal> credentials;    // user and password of the call were given and are wrong
  std::optional<Refusal> no_group;       // the source group was not found
  GroupFacts source;
  PoolId source_pool;
  GroupId source_group;
  SystemId target_system;
  bool local = true;
  std::optional<Refusal> no_system;      // TargetStorageSystem names nobody
  std::optional<Refusal> unreachable;    // nobody answers there: what follows is not known
  std::string system_name;               // of the target
  std::vector<replica::Engine::RemotePool> target_pools;
  std::optional<GroupFacts> target_group;          // known for local targets only
  bool no_target_group = false;          // TargetGroupObject was given, and is not there
  bool target_is_source = false;         // the very same group
  bool cycle = false;                    // the target is, by some way, where the source's data come from
  std::vector<std::string> relationship_names;     // in use here
  std::optional<Refusal> no_room;        // the source's pool is nearly full, and the type begins as a snapshot there
  std::optional<Bytes> bytes_needed;     // to copy at first, if that could be found out
};

struct CreateCheck {
  unsigned number;                       // in the model's order
  std::string_view about;
  Answer<> (*run)(const CreateFacts& facts);
};
[[nodiscard]] std::span<const CreateCheck> create_checks();

// All of them, in order.
[[nodiscard]] Answer<> check_create(const CreateFacts& facts);

// What the parameters come to once they passed: defaults filled in.
[[nodiscard]] replica::SyncType sync_type_of(const CreateReplica& request);
[[nodiscard]] replica::Settings settings_of(const CreateReplica& request);

// The rule for TargetElementSupplier and ThinProvisioningPolicy; 0: the default.
[[nodiscard]] Answer<> check_settings(std::uint16_t supplier, std::uint16_t policy);

// The rule for Mode and RecoveryPointObjective together.
[[nodiscard]] Answer<> check_recovery_point(replica::SyncType type, replica::Mode mode, std::optional<std::uint32_t> seconds);

}  // namespace lockstep::manage
