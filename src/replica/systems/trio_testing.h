// For tests: three systems (or more) that know each other, and relationships between any two of them.
#pragma once

#include <deque>

#include "replica/systems/replica_testing.h"

namespace lockstep::replica::testing {

inline Settings asynchronous(Bytes limit = Bytes{0}, Bytes journal_budget = Bytes{0}) {
  Settings s;
  s.limit_per_second = limit;
  s.journal_budget = journal_budget;
  return s;
}

struct Trio {
  explicit Trio(std::uint64_t salt, std::vector<std::string> names = {"a", "b", "c"},
                pool::Options pool_options = pool::testing::small_options(), std::vector<std::string> pools = {"p"})
      : world(test_seed(salt)) {
    for (const std::string& name : names) systems.emplace_back(world, name, pools, pool_options);
    for (std::size_t i = 0; i < systems.size(); ++i) {
      for (std::size_t k = i + 1; k < systems.size(); ++k) {
        std::string token = must(systems[i].engine->invite(std::chrono::minutes(5), {systems[i].listening}));
        must(systems[k].run(systems[k].engine->join(token, {systems[k].listening})));
      }
    }
  }
  TestSystem& a() { return systems[0]; }
  TestSystem& b() { return systems[1]; }
  TestSystem& c() { return systems[2]; }

  [[nodiscard]] Result<RelationshipId> try_create(TestSystem& from, const std::string& group, TestSystem& to, Settings settings = {},
                                                  const std::string& target_group = "") {
    CreateRequest request;
    request.name = from.self.name + to.self.name;
    request.settings = settings;
    request.pool = from.pool().id();
    request.group = from.group(group)->id;
    request.target_system = to.self.id;
    request.target_group = target_group;
    return from.run(from.engine->create(request));
  }
  RelationshipId create(TestSystem& from, const std::string& group, TestSystem& to, Settings settings = {}) {
    return must(try_create(from, group, to, settings));
  }
  void cut(TestSystem& x, TestSystem& y) { world.network().partition(x.host, y.host); }
  void heal(TestSystem& x, TestSystem& y) { world.network().heal(x.host, y.host); }

  // Both hold the same, under the same origin number.
  bool level(TestSystem& x, TestSystem& y, const std::string& group = "db", Duration at_most = std::chrono::minutes(2)) {
    return world.run_until(
        [&] {
          const auto *here = x.group(group), *there = y.group(group);
          bool whole = here != nullptr && there != nullptr && !here->resync && !there->resync;
          return whole && x.pool().position(here->id) == y.pool().position(there->id);
        },
        at_most);
  }
  Origin position(TestSystem& x, const std::string& group = "db") { return x.pool().position(x.group(group)->id); }

  os::sim::World world;
  std::deque<TestSystem> systems;
};

}  // namespace lockstep::replica::testing
