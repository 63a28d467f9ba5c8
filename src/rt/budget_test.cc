#include <gtest/gtest.h>

#include <chrono>
#include <string>

#include "rt/rt_testing.h"

namespace lockstep::rt {
namespace {

using namespace std::chrono_literals;

Task<void> take_and_hold(Budget& budget, std::uint64_t amount, Loop& loop, Duration length, std::string& log,
                         char who) {
  co_await budget.take(amount);
  log += who;
  Stop never;
  co_await sleep_for(loop, length, never);
  budget.give(amount);
}

TEST(Budget, FirstComeFirstServedEvenIfALaterOneWouldFit) {
  TestLoop loop;
  Budget budget(loop, 10);
  Scope scope(loop);
  std::string log;
  scope.spawn(take_and_hold(budget, 8, loop, 10ms, log, 'a'));
  scope.spawn(take_and_hold(budget, 9, loop, 10ms, log, 'b'));
  scope.spawn(take_and_hold(budget, 1, loop, 10ms, log, 'c'));
  EXPECT_FALSE(budget.try_take(1));  // others asked before
  EXPECT_EQ(budget.used(), 8u);
  loop.run();
  EXPECT_EQ(log, "abc");
  EXPECT_EQ(budget.used(), 0u);
  EXPECT_TRUE(budget.try_take(10));
  budget.give(10);
}

TEST(Budget, MoreThanThereEverIsWaitsForAllOfIt) {
  TestLoop loop;
  Budget budget(loop, 10);
  Scope scope(loop);
  std::string log;
  scope.spawn(take_and_hold(budget, 1, loop, 1ms, log, 'a'));
  scope.spawn(take_and_hold(budget, 50, loop, 1ms, log, 'b'));
  scope.spawn(take_and_hold(budget, 10, loop, 1ms, log, 'c'));
  EXPECT_EQ(log, "a");
  loop.run();
  EXPECT_EQ(log, "abc");
}

TEST(Budget, SmallOnesShare) {
  TestLoop loop;
  Budget budget(loop, 10);
  Scope scope(loop);
  std::string log;
  for (char who : {'a', 'b', 'c'}) scope.spawn(take_and_hold(budget, 3, loop, 1ms, log, who));
  EXPECT_EQ(log, "abc");
  EXPECT_EQ(budget.used(), 9u);
  EXPECT_FALSE(budget.try_take(2));
  EXPECT_TRUE(budget.try_take(1));
  budget.give(1);
  loop.run();
}

}  // namespace
}  // namespace lockstep::rt
