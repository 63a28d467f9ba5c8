// A source loses in a power cut what it had answered, and its target has it: it comes back, or is kept as a snapshot.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "replica/systems/trio_testing.h"

namespace lockstep::replica {
namespace {

using namespace testing;

constexpr Bytes small_volume = 1_MiB;

// Twenty writes were answered, the source lost power, and is back; with `yes`, its target is out of reach since.
enum class Away { no, yes };
struct AfterPowerCut : Pair {
  explicit AfterPowerCut(std::uint64_t salt, Away away = Away::no) : Pair(salt) {
    GroupId group = a.make_group("db", 1, small_volume);
    id = create(group, synchronous());
    EXPECT_TRUE(a.reaches(id, CopyState::synchronized));
    for (std::uint64_t i = 0; i < 20; ++i) a.write("db-v1", 100 + i, Bytes{i * 4096});
    answered = b.content("db-v1");
    a.power_cut(os::sim::Tear::any);
    if (away == Away::yes) cut();
    a.start();
  }
  RelationshipId id;
  Buffer answered;   // all of it
};

TEST(PowerCut, RecordsThatASourceLostInAPowerCutComeBackFromItsTarget) {
  // Whether something is lost is the seed's choice: enough of them, and some lose.
  int reclaimed = 0;
  for (std::uint64_t salt = 0; salt < 8; ++salt) {
    AfterPowerCut pair{100 + salt};
    Buffer at_start = pair.a.content("db-v1");
    ASSERT_TRUE(pair.a.reaches(pair.id, CopyState::synchronized)) << salt << ": " << pair.a.report(pair.id).cause;
    EXPECT_EQ(pair.a.content("db-v1"), pair.answered) << salt;
    EXPECT_EQ(pair.b.content("db-v1"), pair.answered) << salt;
    EXPECT_TRUE(pair.b.snapshots().empty());
    reclaimed += at_start != pair.answered ? 1 : 0;
    pair.a.write("db-v1", 7, Bytes{0});
    EXPECT_EQ(pair.b.tag("db-v1", Bytes{0}), 7U);
  }
  EXPECT_GT(reclaimed, 0);
}

TEST(PowerCut, SourceThatServedAfterAPowerCutKeepsTheTargetsSurplusAsASnapshot) {
  int kept = 0;
  for (std::uint64_t salt = 0; salt < 8; ++salt) {
    AfterPowerCut pair{200 + salt, Away::yes};
    pair.world.run_for(std::chrono::seconds(5));  // the hold is over: it serves
    bool lost = pair.a.content("db-v1") != pair.answered;
    pair.a.write("db-v1", 7, Bytes{800 * 512});
    pair.heal();
    ASSERT_TRUE(pair.a.reaches(pair.id, CopyState::synchronized)) << salt << ": " << pair.a.report(pair.id).cause;
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

TEST(PowerCut, HostsAreLetInOnceWhatWasLostIsBackAndSeeNothingChange) {
  int lost = 0;
  for (std::uint64_t salt = 0; salt < 8; ++salt) {
    AfterPowerCut pair{300 + salt};
    lost += pair.a.content("db-v1") != pair.answered ? 1 : 0;
    ASSERT_TRUE(let_in(pair, pair.a, std::chrono::seconds(10))) << salt;
    EXPECT_EQ(pair.a.content("db-v1"), pair.answered) << salt;
  }
  EXPECT_GT(lost, 0);
}

TEST(PowerCut, WhatWasLostDoesNotComeBackUnderHostsThatWereLetIn) {
  int lost = 0;
  for (std::uint64_t salt = 0; salt < 8; ++salt) {
    AfterPowerCut pair{320 + salt, Away::yes};
    ASSERT_TRUE(let_in(pair, pair.a, std::chrono::seconds(10))) << salt;
    Buffer seen = pair.a.content("db-v1");
    pair.heal();
    ASSERT_TRUE(pair.a.reaches(pair.id, CopyState::synchronized)) << salt << ": " << pair.a.report(pair.id).cause;
    EXPECT_EQ(pair.a.content("db-v1"), seen) << salt;
    EXPECT_EQ(pair.b.content("db-v1"), seen) << salt;
    EXPECT_EQ(pair.b.snapshots().size(), seen != pair.answered ? 1U : 0U) << salt;
    lost += seen != pair.answered ? 1 : 0;
  }
  EXPECT_GT(lost, 0);
}

TEST(PowerCut, SourceThatDiesWhileItGetsBackWhatItLostServesAgain) {
  int died = 0;
  for (std::uint64_t salt = 0; salt < 8; ++salt) {
    AfterPowerCut pair{340 + salt};
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
    ASSERT_TRUE(pair.a.reaches(pair.id, CopyState::synchronized)) << salt << ": " << pair.a.report(pair.id).cause;
    EXPECT_EQ(pair.a.content("db-v1"), pair.b.content("db-v1")) << salt;
  }
  EXPECT_GT(died, 0);
}

// a -> b and a -> c; a lost power after answered writes that both had, c was opened meanwhile, and a hears of it sooner or later
// than b gives back what a lost.
TEST(PowerCut, ATargetOpenedElsewhereDoesNotDisturbWhatComesBack) {
  int reclaimed = 0;
  for (std::uint64_t salt = 0; salt < 24; ++salt) {
    Trio t{500 + salt};
    t.a().make_group("db", 1, small_volume);
    RelationshipId ab = t.create(t.a(), "db", t.b(), synchronous()), ac = t.create(t.a(), "db", t.c());
    ASSERT_TRUE(t.a().reaches(ab, CopyState::synchronized));
    ASSERT_TRUE(t.a().reaches(ac, CopyState::synchronized));
    for (std::uint64_t i = 0; i < 20; ++i) t.a().write("db-v1", 100 + i, Bytes{i * 4096});
    Buffer answered = t.b().content("db-v1");
    t.a().power_cut(os::sim::Tear::any);
    ASSERT_TRUE(t.c().operate(ac, Operation::failover).has_value());
    t.world.network().delay(t.a().host, t.c().host, std::chrono::milliseconds(salt % 8 * 3));
    t.a().start();
    reclaimed += t.a().content("db-v1") != answered ? 1 : 0;
    ASSERT_TRUE(t.a().reaches(ab, CopyState::synchronized)) << salt << ": " << t.a().report(ab).cause;
    EXPECT_EQ(t.a().content("db-v1"), answered) << salt;
    EXPECT_EQ(t.b().content("db-v1"), answered) << salt;
    EXPECT_TRUE(t.b().snapshots().empty()) << salt;
    ASSERT_TRUE(t.a().reaches(ac, CopyState::failedover)) << salt << ": " << t.a().report(ac).cause;
  }
  EXPECT_GT(reclaimed, 0);
}

}  // namespace
}  // namespace lockstep::replica
