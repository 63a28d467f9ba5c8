// Failover, planned and not, and ends that both took writes.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "replica/systems/replica_testing.h"

namespace lockstep::replica {
namespace {

using namespace testing;
using ::testing::HasSubstr;
using ::testing::StartsWith;

constexpr Bytes small_volume = 1_MiB;

TEST(Failover, PlannedFailoverLosesNothingAndClosesTheSource) {
  Pair pair{12};
  GroupId group = pair.a.make_group("db", 2, small_volume);
  RelationshipId id = pair.create(group);
  ASSERT_TRUE(pair.a.reaches(id, CopyState::synchronized));
  for (std::uint64_t i = 0; i < 40; ++i) pair.a.write("db-v1", 50 + i, Bytes{i * 4096});
  auto done = pair.b.operate(id, Operation::failover);
  ASSERT_TRUE(done.has_value()) << done.error().message;
  EXPECT_EQ(pair.a.content("db-v1"), pair.b.content("db-v1"));
  EXPECT_EQ(pair.a.try_write("db-v1", 9, Bytes{0}).error().code, Code::read_only);
  pair.b.write("db-v1", 9, Bytes{0});
  EXPECT_EQ(pair.a.report(id).copy_state, CopyState::failedover);
  EXPECT_EQ(pair.b.report(id).copy_state, CopyState::failedover);
  EXPECT_EQ(pair.a.report(id).conflict, "");

  // And back: what the other side wrote comes home.
  auto back = pair.a.operate(id, Operation::failback);
  ASSERT_TRUE(back.has_value()) << back.error().message;
  EXPECT_EQ(pair.a.tag("db-v1", Bytes{0}), 9U);
  EXPECT_EQ(pair.a.report(id).copy_state, CopyState::synchronized);
  pair.a.write("db-v1", 10, Bytes{4096});
  ASSERT_TRUE(
      pair.world.run_until([&] { return pair.b.tag("db-v1", Bytes{4096}) == 10; }, std::chrono::seconds(10)));
  EXPECT_EQ(pair.b.try_write("db-v1", 1, Bytes{0}).error().code, Code::read_only);
  EXPECT_TRUE(pair.a.snapshots().empty());
}

TEST(Failover, FailoverAskedAtTheSourceIsLedByTheTarget) {
  Pair pair{13};
  GroupId group = pair.a.make_group("db", 1, small_volume);
  RelationshipId id = pair.create(group, synchronous());
  ASSERT_TRUE(pair.a.reaches(id, CopyState::synchronized));
  pair.a.write("db-v1", 1, Bytes{0});
  auto done = pair.a.operate(id, Operation::failover);
  ASSERT_TRUE(done.has_value()) << done.error().message;
  EXPECT_EQ(pair.b.group("db")->role, store::Role::target_writable);
  EXPECT_EQ(pair.a.group("db")->role, store::Role::demoted);
  EXPECT_TRUE(pair.a.operate(id, Operation::failover).has_value());  // again: nothing happens
}

TEST(Failover, PlannedFailoverWaitsForAResyncThatBeginsMeanwhile) {
  Pair pair{45};
  GroupId group = pair.a.make_group("db", 1, 8_MiB);
  Settings settings;
  settings.journal_budget = 1_MiB;
  settings.limit_per_second = 4_MiB;
  RelationshipId id = pair.create(group, settings);
  ASSERT_TRUE(pair.a.reaches(id, CopyState::synchronized));
  ASSERT_TRUE(pair.b.reaches(id, CopyState::synchronized));
  for (std::uint64_t i = 0; i < 4 * 256; ++i) pair.a.write("db-v1", 1 + i, Bytes{i * 4096});
  must(pair.a.on_pool(pair.a.pool().checkpoint()));   // what the stream has not reached is in the change map now
  Result<> done = pair.b.operate(id, Operation::failover);
  EXPECT_TRUE(done) << done.error().message;
  EXPECT_EQ(pair.a.content("db-v1"), pair.b.content("db-v1"));
  EXPECT_EQ(pair.a.group("db")->role, store::Role::demoted);
  EXPECT_EQ(pair.b.group("db")->role, store::Role::target_writable);
}

TEST(Failover, UnplannedFailoverThenTwoWritableEndsAreReportedAndNeitherIsOverwritten) {
  Pair pair{14};
  GroupId group = pair.a.make_group("db", 1, small_volume);
  RelationshipId id = pair.create(group);
  ASSERT_TRUE(pair.a.reaches(id, CopyState::synchronized));
  pair.a.write("db-v1", 1, Bytes{0});
  ASSERT_TRUE(
      pair.world.run_until([&] { return pair.b.tag("db-v1", Bytes{0}) == 1; }, std::chrono::seconds(10)));
  pair.cut();
  ASSERT_TRUE(pair.b.reaches(id, CopyState::broken));
  Instant before = pair.world.now();
  auto done = pair.b.operate(id, Operation::failover);
  ASSERT_TRUE(done.has_value()) << done.error().message;
  EXPECT_LE(pair.world.now() - before, std::chrono::milliseconds(3500));
  pair.a.write("db-v1", 2, Bytes{4096});  // nobody told it
  pair.b.write("db-v1", 3, Bytes{8192});
  pair.heal();
  ASSERT_TRUE(pair.a.reaches(id, CopyState::failedover));
  ASSERT_TRUE(
      pair.world.run_until([&] { return !pair.a.report(id).conflict.empty(); }, std::chrono::seconds(30)));
  EXPECT_THAT(pair.a.report(id).conflict, HasSubstr("two writable ends after"));
  pair.world.run_for(std::chrono::seconds(10));
  EXPECT_EQ(pair.a.tag("db-v1", Bytes{4096}), 2U);
  EXPECT_EQ(pair.a.tag("db-v1", Bytes{8192}), 0U);
  EXPECT_EQ(pair.b.tag("db-v1", Bytes{4096}), 0U);
  EXPECT_EQ(pair.b.tag("db-v1", Bytes{8192}), 3U);

  // Failback: what the target wrote wins; what only the old source has is kept as a snapshot.
  auto back = pair.a.operate(id, Operation::failback);
  ASSERT_TRUE(back.has_value()) << back.error().message;
  EXPECT_EQ(pair.a.tag("db-v1", Bytes{4096}), 0U);
  EXPECT_EQ(pair.a.tag("db-v1", Bytes{8192}), 3U);
  EXPECT_EQ(pair.a.content("db-v1"), pair.b.content("db-v1"));
  ASSERT_EQ(pair.a.snapshots().size(), 1U);
  EXPECT_THAT(pair.a.snapshots().front(), StartsWith("before-reverse-"));
  pair.a.write("db-v1", 4, Bytes{0});
}

TEST(Failover, SourceThatWasReplacedWhileItWasDownStaysClosed) {
  Pair pair{15};
  GroupId group = pair.a.make_group("db", 1, small_volume);
  RelationshipId id = pair.create(group, synchronous());
  ASSERT_TRUE(pair.a.reaches(id, CopyState::synchronized));
  pair.a.write("db-v1", 1, Bytes{0});
  pair.a.power_cut();
  ASSERT_TRUE(pair.b.reaches(id, CopyState::broken));
  auto done = pair.b.operate(id, Operation::failover);
  ASSERT_TRUE(done.has_value()) << done.error().message;
  EXPECT_EQ(pair.b.tag("db-v1", Bytes{0}), 1U);  // answered, so it is there
  pair.b.write("db-v1", 2, Bytes{0});
  pair.a.start();
  ASSERT_TRUE(pair.a.reaches(id, CopyState::failedover));
  ASSERT_TRUE(pair.world.run_until([&] { return pair.a.group("db")->role == store::Role::demoted; },
                                   std::chrono::seconds(10)));
  EXPECT_EQ(pair.a.try_write("db-v1", 3, Bytes{4096}).error().code, Code::read_only);
  auto turned = pair.b.operate(id, Operation::reverse_roles);
  ASSERT_TRUE(turned.has_value()) << turned.error().message;
  auto resumed = pair.b.operate(id, Operation::resume);
  ASSERT_TRUE(resumed.has_value()) << resumed.error().message;
  EXPECT_EQ(pair.a.tag("db-v1", Bytes{0}), 2U);
  EXPECT_EQ(pair.b.report(id).relationship.end, End::source);
  EXPECT_EQ(pair.a.report(id).relationship.end, End::target);
}

TEST(Failover, ReverseOfASynchronizedRelationshipFlowsTheOtherWay) {
  Pair pair{16};
  GroupId group = pair.a.make_group("db", 1, small_volume);
  RelationshipId id = pair.create(group);
  ASSERT_TRUE(pair.a.reaches(id, CopyState::synchronized));
  pair.a.write("db-v1", 1, Bytes{0});
  auto turned = pair.a.operate(id, Operation::reverse_roles);
  ASSERT_TRUE(turned.has_value()) << turned.error().message;
  pair.b.write("db-v1", 2, Bytes{4096});
  ASSERT_TRUE(
      pair.world.run_until([&] { return pair.a.tag("db-v1", Bytes{4096}) == 2; }, std::chrono::seconds(10)));
  EXPECT_EQ(pair.a.tag("db-v1", Bytes{0}), 1U);
  EXPECT_TRUE(pair.a.snapshots().empty());
  EXPECT_TRUE(pair.b.reaches(id, CopyState::synchronized));
}

}  // namespace
}  // namespace lockstep::replica
