// RPO: what is over it is told; with the action `pace` hosts are slowed so that nothing is.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "replica/systems/load_testing.h"

namespace lockstep::replica {
namespace {

using namespace testing;
using ::testing::HasSubstr;
using std::chrono::milliseconds;
using std::chrono::seconds;

double in_seconds(Duration d) { return std::chrono::duration<double>(d).count(); }

struct Paced {
  Paced(std::uint64_t salt, std::uint32_t rpo, RpoAction action) : pair(salt, pool_options()) {
    GroupId group = pair.a.make_group("db", 1, 4_MiB);
    settings.rpo_seconds = rpo;
    settings.on_rpo = action;
    settings.limit_per_second = link;
    id = pair.create(group, settings);
    EXPECT_TRUE(pair.a.reaches(id, CopyState::synchronized));
    pair.a.events.all.clear();
  }
  static pool::Options pool_options() {
    pool::Options o = pool::testing::small_options();
    o.journal_budget = 64_MiB;
    return o;
  }
  // Twice what the link takes.
  static HostLoad::Options writer() {
    HostLoad::Options o;
    o.hosts = 4;
    o.think = milliseconds(32) - milliseconds(2);   // 4 x 4 KiB every 31 ms or so: 0.5 MiB a second
    o.flush_every = 0;
    return o;
  }
  // The largest lag seen from `now` on, in seconds.
  double watch(Duration length) {
    double most = 0;
    for (Instant end = pair.world.now() + length; pair.world.now() < end; pair.world.run_for(milliseconds(100)))
      most = std::max(most, in_seconds(pair.a.report(id).lag));
    return most;
  }
  std::vector<std::string> lag_events() const {
    std::vector<std::string> out;
    for (const auto& c : pair.a.events.all) {
      if (c.what == "Lag") out.push_back(c.after);
    }
    return out;
  }
  static constexpr Bytes link = 256_KiB;
  Settings settings;
  Pair pair;
  RelationshipId id;
};

TEST(Pace, AlertTellsOnceThatTheObjectiveIsMissedAndOnceThatItIsMet) {
  Paced t{100, 5, RpoAction::alert};
  RunningLoad load(t.pair.a, "db-v1", Paced::writer());
  EXPECT_GT(t.watch(seconds(30)), 8);
  EXPECT_TRUE(t.pair.a.report(t.id).rpo_violated);
  EXPECT_TRUE(t.pair.b.report(t.id).rpo_violated);
  load.stop();
  EXPECT_EQ(load->paced, Duration{0});
  ASSERT_TRUE(t.pair.world.run_until([&] { return t.pair.a.report(t.id).lag == Duration{0}; }, seconds(120)));
  t.pair.world.run_for(seconds(5));
  EXPECT_THAT(t.lag_events(), ::testing::ElementsAre("over RPO", "within RPO"));
  for (const auto& c : t.pair.a.events.all) {
    if (c.what == "Lag" && c.after == "over RPO") {
      EXPECT_THAT(c.cause, HasSubstr("the objective is 5 s"));
    }
  }
}

TEST(Pace, HoldsTheLagForAMinuteUnderAWriterThatOutrunsTheLinkAndLetsGo) {
  Paced t{101, 5, RpoAction::pace};
  RunningLoad load(t.pair.a, "db-v1", Paced::writer());
  EXPECT_LE(t.watch(seconds(60)), 1.2 * 5);
  EXPECT_TRUE(t.pair.a.report(t.id).pacing);
  EXPECT_GT(load->paced, Duration{0});
  // The link was kept busy all the time.
  EXPECT_GE(load->bytes, 60 * 0.9 * static_cast<double>(Paced::link.value));
  EXPECT_EQ(load->failures, 0U);
  // Calm: nobody is slowed any more.
  load->set_think(milliseconds(200));
  t.pair.world.run_for(seconds(20));
  Duration paced = load->paced;
  EXPECT_LE(t.watch(seconds(20)), 1.0);
  EXPECT_EQ(load->paced, paced);
  EXPECT_FALSE(t.pair.a.report(t.id).pacing);
}

TEST(Pace, NobodyIsSlowedWhileTheLinkIsDown) {
  Paced t{102, 5, RpoAction::pace};
  RunningLoad load(t.pair.a, "db-v1", Paced::writer());
  t.pair.world.run_for(seconds(20));
  t.pair.cut();
  ASSERT_TRUE(t.pair.a.reaches(t.id, CopyState::broken));
  Duration paced = load->paced;
  t.pair.world.run_for(seconds(10));
  EXPECT_EQ(load->paced, paced);
  EXPECT_TRUE(t.pair.a.report(t.id).rpo_violated);
  t.pair.heal();
  load.stop();
  ASSERT_TRUE(t.pair.a.reaches(t.id, CopyState::synchronized));
}

TEST(Pace, AnOutageThatBeginsIdleIsLateAsSoonAsSomethingIsWritten) {
  Paced t{103, 2, RpoAction::alert};
  t.pair.cut();
  ASSERT_TRUE(t.pair.a.reaches(t.id, CopyState::broken));
  t.pair.world.run_for(seconds(5));
  EXPECT_TRUE(t.lag_events().empty());
  t.pair.a.write("db-v1", 1, Bytes{0});
  t.pair.world.run_for(seconds(4));
  EXPECT_THAT(t.lag_events(), ::testing::ElementsAre("over RPO"));
  EXPECT_NEAR(in_seconds(t.pair.a.engine->reports().front().lag), 4, 0.6);
}

TEST(Pace, TheActionChangesLive) {
  Paced t{104, 5, RpoAction::alert};
  RunningLoad load(t.pair.a, "db-v1", Paced::writer());
  t.pair.world.run_for(seconds(3));
  EXPECT_EQ(load->paced, Duration{0});
  t.settings.on_rpo = RpoAction::pace;
  must(t.pair.a.run(t.pair.a.engine->set(t.id, t.settings)));
  EXPECT_LE(t.watch(seconds(30)), 1.2 * 5);
  EXPECT_GT(load->paced, Duration{0});
  t.settings.on_rpo = RpoAction::alert;
  must(t.pair.a.run(t.pair.a.engine->set(t.id, t.settings)));
  t.pair.world.run_for(seconds(1));
  Duration paced = load->paced;
  t.pair.world.run_for(seconds(3));
  EXPECT_EQ(load->paced, paced);
}

}  // namespace
}  // namespace lockstep::replica
