// Adaptive: hosts never wait longer than the bound, whatever becomes of the target.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "replica/systems/load_testing.h"

namespace lockstep::replica {
namespace {

using namespace testing;
using ::testing::HasSubstr;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr Duration bound = milliseconds(100);
constexpr Duration local = milliseconds(20);   // what a flush may take here alone

Settings adaptive() {
  Settings s;
  s.mode = Mode::adaptive;
  return s;
}

// A pair in Adaptive mode, as Synchronous, under a load.
struct Adaptive {
  explicit Adaptive(std::uint64_t salt) : pair(salt) {
    GroupId group = pair.a.make_group("db", 1, 4_MiB);
    id = pair.create(group, adaptive());
    EXPECT_TRUE(pair.a.reaches(id, CopyState::synchronized));
    EXPECT_TRUE(becomes(Mode::synchronous));
    pair.a.events.all.clear();
  }
  bool becomes(Mode mode, Duration at_most = seconds(30)) {
    return pair.world.run_until([&] { return pair.a.report(id).mode_in_force == mode; }, at_most);
  }
  // "Asynchronous Synchronous ...", as events told it.
  std::string modes() const {
    std::string out;
    for (const auto& c : pair.a.events.all) {
      if (c.what == "Mode") out += (out.empty() ? "" : " ") + c.after;
    }
    return out;
  }
  std::string cause(std::size_t number) const {
    for (const auto& c : pair.a.events.all) {
      if (c.what == "Mode" && number-- == 0) return c.cause;
    }
    return {};
  }
  void expect_bounded(HostLoad& load) {
    EXPECT_EQ(load.failures, 0U);
    EXPECT_LE(load.longest_write, bound + local);
    EXPECT_LE(load.longest_flush, bound + local);
  }
  Pair pair;
  RelationshipId id;
};

TEST(Adaptive, WritesAndFlushesWaitAsSynchronousOnes) {
  Adaptive t{80};
  for (std::uint64_t i = 1; i <= 20; ++i) {
    t.pair.a.write("db-v1", i, Bytes{i * 4096});
    EXPECT_EQ(t.pair.b.tag("db-v1", Bytes{i * 4096}), i);
  }
  pool::VolumeRef volume = t.pair.a.volume("db-v1");
  must(t.pair.a.on_pool(volume->flush()));
  EXPECT_GE(t.pair.b.pool().status().durable, t.pair.b.pool().status().appended - Lsn{2});
}

TEST(Adaptive, ATargetWhoseDiskStallsForFiveSecondsHoldsNobodyUp) {
  Adaptive t{81};
  RunningLoad load(t.pair.a, "db-v1");
  t.pair.world.run_for(seconds(1));
  t.pair.b.host.disk().set_slowness(2000);
  t.pair.world.run_for(seconds(5));
  t.pair.b.host.disk().set_slowness(1);
  ASSERT_TRUE(t.becomes(Mode::asynchronous)) << t.modes();
  ASSERT_TRUE(t.becomes(Mode::synchronous, seconds(120))) << t.modes();
  t.pair.world.run_for(seconds(10));
  load.stop();
  t.expect_bounded(load.load);
  EXPECT_EQ(t.modes(), "Asynchronous Synchronous");
  EXPECT_THAT(t.cause(0), HasSubstr("after 100 ms"));
  EXPECT_THAT(t.cause(1), HasSubstr("kept up for 5 s"));
  EXPECT_GT(load->writes, 1000U);
}

TEST(Adaptive, ATargetThatIsGoneForFiveSecondsHoldsNobodyUp) {
  for (int how = 0; how < 3; ++how) {
    Adaptive t{82 + static_cast<std::uint64_t>(how)};
    RunningLoad load(t.pair.a, "db-v1");
    t.pair.world.run_for(seconds(1));
    if (how == 0) t.pair.cut();
    if (how == 1) t.pair.world.network().go_silent(t.pair.a.host, t.pair.b.host);
    if (how == 2) t.pair.b.power_cut();
    t.pair.world.run_for(seconds(5));
    if (how == 0) t.pair.heal();
    if (how == 2) t.pair.b.start();
    ASSERT_TRUE(t.becomes(Mode::synchronous, seconds(60))) << how << ": " << t.modes();
    load.stop();
    t.expect_bounded(load.load);
    EXPECT_THAT(t.modes(), ::testing::EndsWith("Asynchronous Synchronous")) << how;
    EXPECT_THAT(t.cause(0), HasSubstr(how == 2 ? "the connection was reset" : "after 100 ms")) << how;
    ASSERT_TRUE(t.pair.world.run_until([&] { return t.pair.b.group("db")->position == t.pair.a.group("db")->position; }, seconds(10)));
    EXPECT_EQ(t.pair.a.content("db-v1"), t.pair.b.content("db-v1"));
  }
}

TEST(Adaptive, ASlowLinkIsNotTrusted) {
  Adaptive t{86};
  RunningLoad load(t.pair.a, "db-v1");
  t.pair.world.network().delay(t.pair.a.host, t.pair.b.host, milliseconds(80));   // more than half the bound, less than the bound
  t.pair.world.run_for(seconds(20));
  EXPECT_EQ(t.modes(), "") << "it answers within the bound: there is no reason to go";
  t.pair.world.network().delay(t.pair.a.host, t.pair.b.host, milliseconds(150));
  ASSERT_TRUE(t.becomes(Mode::asynchronous));
  t.pair.world.network().delay(t.pair.a.host, t.pair.b.host, milliseconds(60));
  t.pair.world.run_for(seconds(60));
  EXPECT_EQ(t.modes(), "Asynchronous") << "it answers, but not within half the bound";
  t.pair.world.network().delay(t.pair.a.host, t.pair.b.host, milliseconds(10));
  ASSERT_TRUE(t.becomes(Mode::synchronous));
  load.stop();
  t.expect_bounded(load.load);
  EXPECT_EQ(t.modes(), "Asynchronous Synchronous");
}

TEST(Adaptive, AnIdleSlowLinkIsNotTrustedEither) {
  Adaptive t{87};
  t.pair.world.network().delay(t.pair.a.host, t.pair.b.host, milliseconds(300));
  Instant before = t.pair.world.now();
  t.pair.a.write("db-v1", 1, Bytes{0});
  EXPECT_LE(t.pair.world.now() - before, bound + local);
  t.pair.world.run_for(seconds(60));
  EXPECT_EQ(t.modes(), "Asynchronous");
  before = t.pair.world.now();
  t.pair.a.write("db-v1", 2, Bytes{0});
  EXPECT_LE(t.pair.world.now() - before, local);
  t.pair.world.network().delay(t.pair.a.host, t.pair.b.host, Duration{0});
  EXPECT_TRUE(t.becomes(Mode::synchronous)) << "nothing is written, and yet it is known to be fast again";
}

TEST(Adaptive, AFlappingLinkSwitchesOnceAFlap) {
  Adaptive t{88};
  RunningLoad load(t.pair.a, "db-v1");
  for (int flap = 0; flap < 5; ++flap) {
    // Too short a calm between two of them is no return.
    for (int blink = 0; blink < 3; ++blink) {
      t.pair.world.network().delay(t.pair.b.host, t.pair.a.host, milliseconds(300));
      t.pair.world.run_for(seconds(1));
      t.pair.world.network().delay(t.pair.b.host, t.pair.a.host, Duration{0});
      t.pair.world.run_for(seconds(2));
    }
    ASSERT_TRUE(t.becomes(Mode::synchronous)) << t.modes();
  }
  load.stop();
  t.expect_bounded(load.load);
  EXPECT_EQ(t.modes(), "Asynchronous Synchronous Asynchronous Synchronous Asynchronous Synchronous "
                       "Asynchronous Synchronous Asynchronous Synchronous");
}

TEST(Adaptive, ASmallerBoundHoldsAtOnce) {
  Adaptive t{89};
  Settings settings = adaptive();
  settings.adaptive_bound_ms = 20;
  must(t.pair.a.run(t.pair.a.engine->set(t.id, settings)));
  t.pair.world.network().delay(t.pair.a.host, t.pair.b.host, milliseconds(50));
  Instant before = t.pair.world.now();
  t.pair.a.write("db-v1", 1, Bytes{0});
  EXPECT_LE(t.pair.world.now() - before, milliseconds(25));
  EXPECT_EQ(t.pair.a.report(t.id).mode_in_force, Mode::asynchronous);
}

TEST(Adaptive, ModesChangeLive) {
  Adaptive t{90};
  RunningLoad load(t.pair.a, "db-v1");
  for (Operation operation : {Operation::reset_to_async, Operation::reset_to_sync, Operation::reset_to_adaptive}) {
    ASSERT_TRUE(t.pair.a.operate(t.id, operation).has_value());
    ASSERT_TRUE(t.becomes(operation == Operation::reset_to_async ? Mode::asynchronous : Mode::synchronous));
    t.pair.world.run_for(seconds(2));
  }
  load.stop();
  t.expect_bounded(load.load);
  EXPECT_EQ(t.modes(), "Asynchronous Synchronous");
  EXPECT_EQ(t.pair.a.report(t.id).relationship.settings.mode, Mode::adaptive);
  EXPECT_EQ(t.pair.b.report(t.id).relationship.settings.mode, Mode::adaptive);
}

}  // namespace
}  // namespace lockstep::replica
