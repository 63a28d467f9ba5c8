#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "rt/rt_testing.h"

namespace lockstep::rt {
namespace {

Task<int> add(int a, int b) { co_return a + b; }
Task<void> add_into(int a, int b, int& into) { into = co_await add(a, b); }

TEST(Task, StartsOnlyWhenAwaited) {
  TestLoop loop;
  int sum = 0;
  {
    Task<void> never = add_into(1, 2, sum);
  }
  EXPECT_EQ(sum, 0);
  Scope scope(loop);
  scope.spawn(add_into(1, 2, sum));
  EXPECT_EQ(sum, 3);
}

Task<std::unique_ptr<int>> boxed(int n) { co_return std::make_unique<int>(n); }
Task<void> unbox(int& into) {
  std::unique_ptr<int> box = co_await boxed(7);
  into = *box;
}

TEST(Task, HandsOverValuesThatOnlyMove) {
  TestLoop loop;
  int n = 0;
  Scope scope(loop);
  scope.spawn(unbox(n));
  EXPECT_EQ(n, 7);
}

struct CountsDeaths {
  int& deaths;
  explicit CountsDeaths(int& d) : deaths(d) {}
  CountsDeaths(const CountsDeaths&) = delete;
  CountsDeaths& operator=(const CountsDeaths&) = delete;
  ~CountsDeaths() { ++deaths; }
};
Task<void> hold(std::unique_ptr<CountsDeaths> held, Loop& loop) {
  co_await yield(loop);
  EXPECT_EQ(held->deaths, 0);
}

TEST(Task, ParametersDieWithTheTaskWhetherItRanOrNot) {
  TestLoop loop;
  int deaths = 0;
  {
    Task<void> never = hold(std::make_unique<CountsDeaths>(deaths), loop);
  }
  EXPECT_EQ(deaths, 1);
  deaths = 0;
  Scope scope(loop);
  scope.spawn(hold(std::make_unique<CountsDeaths>(deaths), loop));
  loop.run();
  EXPECT_EQ(deaths, 1);
  EXPECT_EQ(scope.running(), 0u);
}

Task<int> sum_to(int n) {
  int sum = 0;
  for (int i = 1; i <= n; ++i) sum += co_await add(i, 0);
  co_return sum;
}
Task<void> sum_into(int n, int& into) { into = co_await sum_to(n); }

TEST(Task, AwaitingInALoopNeedsNoStack) {
  TestLoop loop;
  Scope scope(loop);
  int sum = 0;
#ifdef LOCKSTEP_SANITIZE
  constexpr int n = 1000;  // tail calls between coroutines need the optimiser
#else
  constexpr int n = 60'000;
#endif
  scope.spawn(sum_into(n, sum));
  EXPECT_EQ(sum, n / 2 * (n + 1));
}

Task<void> log_turns(Loop& loop, std::string& log, char who) {
  for (int i = 0; i < 3; ++i) {
    log += who;
    co_await yield(loop);
  }
}

TEST(Task, YieldLetsOthersGoFirst) {
  TestLoop loop;
  Scope scope(loop);
  std::string log;
  scope.spawn(log_turns(loop, log, 'a'));
  scope.spawn(log_turns(loop, log, 'b'));
  loop.run();
  EXPECT_EQ(log, "ababab");
}

}  // namespace
}  // namespace lockstep::rt
