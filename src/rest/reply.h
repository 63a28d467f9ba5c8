// Replies and errors as Redfish wants them. Private to rest.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "http/http.h"
#include "manage/manage.h"
#include "rest/json.h"

namespace lockstep::rest {

struct Reply {
  unsigned status = 200;
  json::object body;                   // empty: none
  std::vector<http::Field> fields;
  std::optional<http::Response> raw;   // instead of all of the above
};

[[nodiscard]] Reply ok(json::object body);
[[nodiscard]] Reply created(std::string location, json::object body);
[[nodiscard]] Reply no_content();

// The object that a refusal names is the one of the URL (404) or one of the body (400).
enum class Named { by_url, by_body };
[[nodiscard]] Reply refused(const manage::Refusal& refusal, Named named = Named::by_body);

// Base messages: what is wrong with the request as such.
[[nodiscard]] Reply base_error(unsigned status, std::string_view key, std::string message, std::vector<std::string> args = {}, std::string_view resolution = {});
[[nodiscard]] Reply no_such_resource(std::string_view path);

// One entry of @Message.ExtendedInfo; tasks carry it too.
[[nodiscard]] json::object message_of(const manage::Refusal& refusal);
[[nodiscard]] std::string_view message_key_of(const manage::Refusal& refusal) noexcept;   // of the registry Lockstep.1.0
[[nodiscard]] unsigned status_of(const manage::Refusal& refusal, Named named) noexcept;   // total

}  // namespace lockstep::rest
