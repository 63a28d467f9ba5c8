// Refusals in a few words. Private to manage.
#pragma once

#include <expected>
#include <string>
#include <utility>

#include "manage/manage.h"

namespace lockstep::manage {

[[nodiscard]] inline std::unexpected<Refusal> refuse(Refusal refusal) { return std::unexpected(std::move(refusal)); }
[[nodiscard]] inline std::unexpected<Refusal> refuse(const Error& error, std::string parameter) {
  return std::unexpected(refusal_of(error, std::move(parameter)));
}

// A rule for a parameter is broken (5).
[[nodiscard]] std::unexpected<Refusal> bad_parameter(std::string parameter, std::string message, std::string next_step = {});
// Something that was named does not exist (8).
[[nodiscard]] std::unexpected<Refusal> no_such(std::string what, std::string name, std::string parameter = {});
// The name is taken (5).
[[nodiscard]] std::unexpected<Refusal> taken(std::string what, std::string name, std::string parameter);
// Not now (4).
[[nodiscard]] std::unexpected<Refusal> wrong_state(std::string object, std::string message, std::string next_step = {});

// Whether the caller may do what takes `least`.
[[nodiscard]] Answer<> require(const Caller& caller, RoleName least, std::string_view what);

}  // namespace lockstep::manage

// As TRY, for answers and inside coroutines.
#define CO_ASK(declaration, ...) CO_TRY(declaration, __VA_ARGS__)
#define CO_ASK_VOID(...) CO_TRY_VOID(__VA_ARGS__)
