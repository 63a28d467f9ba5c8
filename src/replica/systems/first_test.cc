#include "replica/replica.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "replica/systems/replica_testing.h"

namespace lockstep::replica {
namespace {

using namespace testing;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
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

TEST(Replica, NobodyIsTurnedAwayWhilePairing) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    Pair pair{seed};
    ASSERT_TRUE(pair.world.run_until(
        [&] { return pair.a.engine->peers().front().reachable && pair.b.engine->peers().front().reachable; },
        std::chrono::seconds(5)));
    for (auto* node : {&pair.a, &pair.b})
      for (const Change& change : node->events.all) EXPECT_THAT(change.cause, Not(HasSubstr("does not know")));
  }
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

// --- synchronous

TEST(Replica, SynchronousAnswersOnlyWhatTheTargetReceived) {
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

TEST(Replica, LinkLossUnderContinueAnswersAndCatchesUpByJournal) {
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

TEST(Replica, LinkLossUnderStopFailsWritesUntilTheTargetIsBack) {
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

TEST(Replica, AdaptiveStopsWaitingAtItsBoundAndComesBack) {
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

// --- resync

TEST(Replica, JournalBudgetExceededMeansOnlyChangedBlocksTravel) {
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

TEST(Replica, ResyncGoesOnWhereItWasAfterEitherEndDied) {
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

TEST(Replica, TargetFailedOverInMidResyncIsItsStandIn) {
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

TEST(Replica, TargetThatWasNeverSynchronizedCannotBeOpened) {
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

// --- failover and back

TEST(Replica, PlannedFailoverLosesNothingAndClosesTheSource) {
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

TEST(Replica, FailoverAskedAtTheSourceIsLedByTheTarget) {
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

TEST(Replica, PlannedFailoverWaitsForAResyncThatBeginsMeanwhile) {
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

TEST(Replica, UnplannedFailoverThenTwoWritableEndsAreReportedAndNeitherIsOverwritten) {
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

TEST(Replica, SourceThatWasReplacedWhileItWasDownStaysClosed) {
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

TEST(Replica, ReverseOfASynchronizedRelationshipFlowsTheOtherWay) {
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

// --- power

TEST(Replica, RecordsThatASourceLostInAPowerCutComeBackFromItsTarget) {
  // Whether something is lost is the seed's choice: enough of them, and some lose.
  int reclaimed = 0;
  for (std::uint64_t salt = 0; salt < 8; ++salt) {
    Pair pair{100 + salt};
    GroupId group = pair.a.make_group("db", 1, small_volume);
    RelationshipId id = pair.create(group, synchronous());
    ASSERT_TRUE(pair.a.reaches(id, CopyState::synchronized));
    for (std::uint64_t i = 0; i < 20; ++i) pair.a.write("db-v1", 100 + i, Bytes{i * 4096});
    Buffer answered = pair.b.content("db-v1");
    pair.a.power_cut(os::sim::Tear::any);
    pair.a.start();
    Buffer at_start = pair.a.content("db-v1");
    ASSERT_TRUE(pair.a.reaches(id, CopyState::synchronized)) << salt << ": " << pair.a.report(id).cause;
    EXPECT_EQ(pair.a.content("db-v1"), answered) << salt;
    EXPECT_EQ(pair.b.content("db-v1"), answered) << salt;
    EXPECT_TRUE(pair.b.snapshots().empty());
    reclaimed += at_start != answered ? 1 : 0;
    pair.a.write("db-v1", 7, Bytes{0});
    EXPECT_EQ(pair.b.tag("db-v1", Bytes{0}), 7U);
  }
  EXPECT_GT(reclaimed, 0);
}

TEST(Replica, SourceThatServedAfterAPowerCutKeepsTheTargetsSurplusAsASnapshot) {
  int kept = 0;
  for (std::uint64_t salt = 0; salt < 8; ++salt) {
    Pair pair{200 + salt};
    GroupId group = pair.a.make_group("db", 1, small_volume);
    RelationshipId id = pair.create(group, synchronous());
    ASSERT_TRUE(pair.a.reaches(id, CopyState::synchronized));
    for (std::uint64_t i = 0; i < 20; ++i) pair.a.write("db-v1", 100 + i, Bytes{i * 4096});
    Buffer answered = pair.b.content("db-v1");
    pair.a.power_cut(os::sim::Tear::any);
    pair.cut();
    pair.a.start();
    pair.world.run_for(std::chrono::seconds(5));  // the hold is over: it serves
    bool lost = pair.a.content("db-v1") != answered;
    pair.a.write("db-v1", 7, Bytes{800 * 512});
    pair.heal();
    ASSERT_TRUE(pair.a.reaches(id, CopyState::synchronized)) << salt << ": " << pair.a.report(id).cause;
    ASSERT_TRUE(
        pair.world.run_until([&] { return pair.b.group("db")->position == pair.a.group("db")->position; },
                             std::chrono::seconds(10)));
    EXPECT_EQ(pair.a.content("db-v1"), pair.b.content("db-v1")) << salt;
    EXPECT_EQ(pair.b.snapshots().size(), lost ? 1U : 0U) << salt;
    kept += lost ? 1 : 0;
  }
  EXPECT_GT(kept, 0);
}

// What a host does before it opens a volume: false when it is not let in in time.
bool let_in(Pair& pair, TestSystem& system, Duration at_most) {
  pool::VolumeRef volume = system.volume("db-v1");
  return pair.world.run_until([&] { return volume->hold() == Duration{0}; }, at_most);
}

TEST(Replica, HostsAreLetInOnceWhatWasLostIsBackAndSeeNothingChange) {
  int lost = 0;
  for (std::uint64_t salt = 0; salt < 8; ++salt) {
    Pair pair{300 + salt};
    GroupId group = pair.a.make_group("db", 1, small_volume);
    RelationshipId id = pair.create(group, synchronous());
    ASSERT_TRUE(pair.a.reaches(id, CopyState::synchronized));
    for (std::uint64_t i = 0; i < 20; ++i) pair.a.write("db-v1", 100 + i, Bytes{i * 4096});
    Buffer answered = pair.b.content("db-v1");
    pair.a.power_cut(os::sim::Tear::any);
    pair.a.start();
    lost += pair.a.content("db-v1") != answered ? 1 : 0;
    ASSERT_TRUE(let_in(pair, pair.a, std::chrono::seconds(10))) << salt;
    EXPECT_EQ(pair.a.content("db-v1"), answered) << salt;
  }
  EXPECT_GT(lost, 0);
}

TEST(Replica, WhatWasLostDoesNotComeBackUnderHostsThatWereLetIn) {
  int lost = 0;
  for (std::uint64_t salt = 0; salt < 8; ++salt) {
    Pair pair{320 + salt};
    GroupId group = pair.a.make_group("db", 1, small_volume);
    RelationshipId id = pair.create(group, synchronous());
    ASSERT_TRUE(pair.a.reaches(id, CopyState::synchronized));
    for (std::uint64_t i = 0; i < 20; ++i) pair.a.write("db-v1", 100 + i, Bytes{i * 4096});
    Buffer answered = pair.b.content("db-v1");
    pair.a.power_cut(os::sim::Tear::any);
    pair.cut();
    pair.a.start();
    ASSERT_TRUE(let_in(pair, pair.a, std::chrono::seconds(10))) << salt;
    Buffer seen = pair.a.content("db-v1");
    pair.heal();
    ASSERT_TRUE(pair.a.reaches(id, CopyState::synchronized)) << salt << ": " << pair.a.report(id).cause;
    EXPECT_EQ(pair.a.content("db-v1"), seen) << salt;
    EXPECT_EQ(pair.b.content("db-v1"), seen) << salt;
    EXPECT_EQ(pair.b.snapshots().size(), seen != answered ? 1U : 0U) << salt;
    lost += seen != answered ? 1 : 0;
  }
  EXPECT_GT(lost, 0);
}

TEST(Replica, SourceThatDiesWhileItGetsBackWhatItLostServesAgain) {
  int died = 0;
  for (std::uint64_t salt = 0; salt < 8; ++salt) {
    Pair pair{340 + salt};
    GroupId group = pair.a.make_group("db", 1, small_volume);
    RelationshipId id = pair.create(group, synchronous());
    ASSERT_TRUE(pair.a.reaches(id, CopyState::synchronized));
    for (std::uint64_t i = 0; i < 20; ++i) pair.a.write("db-v1", 100 + i, Bytes{i * 4096});
    pair.a.power_cut(os::sim::Tear::any);
    pair.a.start();
    auto comes_back = [&] { return pair.a.group("db")->role == store::Role::target; };
    if (!pair.world.run_until(comes_back, std::chrono::seconds(4))) continue;
    ++died;
    pair.world.run_for(std::chrono::milliseconds(1));
    pair.a.kill();
    pair.cut();
    pair.a.start();
    ASSERT_TRUE(let_in(pair, pair.a, std::chrono::seconds(10))) << salt;
    EXPECT_TRUE(pair.a.try_write("db-v1", 7, Bytes{80 * 4096})) << salt;
    pair.heal();
    ASSERT_TRUE(pair.a.reaches(id, CopyState::synchronized)) << salt << ": " << pair.a.report(id).cause;
    EXPECT_EQ(pair.a.content("db-v1"), pair.b.content("db-v1")) << salt;
  }
  EXPECT_GT(died, 0);
}

// --- the other operations

TEST(Replica, SuspendResumeSendsWhatWasWrittenMeanwhile) {
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

TEST(Replica, SplitTargetIsWritableAndResyncKeepsWhatItWrote) {
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

TEST(Replica, RestoreBringsTheSplitTargetsStateHome) {
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

TEST(Replica, DetachLeavesTwoIndependentGroups) {
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

TEST(Replica, OperationInTheWrongStateNamesTheLegalOnes) {
  Pair pair{21};
  GroupId group = pair.a.make_group("db", 1, small_volume);
  RelationshipId id = pair.create(group);
  ASSERT_TRUE(pair.a.reaches(id, CopyState::synchronized));
  auto refused = pair.a.operate(id, Operation::failback);
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().code, Code::busy);
  EXPECT_THAT(refused.error().message, HasSubstr("legal in Failedover (10)"));
}

TEST(Replica, ModeChangesLive) {
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

TEST(Replica, LocalRelationshipIsTheSameWithItselfAsPeer) {
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

TEST(Replica, WhatCreateMadeIsRolledBackWhenItFails) {
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
