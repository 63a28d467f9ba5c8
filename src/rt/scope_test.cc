#include <gtest/gtest.h>

#include <chrono>
#include <string>

#include "rt/rt_testing.h"

namespace lockstep::rt {
namespace {

using namespace std::chrono_literals;

Task<void> sleep_then(Loop& loop, Duration length, Stop& stop, std::string& log, char who) {
  bool whole = co_await sleep_for(loop, length, stop);
  log += whole ? who : static_cast<char>(who - 'a' + 'A');
}
Task<void> join_and_log(Scope& scope, std::string& log) {
  co_await scope.join();
  log += '.';
}

TEST(Scope, JoinWaitsForEveryChild) {
  TestLoop loop;
  Scope children(loop), parent(loop);
  std::string log;
  children.spawn(sleep_then(loop, 2ms, children.stop(), log, 'b'));
  children.spawn(sleep_then(loop, 1ms, children.stop(), log, 'a'));
  parent.spawn(join_and_log(children, log));
  EXPECT_EQ(children.running(), 2u);
  loop.run();
  EXPECT_EQ(log, "ab.");
}

Task<void> stop_after(Loop& loop, Duration length, Scope& scope, std::string& log) {
  Stop never;
  co_await sleep_for(loop, length, never);
  co_await scope.stop_and_join();
  log += '.';
}

TEST(Scope, StopAndJoinCutsSleepsShort) {
  TestLoop loop;
  Scope children(loop), parent(loop);
  std::string log;
  children.spawn(sleep_then(loop, 1ms, children.stop(), log, 'a'));
  children.spawn(sleep_then(loop, 1h, children.stop(), log, 'b'));
  children.spawn(sleep_then(loop, 2h, children.stop(), log, 'c'));
  parent.spawn(stop_after(loop, 5ms, children, log));
  loop.run();
  EXPECT_EQ(log, "aBC.");
  EXPECT_EQ(loop.now(), Instant{} + 5ms);
}

Task<void> spawn_more(Scope& scope, int left, int& ran) {
  ++ran;
  co_await yield(scope.loop());
  if (left > 0) scope.spawn(spawn_more(scope, left - 1, ran));
}

TEST(Scope, ChildrenMaySpawnSiblingsWhileTheParentJoins) {
  TestLoop loop;
  Scope children(loop), parent(loop);
  std::string log;
  int ran = 0;
  children.spawn(spawn_more(children, 5, ran));
  parent.spawn(join_and_log(children, log));
  loop.run();
  EXPECT_EQ(ran, 6);
  EXPECT_EQ(log, ".");
}

TEST(ScopeDeathTest, ScopeThatDiesBeforeItsChildrenEndsTheProcess) {
  testing::FLAGS_gtest_death_test_style = "threadsafe";
  TestLoop loop;
  std::string log;
  Stop never;
  EXPECT_DEATH(
      {
        Scope scope(loop);
        scope.spawn(sleep_then(loop, 1ms, never, log, 'a'));
      },
      "CHECK failed: running_ == 0");
}

}  // namespace
}  // namespace lockstep::rt
