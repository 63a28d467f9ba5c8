// Cascades: a target that is the source of the next hop.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "replica/systems/trio_testing.h"

namespace lockstep::replica {
namespace {

using namespace testing;
using ::testing::HasSubstr;
using ::testing::StartsWith;
using std::chrono::milliseconds;
using std::chrono::seconds;

// a -> b -> c, all level.
struct Chain : Trio {
  explicit Chain(std::uint64_t salt, Settings first = asynchronous(), Settings second = asynchronous()) : Trio(salt) {
    a().make_group("db", 1, 8_MiB);
    for (std::uint64_t i = 0; i < 20; ++i) a().write("db-v1", 1 + i, Bytes{i * 65536});
    ab = create(a(), "db", b(), first);
    EXPECT_TRUE(a().reaches(ab, CopyState::synchronized));
    bc = create(b(), "db", c(), second);
    EXPECT_TRUE(b().reaches(bc, CopyState::synchronized));
    EXPECT_TRUE(level(a(), c()));
  }
  // So much is changed while b is out of reach that its change map has to bring it back.
  void outgrow_the_journal(std::uint64_t blocks = 800) {
    cut(a(), b());
    EXPECT_TRUE(a().reaches(ab, CopyState::broken));
    for (std::uint64_t i = 0; i < blocks; ++i) a().write("db-v1", 1000 + i, Bytes{i * 8192});
    must(a().on_pool(a().pool().checkpoint()));
  }
  bool in_mid_resync() {
    return world.run_until([&] { return a().report(ab).copied.value > 1_MiB .value && b().group("db")->resync.has_value(); }, seconds(60));
  }
  RelationshipId ab, bc;
};

TEST(Cascade, TheNextHopHasTheFirstSourcesOriginNumbers) {
  Chain t{200};
  for (std::uint64_t i = 0; i < 50; ++i) t.a().write("db-v1", 100 + i, Bytes{i * 4096});
  ASSERT_TRUE(t.level(t.a(), t.c()));
  EXPECT_EQ(t.a().content("db-v1"), t.c().content("db-v1"));
  EXPECT_EQ(t.b().report(t.bc).lag, Duration{0});
  EXPECT_EQ(t.b().group("db")->role, store::Role::target);
  EXPECT_EQ(t.b().try_write("db-v1", 1, Bytes{0}).error().code, Code::read_only);
}

TEST(Cascade, TheNextHopsFirstCopyWaitsForTheFirstHops) {
  Trio t{201};
  t.a().make_group("db", 1, 8_MiB);
  for (std::uint64_t i = 0; i < 60; ++i) t.a().write("db-v1", 1 + i, Bytes{i * 65536}, 65536);
  RelationshipId ab = t.create(t.a(), "db", t.b(), asynchronous(1_MiB));
  ASSERT_TRUE(t.world.run_until([&] { return t.a().report(ab).copied.value > 1_MiB .value; }, seconds(60)));
  RelationshipId bc = t.create(t.b(), "db", t.c());
  t.world.run_for(seconds(1));
  EXPECT_FALSE(t.c().group("db")->was_synchronized);
  EXPECT_NE(t.b().report(bc).copy_state, CopyState::synchronized);
  ASSERT_TRUE(t.b().reaches(bc, CopyState::synchronized));
  ASSERT_TRUE(t.level(t.a(), t.c()));
  EXPECT_EQ(t.a().content("db-v1"), t.c().content("db-v1"));
}

// a lost in a power cut what b and c have, and served before b could give it back. b keeps that as a snapshot, and so does c, though
// nobody writes to a any more that would tell c of it.
TEST(Cascade, WhatTheFirstSourceLostAndDidNotGetBackIsKeptAtBothHops) {
  int lost = 0;
  for (std::uint64_t salt = 0; salt < 8; ++salt) {
    Chain t{280 + salt, synchronous()};
    for (std::uint64_t i = 0; i < 20; ++i) t.a().write("db-v1", 100 + i, Bytes{i * 4096});
    Buffer answered = t.b().content("db-v1");
    ASSERT_TRUE(t.level(t.b(), t.c()));
    t.cut(t.a(), t.b());
    t.a().power_cut(os::sim::Tear::any);
    t.a().start();
    pool::VolumeRef host = t.a().volume("db-v1");
    ASSERT_TRUE(t.world.run_until([&] { return host->hold() == Duration{0}; }, seconds(10)));   // who is let in has seen what is here
    bool fewer = t.a().content("db-v1") != answered;
    lost += fewer ? 1 : 0;
    if (salt % 2 != 0) {   // and the middle has restarted, too
      t.b().kill();
      t.b().start();
    }
    t.heal(t.a(), t.b());
    ASSERT_TRUE(t.a().reaches(t.ab, CopyState::synchronized)) << salt << ": " << t.a().report(t.ab).cause;
    ASSERT_TRUE(t.b().reaches(t.bc, CopyState::synchronized, seconds(20))) << salt << ": " << t.b().report(t.bc).cause;
    ASSERT_TRUE(t.level(t.a(), t.c(), "db", seconds(20))) << salt;
    EXPECT_EQ(t.a().content("db-v1"), t.c().content("db-v1")) << salt;
    for (TestSystem* hop : {&t.b(), &t.c()}) EXPECT_EQ(hop->snapshots().size(), fewer ? 1U : 0U) << salt << " " << hop->self.name;
  }
  EXPECT_GT(lost, 0);
}

TEST(Cascade, AResyncOfTheFirstHopIsOneOfTheNext) {
  Chain t{202, asynchronous(Bytes{0}, 1_MiB)};
  t.outgrow_the_journal();
  Bytes sent = t.b().report(t.bc).sent_total;
  t.heal(t.a(), t.b());
  ASSERT_TRUE(t.a().reaches(t.ab, CopyState::synchronized));
  ASSERT_TRUE(t.level(t.a(), t.c())) << t.b().report(t.bc).cause;
  EXPECT_EQ(t.a().content("db-v1"), t.c().content("db-v1"));
  ASSERT_TRUE(t.b().reaches(t.bc, CopyState::synchronized));
  EXPECT_LE((t.b().report(t.bc).sent_total - sent).value, 800U * 4096 * 110 / 100);
  EXPECT_EQ(t.b().internal_snapshots(), 0U);
  EXPECT_EQ(t.c().internal_snapshots(), 0U);
}

TEST(Cascade, TheFirstHopDiesInMidResyncAndTheNextOpensAtOneOriginNumberOfTheSource) {
  for (int how = 0; how < 6; ++how) {
    Chain t{203 + static_cast<std::uint64_t>(how), asynchronous(1_MiB, 1_MiB), asynchronous(1_MiB)};
    Buffer consistent = t.a().content("db-v1");
    Origin position = t.position(t.a());
    ASSERT_EQ(t.position(t.c()), position);
    t.outgrow_the_journal();
    Buffer after = t.a().content("db-v1");
    Origin end = t.position(t.a());
    t.heal(t.a(), t.b());
    bool first_hop = how < 4;   // else b is whole again, and c is inside of its own resync
    if (first_hop) {
      ASSERT_TRUE(t.in_mid_resync()) << how;
    } else {
      ASSERT_TRUE(t.a().reaches(t.ab, CopyState::synchronized)) << how;
      ASSERT_TRUE(t.world.run_until([&] { return t.b().report(t.bc).copied.value > 1_MiB .value && t.c().group("db")->resync; }, seconds(60))) << how;
    }
    how % 2 == 0 ? t.b().kill() : t.b().power_cut();
    bool restarts = how == 2 || how == 3;
    if (restarts) {
      t.b().start();
      t.world.run_for(seconds(1));
      ASSERT_TRUE(t.b().group("db")->resync.has_value()) << how;
      how == 2 ? t.b().kill() : t.b().power_cut();
    }
    ASSERT_TRUE(t.c().reaches(t.bc, CopyState::broken)) << how;
    auto opened = t.c().operate(t.bc, Operation::failover);
    ASSERT_TRUE(opened.has_value()) << how << ": " << opened.error().message;
    EXPECT_EQ(t.c().content("db-v1"), consistent) << how;
    EXPECT_NE(t.c().content("db-v1"), after) << how;
    // The generation that the opened group is in begins at one number of a.
    EXPECT_EQ(t.c().group("db")->history.back().parent, position) << how;
    EXPECT_NE(position, end);
    t.c().write("db-v1", 7, Bytes{0});
  }
}

TEST(Cascade, TheFirstHopDiesInMidResyncAndAllIsLevelAgainAfterItsReturn) {
  for (int how = 0; how < 4; ++how) {
    Chain t{210 + static_cast<std::uint64_t>(how), asynchronous(1_MiB, 1_MiB), asynchronous(2_MiB)};
    t.outgrow_the_journal();
    t.heal(t.a(), t.b());
    if (how < 2) {
      ASSERT_TRUE(t.in_mid_resync()) << how;
    } else {
      ASSERT_TRUE(t.world.run_until([&] { return t.c().group("db")->resync.has_value(); }, seconds(60))) << how;
    }
    how % 2 == 0 ? t.b().kill() : t.b().power_cut();
    t.world.run_for(seconds(1));
    t.b().start();
    ASSERT_TRUE(t.a().reaches(t.ab, CopyState::synchronized)) << how << t.a().report(t.ab).cause;
    ASSERT_TRUE(t.level(t.a(), t.c())) << how << t.b().report(t.bc).cause;
    EXPECT_EQ(t.a().content("db-v1"), t.c().content("db-v1")) << how;
  }
}

TEST(Cascade, TheNextHopLearnsTheGenerationsOfTheSource) {
  Chain t{220};
  t.a().power_cut();
  t.a().start();
  ASSERT_TRUE(t.a().reaches(t.ab, CopyState::synchronized));
  t.a().write("db-v1", 77, Bytes{0});
  ASSERT_TRUE(t.level(t.a(), t.c()));
  Generation last = t.a().group("db")->history.back().generation;
  const auto& history = t.c().group("db")->history;
  EXPECT_TRUE(std::any_of(history.begin(), history.end(), [&](const auto& e) { return e.generation == last; }));
  EXPECT_EQ(t.a().content("db-v1"), t.c().content("db-v1"));
}

TEST(Cascade, TheNextHopFollowsTheFirstWhenThatIsOpened) {
  Chain t{221};
  auto done = t.b().operate(t.ab, Operation::failover);
  ASSERT_TRUE(done.has_value()) << done.error().message;
  for (std::uint64_t i = 0; i < 30; ++i) t.b().write("db-v1", 500 + i, Bytes{i * 4096});
  ASSERT_TRUE(t.level(t.b(), t.c()));
  EXPECT_EQ(t.b().content("db-v1"), t.c().content("db-v1"));
  // And back: a follows b, then leads again; c is told of all of it.
  auto back = t.a().operate(t.ab, Operation::failback);
  ASSERT_TRUE(back.has_value()) << back.error().message;
  t.a().write("db-v1", 9, Bytes{0});
  ASSERT_TRUE(t.level(t.a(), t.c())) << t.b().report(t.bc).cause;
  EXPECT_EQ(t.a().content("db-v1"), t.c().content("db-v1"));
  EXPECT_TRUE(t.c().snapshots().empty());
}

TEST(Cascade, AFirstHopThatIsOpenedInMidResyncIsItsStandInAndTheNextHopStaysLevelWithIt) {
  Chain t{222, asynchronous(1_MiB, 1_MiB)};
  Buffer consistent = t.c().content("db-v1");
  t.outgrow_the_journal();
  t.heal(t.a(), t.b());
  ASSERT_TRUE(t.in_mid_resync());
  t.cut(t.a(), t.b());
  ASSERT_TRUE(t.b().reaches(t.ab, CopyState::broken));
  auto done = t.b().operate(t.ab, Operation::failover);
  ASSERT_TRUE(done.has_value()) << done.error().message;
  EXPECT_EQ(t.b().content("db-v1"), consistent);
  t.b().write("db-v1", 6, Bytes{0});
  ASSERT_TRUE(t.level(t.b(), t.c())) << t.b().report(t.bc).cause;
  EXPECT_EQ(t.b().content("db-v1"), t.c().content("db-v1"));
}

TEST(Cascade, APlannedFailoverOfTheNextHopLeavesTheFirstFollowing) {
  Chain t{223};
  for (std::uint64_t i = 0; i < 30; ++i) t.a().write("db-v1", 500 + i, Bytes{i * 4096});
  ASSERT_TRUE(t.level(t.a(), t.b()));
  Buffer then = t.b().content("db-v1");
  auto done = t.c().operate(t.bc, Operation::failover);
  ASSERT_TRUE(done.has_value()) << done.error().message;
  EXPECT_EQ(t.c().content("db-v1"), then);
  t.c().write("db-v1", 8, Bytes{4096});
  t.a().write("db-v1", 9, Bytes{0});
  ASSERT_TRUE(t.level(t.a(), t.b()));
  EXPECT_EQ(t.b().tag("db-v1", Bytes{0}), 9U);
  EXPECT_EQ(t.a().report(t.ab).copy_state, CopyState::synchronized);
  EXPECT_EQ(t.b().group("db")->role, store::Role::target);
  ASSERT_TRUE(t.b().reaches(t.bc, CopyState::failedover));

  // b cannot follow c: it follows a.
  auto refused = t.b().operate(t.bc, Operation::reverse_roles);
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().code, Code::busy);
  EXPECT_THAT(refused.error().message, HasSubstr("a target has one source"));
  EXPECT_EQ(t.b().operate(t.bc, Operation::failback).error().code, Code::busy);

