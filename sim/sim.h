// Sim: one seed of a whole cluster.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace lockstep::sim {

struct Outcome {
  std::optional<std::string> failure;   // what promise was broken, or what should have worked
  bool broke_a_promise = false;
  std::uint64_t event_hash = 0;
  std::uint64_t writes = 0, answers = 0, faults = 0;
};

// Two systems, a mirror, a load, faults and operations; every promise is checked after every step that can break it.
[[nodiscard]] Outcome run_seed(std::uint64_t seed, bool verbose);

// Three systems: two targets of one source, or a cascade; modes mixed, Adaptive and pacing among them.
[[nodiscard]] Outcome run_trio_seed(std::uint64_t seed, bool verbose);

}  // namespace lockstep::sim
