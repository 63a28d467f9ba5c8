// From two systems that do not know each other to a mirror that is in step; and back to nothing when creating one fails.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "replica/systems/replica_testing.h"

namespace lockstep::replica {
namespace {

using namespace testing;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr Bytes small_volume = 1_MiB;

TEST(FirstCopy, PairedSystemsKnowEachOther) {
  Pair pair{1};
  EXPECT_EQ(pair.a.registry.peers_.size(), 1U);
  EXPECT_EQ(pair.b.registry.peers_.size(), 1U);
  EXPECT_TRUE(pair.world.run_until(
      [&] { return pair.a.engine->peers().front().reachable && pair.b.engine->peers().front().reachable; },
      std::chrono::seconds(5)));
  auto pools = must(pair.a.run(pair.a.engine->pools_of(pair.b.self.id)));
  ASSERT_EQ(pools.size(), 1U);
  EXPECT_EQ(pools.front().name, "p");
}

TEST(FirstCopy, NobodyIsTurnedAwayWhilePairing) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    Pair pair{seed};
    ASSERT_TRUE(pair.world.run_until(
        [&] { return pair.a.engine->peers().front().reachable && pair.b.engine->peers().front().reachable; },
        std::chrono::seconds(5)));
    for (auto* node : {&pair.a, &pair.b})
      for (const Change& change : node->events.all) EXPECT_THAT(change.cause, Not(HasSubstr("does not know")));
  }
}

TEST(FirstCopy, FirstCopyUnderWritesEndsEqual) {
  Pair pair{2};
  GroupId group = pair.a.make_group("db", 2, small_volume);
  for (std::uint64_t i = 0; i < 64; ++i) pair.a.write("db-v1", 100 + i, Bytes{i * 8192});
  RelationshipId id = pair.create(group);
  for (std::uint64_t i = 0; i < 64; ++i) pair.a.write("db-v2", 200 + i, Bytes{i * 12288});
  ASSERT_TRUE(pair.a.reaches(id, CopyState::synchronized)) << pair.a.report(id).cause;
  pair.a.write("db-v1", 7, Bytes{0});
  ASSERT_TRUE(
      pair.world.run_until([&] { return pair.b.group("db")->position == pair.a.group("db")->position; },
                           std::chrono::seconds(10)));
  EXPECT_EQ(pair.a.content("db-v1"), pair.b.content("db-v1"));
  EXPECT_EQ(pair.a.content("db-v2"), pair.b.content("db-v2"));
  EXPECT_THAT(pair.a.events.states(), HasSubstr("Synchronized"));
  EXPECT_TRUE(pair.b.reaches(id, CopyState::synchronized));
  EXPECT_EQ(pair.a.internal_snapshots(), 0U);
  EXPECT_EQ(pair.b.internal_snapshots(), 0U);
}

TEST(FirstCopy, LocalRelationshipIsTheSameWithItselfAsPeer) {
  os::sim::World world{test_seed(23)};
  TestSystem a{world, "a", {"p", "q"}};
  GroupId group = a.make_group("db", 2, small_volume);
  a.write("db-v1", 1, Bytes{0});
  CreateRequest request;
  request.name = "mirror";
  request.pool = a.pool().id();
  request.group = group;
  request.target_system = a.self.id;
  request.target_pool = "q";
  request.settings = synchronous();
  RelationshipId id = must(a.run(a.engine->create(request)));
  ASSERT_TRUE(a.reaches(id, CopyState::synchronized)) << a.report(id).cause;
  a.write("db-v2", 2, Bytes{4096});
  EXPECT_EQ(a.tag("mirror_1", Bytes{0}, 1), 1U);
  EXPECT_EQ(a.tag("mirror_2", Bytes{4096}, 1), 2U);
  // Each end is reported, as by two systems.
  ASSERT_EQ(a.engine->reports().size(), 2U);
  EXPECT_EQ(a.engine->reports()[0].relationship.end, End::source);
  EXPECT_EQ(a.engine->reports()[1].relationship.end, End::target);
  EXPECT_EQ(a.engine->reports()[1].relationship.peer_group, "db");
  a.power_cut();
  a.start();
  ASSERT_TRUE(a.reaches(id, CopyState::synchronized)) << a.report(id).cause;
  auto over = a.operate(id, Operation::failover);
  ASSERT_TRUE(over.has_value()) << over.error().message;
  a.write("mirror_1", 5, Bytes{0}, 4096, 1);
  auto back = a.operate(id, Operation::failback);
  ASSERT_TRUE(back.has_value()) << back.error().message;
  EXPECT_EQ(a.tag("db-v1", Bytes{0}), 5U);
  a.write("db-v1", 6, Bytes{0});
}

TEST(FirstCopy, WhatCreateMadeIsRolledBackWhenItFails) {
  Pair pair{24};
  GroupId group = pair.a.make_group("db", 1, small_volume);
  CreateRequest request;
  request.pool = pair.a.pool().id();
  request.group = group;
  request.target_system = pair.b.self.id;
  request.target_pool = "nowhere";
  auto refused = pair.a.run(pair.a.engine->create(request));
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().code, Code::not_found);
  EXPECT_THAT(refused.error().message, HasSubstr("no pool 'nowhere'"));
  EXPECT_TRUE(pair.b.pool().catalog().volumes.empty());
  EXPECT_TRUE(pair.a.registry.relationships_.empty());
  must(pair.b.on_pool(
      pair.b.pool().create_volume("db-v1", small_volume)));  // the name is taken: another is made up
  request.target_pool.clear();
  request.name = "far";
  RelationshipId id = must(pair.a.run(pair.a.engine->create(request)));
  EXPECT_TRUE(pair.a.reaches(id, CopyState::synchronized));
  EXPECT_TRUE(pair.b.pool().find_volume("far_1").has_value());
}

}  // namespace
}  // namespace lockstep::replica