  // But c can follow b again, as a relationship made anew onto the same group; what it wrote is kept.
  ASSERT_TRUE(t.c().operate(t.bc, Operation::detach).has_value());
  auto again = t.try_create(t.b(), "db", t.c(), {}, "db");
  ASSERT_TRUE(again.has_value()) << again.error().message;
  ASSERT_TRUE(t.b().reaches(*again, CopyState::synchronized)) << t.b().report(*again).cause;
  ASSERT_TRUE(t.level(t.a(), t.c()));
  EXPECT_EQ(t.a().content("db-v1"), t.c().content("db-v1"));
  ASSERT_EQ(t.c().snapshots().size(), 1U);
  EXPECT_THAT(t.c().snapshots().front(), StartsWith("surplus-"));
  EXPECT_LE(t.b().report(*again).sent_total.value, 100'000U);
}

TEST(Cascade, DetachingTheNextHopLeavesTheFirstFollowing) {
  Chain t{224};
  ASSERT_TRUE(t.b().operate(t.bc, Operation::detach).has_value());
  EXPECT_EQ(t.b().group("db")->role, store::Role::target);
  t.a().write("db-v1", 9, Bytes{0});
  ASSERT_TRUE(t.level(t.a(), t.b()));
  EXPECT_EQ(t.b().tag("db-v1", Bytes{0}), 9U);
  t.c().write("db-v1", 1, Bytes{0});
}

TEST(Cascade, CirclesAndSecondSourcesAreRefused) {
  Chain t{225};
  auto circle = t.try_create(t.c(), "db", t.a(), {}, "db");
  ASSERT_FALSE(circle.has_value());
  EXPECT_EQ(circle.error().code, Code::invalid);
  EXPECT_THAT(circle.error().message, HasSubstr("that would be a circle"));
  auto short_circle = t.try_create(t.b(), "db", t.a(), {}, "db");
  ASSERT_FALSE(short_circle.has_value());
  EXPECT_EQ(short_circle.error().code, Code::invalid);
  t.a().make_group("other", 1, 8_MiB);
  auto second = t.try_create(t.a(), "other", t.c(), {}, "db");
  ASSERT_FALSE(second.has_value());
  EXPECT_EQ(second.error().code, Code::invalid);
  EXPECT_THAT(second.error().message, HasSubstr("is a target already"));
  // A new group there is no circle.
  auto fine = t.try_create(t.c(), "db", t.a(), {}, "copy");
  ASSERT_TRUE(fine.has_value()) << fine.error().message;
  EXPECT_TRUE(t.c().reaches(*fine, CopyState::synchronized));
  t.a().write("db-v1", 5, Bytes{0});
  EXPECT_TRUE(t.world.run_until([&] { return t.a().group("copy")->position == t.position(t.a()); }, seconds(30)));
}

TEST(Cascade, TheNextHopIsNeverSynchronous) {
  Chain t{226};
  auto refused = t.try_create(t.b(), "db", t.a(), synchronous(), "copy");
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().code, Code::unsupported);
  auto set = t.b().operate(t.bc, Operation::reset_to_sync);
  ASSERT_FALSE(set.has_value());
  EXPECT_THAT(set.error().message, HasSubstr("answers no host"));
  EXPECT_EQ(t.b().report(t.bc).mode_in_force, Mode::asynchronous);
}

// b lost what c has already: c waits until b has it again, and nothing is thrown away.
TEST(Cascade, AFirstHopThatLostPowerCatchesUpWithItsNextHop) {
  int behind = 0;
  for (std::uint64_t salt = 0; salt < 8; ++salt) {
    Chain t{230 + salt};
    for (std::uint64_t i = 0; i < 20; ++i) t.a().write("db-v1", 300 + i, Bytes{i * 4096});
    ASSERT_TRUE(t.world.run_until([&] { return t.position(t.c()) == t.position(t.a()); }, seconds(10)));
    t.b().power_cut(os::sim::Tear::lose_all);
    t.b().start();
    behind += t.position(t.b()) == t.position(t.c()) ? 0 : 1;
    for (std::uint64_t i = 0; i < 20; ++i) t.a().write("db-v1", 400 + i, Bytes{i * 8192});
    ASSERT_TRUE(t.level(t.a(), t.c())) << salt << t.b().report(t.bc).cause;
    EXPECT_EQ(t.a().content("db-v1"), t.c().content("db-v1")) << salt;
    EXPECT_TRUE(t.c().snapshots().empty()) << salt;
    EXPECT_EQ(t.b().group("db")->role, store::Role::target);
  }
  EXPECT_GT(behind, 0);
}

}  // namespace
}  // namespace lockstep::replica
