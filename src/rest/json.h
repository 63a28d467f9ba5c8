// JSON and the few texts that all resources share. Private to rest.
#pragma once

#include <boost/json.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "base/base.h"

namespace lockstep::rest {

namespace json = boost::json;

// As Boost.JSON, but with numbers as people write them: 0.5, not 5E-1.
[[nodiscard]] std::string text_of_json(const json::value& value);

[[nodiscard]] std::string time_text(WallTime time);                          // 2026-01-31T12:00:00.000000Z
[[nodiscard]] json::value time_or_null(WallTime time);                       // 0 is null
[[nodiscard]] json::value text_or_null(std::string_view text);               // "" is null
[[nodiscard]] inline json::object link(std::string path) { return {{"@odata.id", std::move(path)}}; }
[[nodiscard]] inline std::uint64_t bytes(Bytes value) { return value.value; }

inline constexpr std::string_view root_path = "/redfish/v1";
inline constexpr std::string_view storage_path = "/redfish/v1/Storage/Lockstep";
inline constexpr std::string_view oem_path = "/redfish/v1/Oem/Lockstep";

[[nodiscard]] std::string pool_path(std::string_view pool);
[[nodiscard]] std::string volume_path(std::string_view pool, std::string_view volume);
[[nodiscard]] std::string group_path(std::string_view pool, std::string_view group);
[[nodiscard]] std::string snapshot_path(std::string_view pool, std::string_view group, std::string_view snapshot);
[[nodiscard]] std::string recovery_points_path(std::string_view pool, std::string_view group);
[[nodiscard]] std::string drill_path(std::string_view pool, std::string_view group);
[[nodiscard]] std::string relationship_path(std::string_view name);
[[nodiscard]] std::string peer_path(std::string_view name);
[[nodiscard]] std::string task_path(std::string_view id);
[[nodiscard]] std::string monitor_path(std::string_view id);

// "p/data" of "p:data" (the Id of a volume or group); other texts stay.
[[nodiscard]] std::string name_of_id(std::string_view id);
// What a body calls an object: a name as it is, or the name behind a path ("/redfish/v1/…/p:data").
[[nodiscard]] std::string name_of_reference(std::string_view text);

}  // namespace lockstep::rest
