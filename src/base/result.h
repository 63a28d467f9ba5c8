// Result<T>: a value, or an Error that some caller can act on.
#pragma once

#include <expected>
#include <string>
#include <string_view>
#include <utility>

#include "base/check.h"

namespace lockstep {

// A code exists only because some caller acts on it. Front ends map codes to their own by a total function.
enum class Code {
  invalid,       // a parameter is wrong: retrying the same call cannot help
  not_found,     // no object of that name or id
  exists,        // an object of that name is already there
  busy,          // legal, but not in the present state or while something else runs
  denied,        // credentials or role do not allow it
  unsupported,   // known, and not offered here
  read_only,     // the volume (or the whole pool) may not be written now
  out_of_range,  // beyond the end of the object
  no_space,      // capacity, budget or reserve exhausted
  unreachable,   // nobody answers, or the connection is gone
  timeout,       // no answer inside the bound
  cancelled,     // asked to stop
  corrupt,       // bytes do not match their checksum or their format
  io,            // the operating system or the device failed
  changed,       // the object changed since it was looked at; look again
};

[[nodiscard]] std::string_view name_of(Code code) noexcept;

// `message` names the object, the cause and, where one exists, the next step. Never told apart by its text.
struct [[nodiscard]] Error {
  Code code = Code::io;
  std::string message;

  // "append: segment 7: disk full" is built from the inside out.
  [[nodiscard]] Error in(std::string_view context) const& { return Error{code, std::string(context) + ": " + message}; }
};

template <class T = void>
using Result = std::expected<T, Error>;

[[nodiscard]] inline std::unexpected<Error> fail(Code code, std::string message) {
  return std::unexpected(Error{code, std::move(message)});
}
[[nodiscard]] inline std::unexpected<Error> fail(Error error) { return std::unexpected(std::move(error)); }

// A deliberate discard, with its reason next to it.
template <class T>
void ignore(T&&, std::string_view /*why*/) noexcept {}

}  // namespace lockstep

// TRY(value, expression): in a plain function; returns the error with its context kept.
// CO_TRY is the same inside a coroutine. TRY_VOID / CO_TRY_VOID when there is no value.
#define LOCKSTEP_CONCAT_(a, b) a##b
#define LOCKSTEP_CONCAT(a, b) LOCKSTEP_CONCAT_(a, b)
#define LOCKSTEP_TRY_(ret, temp, declaration, ...)                   \
  auto temp = (__VA_ARGS__);                                         \
  if (!temp) ret ::std::unexpected(::std::move(temp).error());       \
  declaration = *::std::move(temp)
#define LOCKSTEP_TRY_VOID_(ret, temp, ...)                                                                        \
  do {                                                                                                            \
    if (auto temp = (__VA_ARGS__); !temp) ret ::std::unexpected(::std::move(temp).error());                       \
  } while (false)
#define TRY(declaration, ...) LOCKSTEP_TRY_(return, LOCKSTEP_CONCAT(try_, __COUNTER__), declaration, __VA_ARGS__)
#define CO_TRY(declaration, ...) LOCKSTEP_TRY_(co_return, LOCKSTEP_CONCAT(try_, __COUNTER__), declaration, __VA_ARGS__)
#define TRY_VOID(...) LOCKSTEP_TRY_VOID_(return, LOCKSTEP_CONCAT(try_, __COUNTER__), __VA_ARGS__)
#define CO_TRY_VOID(...) LOCKSTEP_TRY_VOID_(co_return, LOCKSTEP_CONCAT(try_, __COUNTER__), __VA_ARGS__)
