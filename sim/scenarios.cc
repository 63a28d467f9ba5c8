#include <array>

#include "sim/sim.h"
#include "sim/story.h"

namespace lockstep::sim {
namespace {

constexpr std::array all{
    Scenario{"pair", 4, make_pair_story},
    Scenario{"trio", 2, make_trio_story},
    Scenario{"roles", 3, make_roles_story},
    Scenario{"pairs", 1, make_pairs_story},
    Scenario{"members", 1, make_members_story},
    Scenario{"points", 2, make_points_story},
    Scenario{"damage", 1, make_damage_story},
    Scenario{"full", 1, make_full_story},
};

}  // namespace

std::span<const Scenario> scenarios() { return all; }

const Scenario& scenario_of(std::uint64_t seed) {
  std::uint64_t sum = 0;
  for (const Scenario& scenario : all) sum += scenario.share;
  std::uint64_t drawn = os::sim::Rng(seed).named("scenario").below(sum);
  for (const Scenario& scenario : all) {
    if (drawn < scenario.share) return scenario;
    drawn -= scenario.share;
  }
  return all.back();
}

const Scenario* scenario_named(std::string_view name) {
  for (const Scenario& scenario : all)
    if (scenario.name == name) return &scenario;
  return nullptr;
}

Outcome run_seed(const Scenario& scenario, std::uint64_t seed, bool verbose) {
  auto story = scenario.make(seed, verbose);
  return outcome_of(*story);
}

}  // namespace lockstep::sim
