// Sim: one seed of a whole cluster.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace lockstep::sim {

class Story;

struct Outcome {
  std::optional<std::string> failure;   // what promise was broken, or what should have worked
  bool broke_a_promise = false;
  std::uint64_t event_hash = 0;
  std::uint64_t writes = 0, answers = 0, faults = 0;
};

struct Scenario {
  std::string_view name;
  unsigned share;   // of the seeds that ask for none, beside the other scenarios' shares
  std::unique_ptr<Story> (*make)(std::uint64_t seed, bool verbose);
};
[[nodiscard]] std::span<const Scenario> scenarios();
[[nodiscard]] const Scenario& scenario_of(std::uint64_t seed);
[[nodiscard]] const Scenario* scenario_named(std::string_view name);   // null: there is none

// Every promise is checked after every step that can break it.
[[nodiscard]] Outcome run_seed(const Scenario& scenario, std::uint64_t seed, bool verbose);

// A file each.
[[nodiscard]] std::unique_ptr<Story> make_pair_story(std::uint64_t seed, bool verbose);
[[nodiscard]] std::unique_ptr<Story> make_trio_story(std::uint64_t seed, bool verbose);
[[nodiscard]] std::unique_ptr<Story> make_roles_story(std::uint64_t seed, bool verbose);
[[nodiscard]] std::unique_ptr<Story> make_pairs_story(std::uint64_t seed, bool verbose);
[[nodiscard]] std::unique_ptr<Story> make_members_story(std::uint64_t seed, bool verbose);
[[nodiscard]] std::unique_ptr<Story> make_points_story(std::uint64_t seed, bool verbose);
[[nodiscard]] std::unique_ptr<Story> make_damage_story(std::uint64_t seed, bool verbose);
[[nodiscard]] std::unique_ptr<Story> make_full_story(std::uint64_t seed, bool verbose);

}  // namespace lockstep::sim
