// For tests over os/sim: the seed of this run, and values that must be there.
#pragma once

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <utility>

#include "base/base.h"

namespace lockstep::os::sim {

// LOCKSTEP_SEED when it is set, else always the same. `salt` tells cases of one test apart.
inline std::uint64_t test_seed(std::uint64_t salt = 0) {
  const char* given = std::getenv("LOCKSTEP_SEED");   // NOLINT(concurrency-mt-unsafe): nobody here sets variables
  std::uint64_t seed = given != nullptr ? std::strtoull(given, nullptr, 0) : 20260101;
  return seed * 1000003 + salt;
}

// The value, or the end of the test program with the error's words.
template <class T>
T must(Result<T> result) {
  if (!result) {
    std::fprintf(stderr, "must: %.*s: %s\n", static_cast<int>(name_of(result.error().code).size()),
                 name_of(result.error().code).data(), result.error().message.c_str());
    std::abort();
  }
  if constexpr (!std::is_void_v<T>) return *std::move(result);
}

}  // namespace lockstep::os::sim
