// What hosts are answered while the target is out of reach, what travels afterwards, and what the target is meanwhile.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "replica/systems/replica_testing.h"

namespace lockstep::replica {
namespace {

using namespace testing;
using ::testing::HasSubstr;

constexpr Bytes small_volume = 1_MiB;

TEST(LinkLoss, SynchronousAnswersOnlyWhatTheTargetReceived) {
  Pair pair{3};
  GroupId group = pair.a.make_group("db", 1, small_volume);
  RelationshipId id = pair.create(group, synchronous());
  ASSERT_TRUE(pair.a.reaches(id, CopyState::synchronized)) << pair.a.report(id).cause;
  for (std::uint64_t i = 1; i <= 50; ++i) {
    pair.a.write("db-v1", i, Bytes{4096 * (i % 20)});
    // Answered here means received there.
    EXPECT_EQ(pair.b.tag("db-v1", Bytes{4096 * (i % 20)}), i);
  }
  pool::VolumeRef volume = pair.a.volume("db-v1");
  must(pair.a.on_pool(volume->flush()));
  EXPECT_GE(pair.b.pool().status().durable, pair.b.pool().status().appended - Lsn{2});
  EXPECT_EQ(pair.a.report(id).mode_in_force, Mode::synchronous);
}

TEST(LinkLoss, LinkLossUnderContinueAnswersAndCatchesUpByJournal) {
  Pair pair{4};
  GroupId group = pair.a.make_group("db", 1, small_volume);
  RelationshipId id = pair.create(group, synchronous());
  ASSERT_TRUE(pair.a.reaches(id, CopyState::synchronized));
  pair.a.write("db-v1", 1, Bytes{0});
  pair.cut();
  Instant before = pair.world.now();
  pair.a.write("db-v1", 2, Bytes{4096});  // waits for the peer to be given up, then is answered
  EXPECT_LE(pair.world.now() - before, std::chrono::milliseconds(3500));
  ASSERT_TRUE(pair.a.reaches(id, CopyState::broken));
  EXPECT_FALSE(pair.a.report(id).cause.empty());
  ASSERT_TRUE(pair.b.reaches(id, CopyState::broken));
  for (std::uint64_t i = 0; i < 30; ++i) pair.a.write("db-v1", 10 + i, Bytes{i * 4096});
  EXPECT_GT(pair.a.report(id).lag, Duration{0});
  Bytes sent = pair.a.report(id).sent_total;
  pair.heal();
  ASSERT_TRUE(pair.a.reaches(id, CopyState::synchronized));
  EXPECT_EQ(pair.a.content("db-v1"), pair.b.content("db-v1"));
  EXPECT_LE((pair.a.report(id).sent_total - sent).value, 60U * 4096);
  EXPECT_EQ(pair.a.report(id).lag, Duration{0});
}

TEST(LinkLoss, LinkLossUnderStopFailsWritesUntilTheTargetIsBack) {
  Pair pair{5};
  GroupId group = pair.a.make_group("db", 1, small_volume);
  RelationshipId id = pair.create(group, synchronous(LinkLoss::stop));
  ASSERT_TRUE(pair.a.reaches(id, CopyState::synchronized));
  pair.a.write("db-v1", 1, Bytes{0});
  pair.cut();
  auto refused = pair.a.try_write("db-v1", 2, Bytes{4096});
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().code, Code::unreachable);
  EXPECT_FALSE(pair.a.try_write("db-v1", 3, Bytes{4096}).has_value());
  pair.heal();
  ASSERT_TRUE(pair.a.reaches(id, CopyState::synchronized));
  pair.a.write("db-v1", 4, Bytes{4096});
  EXPECT_EQ(pair.b.tag("db-v1", Bytes{4096}), 4U);
}

TEST(LinkLoss, AdaptiveStopsWaitingAtItsBoundAndComesBack) {
  Pair pair{6};
  GroupId group = pair.a.make_group("db", 1, small_volume);
  Settings settings;
  settings.mode = Mode::adaptive;
  RelationshipId id = pair.create(group, settings);
  ASSERT_TRUE(pair.a.reaches(id, CopyState::synchronized));
  ASSERT_TRUE(pair.world.run_until([&] { return pair.a.report(id).mode_in_force == Mode::synchronous; },
                                   std::chrono::seconds(20)));
  pair.a.write("db-v1", 1, Bytes{0});
  EXPECT_EQ(pair.b.tag("db-v1", Bytes{0}), 1U);
  pair.world.network().delay(pair.a.host, pair.b.host, std::chrono::milliseconds(400));
  Instant before = pair.world.now();
  pair.a.write("db-v1", 2, Bytes{0});
  EXPECT_LE(pair.world.now() - before, std::chrono::milliseconds(200));
  EXPECT_EQ(pair.a.report(id).mode_in_force, Mode::asynchronous);
  pair.world.network().delay(pair.a.host, pair.b.host, Duration{0});
  EXPECT_TRUE(pair.world.run_until([&] { return pair.a.report(id).mode_in_force == Mode::synchronous; },
                                   std::chrono::seconds(30)));
}

TEST(LinkLoss, JournalBudgetExceededMeansOnlyChangedBlocksTravel) {
  pool::Options small = pool::testing::small_options();
  Pair pair{7, small};
  GroupId group = pair.a.make_group("db", 1, 8_MiB);
  Settings settings;
  settings.journal_budget = 1_MiB;
  RelationshipId id = pair.create(group, settings);
  ASSERT_TRUE(pair.a.reaches(id, CopyState::synchronized));
  pair.cut();
  ASSERT_TRUE(pair.a.reaches(id, CopyState::broken));
  constexpr std::uint64_t distinct = 300;
  for (std::uint64_t i = 0; i < 3000; ++i) pair.a.write("db-v1", 1000 + i, Bytes{(i * 7 % distinct) * 8192});
  must(pair.a.on_pool(pair.a.pool().checkpoint()));
  Bytes sent = pair.a.report(id).sent_total;
  pair.heal();
  ASSERT_TRUE(pair.a.reaches(id, CopyState::synchronized)) << pair.a.report(id).cause;
  ASSERT_TRUE(
      pair.world.run_until([&] { return pair.b.group("db")->position == pair.a.group("db")->position; },
                           std::chrono::seconds(10)));
  EXPECT_EQ(pair.a.content("db-v1"), pair.b.content("db-v1"));
  std::uint64_t bytes = (pair.a.report(id).sent_total - sent).value;
  EXPECT_LE(bytes, distinct * 4096 * 105 / 100);
  EXPECT_GE(bytes, distinct * 4096);
  EXPECT_EQ(pair.b.internal_snapshots(), 0U);
}

TEST(LinkLoss, ResyncGoesOnWhereItWasAfterEitherEndDied) {
  for (int who = 0; who < 2; ++who) {
    Pair pair{8 + static_cast<std::uint64_t>(who)};
    GroupId group = pair.a.make_group("db", 1, 8_MiB);
    Settings settings;
    settings.journal_budget = 1_MiB;
    settings.limit_per_second = 1_MiB;  // slow enough to be caught in the middle
    RelationshipId id = pair.create(group, settings);
    ASSERT_TRUE(pair.a.reaches(id, CopyState::synchronized));
    pair.cut();
    ASSERT_TRUE(pair.a.reaches(id, CopyState::broken));
    constexpr std::uint64_t distinct = 1000;
    for (std::uint64_t i = 0; i < distinct; ++i) pair.a.write("db-v1", 1000 + i, Bytes{i * 8192});
    must(pair.a.on_pool(pair.a.pool().checkpoint()));
    Buffer consistent = pair.b.content("db-v1");
    pair.heal();
    ASSERT_TRUE(pair.world.run_until([&] { return pair.a.report(id).copied.value > 2_MiB .value; },
                                     std::chrono::seconds(60)));
    ASSERT_TRUE(pair.b.group("db")->resync.has_value());
    if (who == 0) {
      pair.a.power_cut();
      pair.a.start();
    } else {
      pair.b.power_cut();
      pair.b.start();
    }
    ASSERT_TRUE(pair.a.reaches(id, CopyState::synchronized)) << who << ": " << pair.a.report(id).cause;
    ASSERT_TRUE(pair.world.run_until([&] { return !pair.b.group("db")->resync.has_value(); },
                                     std::chrono::seconds(60)));
    EXPECT_EQ(pair.a.content("db-v1"), pair.b.content("db-v1")) << who;
    EXPECT_EQ(pair.b.internal_snapshots(), 0U);
    EXPECT_EQ(pair.a.internal_snapshots(), 0U);
  }
}

TEST(LinkLoss, TargetFailedOverInMidResyncIsItsStandIn) {
  Pair pair{10};
  GroupId group = pair.a.make_group("db", 1, 8_MiB);
  Settings settings;
  settings.journal_budget = 1_MiB;
  settings.limit_per_second = 1_MiB;
  RelationshipId id = pair.create(group, settings);
  pair.a.write("db-v1", 5, Bytes{0});
  ASSERT_TRUE(pair.a.reaches(id, CopyState::synchronized));
  ASSERT_TRUE(
      pair.world.run_until([&] { return pair.b.group("db")->position == pair.a.group("db")->position; },
                           std::chrono::seconds(10)));
  Buffer consistent = pair.b.content("db-v1");
  pair.cut();
  ASSERT_TRUE(pair.a.reaches(id, CopyState::broken));
  for (std::uint64_t i = 0; i < 1000; ++i) pair.a.write("db-v1", 1000 + i, Bytes{i * 8192});
  must(pair.a.on_pool(pair.a.pool().checkpoint()));
  pair.heal();
  ASSERT_TRUE(pair.world.run_until([&] { return pair.a.report(id).copied.value > 2_MiB .value; },
                                   std::chrono::seconds(60)));
  EXPECT_NE(pair.b.content("db-v1"), consistent);
  pair.cut();
  ASSERT_TRUE(pair.b.reaches(id, CopyState::broken));
  auto done = pair.b.operate(id, Operation::failover);
  ASSERT_TRUE(done.has_value()) << done.error().message;
  EXPECT_EQ(pair.b.content("db-v1"), consistent);
  pair.b.write("db-v1", 6, Bytes{0});
}

TEST(LinkLoss, TargetThatWasNeverSynchronizedCannotBeOpened) {
  Pair pair{11};
  GroupId group = pair.a.make_group("db", 1, 8_MiB);
  for (std::uint64_t i = 0; i < 100; ++i) pair.a.write("db-v1", 1 + i, Bytes{i * 65536}, 65536);
  Settings settings;
  settings.limit_per_second = 1_MiB;
  RelationshipId id = pair.create(group, settings);
  ASSERT_TRUE(pair.world.run_until([&] { return pair.a.report(id).copied.value > 1_MiB .value; },
                                   std::chrono::seconds(60)));
  pair.cut();
  ASSERT_TRUE(pair.b.reaches(id, CopyState::broken));
  auto refused = pair.b.operate(id, Operation::failover);
  ASSERT_FALSE(refused.has_value());
  EXPECT_THAT(refused.error().message, HasSubstr("never Synchronized"));
  EXPECT_EQ(refused.error().code, Code::busy);
}

}  // namespace
}  // namespace lockstep::replica
