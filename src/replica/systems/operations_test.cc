// The other operations, one by one.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "replica/systems/replica_testing.h"

namespace lockstep::replica {
namespace {

using namespace testing;
using ::testing::HasSubstr;
using ::testing::StartsWith;

constexpr Bytes small_volume = 1_MiB;

TEST(Operations, SuspendResumeSendsWhatWasWrittenMeanwhile) {
  Pair pair{17};
  GroupId group = pair.a.make_group("db", 1, small_volume);
  RelationshipId id = pair.create(group);
  ASSERT_TRUE(pair.a.reaches(id, CopyState::synchronized));
  ASSERT_TRUE(pair.a.operate(id, Operation::suspend).has_value());
  EXPECT_EQ(pair.a.report(id).copy_state, CopyState::suspended);
  EXPECT_EQ(pair.b.report(id).copy_state, CopyState::suspended);
  pair.a.write("db-v1", 1, Bytes{0});
  pair.world.run_for(std::chrono::seconds(3));
  EXPECT_EQ(pair.b.tag("db-v1", Bytes{0}), 0U);
  auto resumed = pair.a.operate(id, Operation::resume);
  ASSERT_TRUE(resumed.has_value()) << resumed.error().message;
  EXPECT_EQ(pair.b.tag("db-v1", Bytes{0}), 1U);
}

TEST(Operations, SplitTargetIsWritableAndResyncKeepsWhatItWrote) {
  Pair pair{18};
  GroupId group = pair.a.make_group("db", 1, small_volume);
  RelationshipId id = pair.create(group);
  ASSERT_TRUE(pair.a.reaches(id, CopyState::synchronized));
  pair.a.write("db-v1", 1, Bytes{0});
  auto split = pair.a.operate(id, Operation::split);
  ASSERT_TRUE(split.has_value()) << split.error().message;
  EXPECT_EQ(pair.b.tag("db-v1", Bytes{0}), 1U);
  EXPECT_EQ(pair.b.report(id).copy_state, CopyState::split);
  pair.a.write("db-v1", 2, Bytes{4096});
  pair.b.write("db-v1", 3, Bytes{8192});
  auto resync = pair.a.operate(id, Operation::resync_replica);
  ASSERT_TRUE(resync.has_value()) << resync.error().message;
  EXPECT_EQ(pair.a.content("db-v1"), pair.b.content("db-v1"));
  EXPECT_EQ(pair.b.tag("db-v1", Bytes{8192}), 0U);
  ASSERT_EQ(pair.b.snapshots().size(), 1U);
  EXPECT_THAT(pair.b.snapshots().front(), StartsWith("before-resync-"));
  EXPECT_EQ(pair.b.try_write("db-v1", 4, Bytes{0}).error().code, Code::read_only);
}

TEST(Operations, RestoreBringsTheSplitTargetsStateHome) {
  Pair pair{19};
  GroupId group = pair.a.make_group("db", 1, small_volume);
  RelationshipId id = pair.create(group);
  ASSERT_TRUE(pair.a.reaches(id, CopyState::synchronized));
  ASSERT_TRUE(pair.a.operate(id, Operation::split).has_value());
  pair.a.write("db-v1", 2, Bytes{4096});
  pair.b.write("db-v1", 3, Bytes{8192});
  auto restored = pair.a.operate(id, Operation::restore_from_replica);
  ASSERT_TRUE(restored.has_value()) << restored.error().message;
  EXPECT_EQ(pair.a.tag("db-v1", Bytes{4096}), 0U);
  EXPECT_EQ(pair.a.tag("db-v1", Bytes{8192}), 3U);
  EXPECT_EQ(pair.a.report(id).relationship.end, End::source);
  EXPECT_EQ(pair.a.snapshots().size(), 1U);
  pair.a.write("db-v1", 5, Bytes{0});
}

TEST(Operations, DetachLeavesTwoIndependentGroups) {
  Pair pair{20};
  GroupId group = pair.a.make_group("db", 1, small_volume);
  RelationshipId id = pair.create(group);
  ASSERT_TRUE(pair.a.reaches(id, CopyState::synchronized));
  auto detached = pair.a.operate(id, Operation::detach);
  ASSERT_TRUE(detached.has_value()) << detached.error().message;
  EXPECT_TRUE(pair.a.registry.relationships_.empty());
  EXPECT_TRUE(pair.b.registry.relationships_.empty());
  pair.a.write("db-v1", 1, Bytes{0});
  pair.b.write("db-v1", 2, Bytes{0});
  EXPECT_TRUE(pair.a.pool().catalog().followers.empty());
  EXPECT_TRUE(pair.b.pool().catalog().followers.empty());
}

TEST(Operations, OperationInTheWrongStateNamesTheLegalOnes) {
  Pair pair{21};
  GroupId group = pair.a.make_group("db", 1, small_volume);
  RelationshipId id = pair.create(group);
  ASSERT_TRUE(pair.a.reaches(id, CopyState::synchronized));
  auto refused = pair.a.operate(id, Operation::failback);
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().code, Code::busy);
  EXPECT_THAT(refused.error().message, HasSubstr("legal in Failedover (10)"));
}

TEST(Operations, ModeChangesLive) {
  Pair pair{22};
  GroupId group = pair.a.make_group("db", 1, small_volume);
  RelationshipId id = pair.create(group);
  ASSERT_TRUE(pair.a.reaches(id, CopyState::synchronized));
  ASSERT_TRUE(pair.a.operate(id, Operation::reset_to_sync).has_value());
  ASSERT_TRUE(pair.world.run_until([&] { return pair.a.report(id).mode_in_force == Mode::synchronous; },
                                   std::chrono::seconds(10)));
  pair.a.write("db-v1", 1, Bytes{0});
  EXPECT_EQ(pair.b.tag("db-v1", Bytes{0}), 1U);
  ASSERT_TRUE(pair.a.operate(id, Operation::reset_to_async).has_value());
  EXPECT_EQ(pair.a.report(id).mode_in_force, Mode::asynchronous);
  EXPECT_EQ(pair.b.report(id).relationship.settings.mode, Mode::asynchronous);
}

}  // namespace
}  // namespace lockstep::replica
