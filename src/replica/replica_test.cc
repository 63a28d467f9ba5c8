#include "replica/replica.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "replica/replica_testing.h"

namespace lockstep::replica {
namespace {

using namespace testing;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::StartsWith;

constexpr Bytes small_volume = 1_MiB;

TEST(Replica, PairedSystemsKnowEachOther) {
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

TEST(Replica, FirstCopyUnderWritesEndsEqual) {
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

}  // namespace
}  // namespace lockstep::replica
