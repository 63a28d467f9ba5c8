// ObjectIds: "Lockstep:KIND:..." of the ids that the objects have anyway, so that one means the same over restarts, and on other systems.
// Private to cim.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/base.h"

namespace lockstep::cim::model {

inline constexpr std::string_view system_class = "MSFT_SMSystem";
inline constexpr std::string_view pool_class = "MSFT_SMPool";
inline constexpr std::string_view pool_setting_class = "MSFT_SMPoolSetting";
inline constexpr std::string_view volume_class = "MSFT_SMStorageVolume";
inline constexpr std::string_view group_class = "MSFT_SMReplicationGroup";
inline constexpr std::string_view peer_class = "MSFT_SMReplicaPeer";
inline constexpr std::string_view settings_class = "MSFT_SMReplicationSettings";
inline constexpr std::string_view job_class = "MSFT_SMJob";
inline constexpr std::string_view endpoint_class = "MSFT_SMEndpoint";
inline constexpr std::string_view storage_group_class = "MSFT_SMStorageGroup";

[[nodiscard]] inline std::string object_id(std::string_view kind, std::string_view rest) { return "Lockstep:" + std::string(kind) + ":" + std::string(rest); }
[[nodiscard]] inline std::string id_of(SystemId id) { return object_id("System", text_of(id)); }
[[nodiscard]] inline std::string id_of(PoolId id) { return object_id("Pool", text_of(id)); }
[[nodiscard]] inline std::string id_of(VolumeUuid id) { return object_id("Volume", text_of(id)); }
[[nodiscard]] inline std::string id_of(GroupId id) { return object_id("Group", text_of(id)); }
[[nodiscard]] inline std::string id_of(JobId id) { return object_id("Job", text_of(id)); }
[[nodiscard]] inline std::string setting_id_of(PoolId id) { return object_id("PoolSetting", text_of(id)); }
[[nodiscard]] inline std::string settings_id_of(GroupId id) { return object_id("ReplicationSettings", text_of(id)); }
// Handles: on a system; on the far group of a relationship, seen from the end named; on one volume of it.
[[nodiscard]] inline std::string peer_id_of(SystemId id) { return object_id("PeerSystem", text_of(id)); }
[[nodiscard]] inline std::string peer_id_of(RelationshipId id, bool of_target) { return object_id("PeerGroup", text_of(id) + (of_target ? ":target" : ":source")); }
[[nodiscard]] inline std::string peer_id_of(RelationshipId id, VolumeUuid far) { return object_id("PeerVolume", text_of(id) + ":" + text_of(far)); }

// What an ObjectId is of, and the ids in it. Nothing: it was never one of ours.
struct ParsedId {
  std::string kind;
  std::string rest;
};
[[nodiscard]] inline std::optional<ParsedId> parse_object_id(std::string_view text) {
  constexpr std::string_view prefix = "Lockstep:";
  if (!text.starts_with(prefix)) return std::nullopt;
  text.remove_prefix(prefix.size());
  std::size_t colon = text.find(':');
  if (colon == std::string_view::npos) return std::nullopt;
  return ParsedId{std::string(text.substr(0, colon)), std::string(text.substr(colon + 1))};
}

}  // namespace lockstep::cim::model
