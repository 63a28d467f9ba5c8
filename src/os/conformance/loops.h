// What every loop keeps: order, turns, timers, workers, crossings.
#pragma once

#include <algorithm>
#include <chrono>
#include <string>
#include <vector>

#include "os/conformance/world.h"

namespace lockstep::os::conformance {

using namespace std::chrono_literals;

OS_TEST(Loops, TheLoopThatRunsIsTheCurrentOne) {
  EXPECT_EQ(rt::Loop::current(), &world.loop());
  co_return;
}

OS_TEST(Loops, PostsRunInTheirOrderAndNeverInsideThePoster) {
  rt::Loop& loop = world.loop();
  std::string order;
  for (char c : {'a', 'b', 'c'}) loop.post(rt::Callback([&order, c] { order += c; }));
  EXPECT_EQ(order, "");
  co_await rt::yield(loop);
  EXPECT_EQ(order, "abc");
}

OS_TEST(Loops, TheTurnEndsAfterEverythingThatWasReady) {
  rt::Loop& loop = world.loop();
  std::string order;
  loop.at_turn_end([&order] { order += 'E'; });
  loop.post(rt::Callback([&] {
    order += 'a';
    loop.post(rt::Callback([&] { order += 'c'; }));
  }));
  loop.post(rt::Callback([&] { order += 'b'; }));
  rt::Stop stop;
  co_await rt::sleep_for(loop, 1ms, stop);
  EXPECT_EQ(order, "abcE");
}

OS_TEST(Loops, ATurnEndAskedForAtATurnEndBelongsToIt) {
  rt::Loop& loop = world.loop();
  std::string order;
  loop.at_turn_end([&] {
    order += '1';
    loop.post(rt::Callback([&] { order += 'p'; }));
    loop.at_turn_end([&] { order += '2'; });
  });
  rt::Stop stop;
  co_await rt::sleep_for(loop, 1ms, stop);
  EXPECT_EQ(order, "12p");
}

OS_TEST(Loops, ATurnEndRunsOnce) {
  rt::Loop& loop = world.loop();
  int runs = 0;
  loop.at_turn_end([&] { ++runs; });
  rt::Stop stop;
  co_await rt::sleep_for(loop, 1ms, stop);
  co_await rt::sleep_for(loop, 1ms, stop);
  EXPECT_EQ(runs, 1);
}

OS_TEST(Loops, TimersRunInTheOrderOfTheirTimes) {
  rt::Loop& loop = world.loop();
  std::string order;
  Instant start = loop.clock().now();
  loop.at(start + 6ms, [&] { order += 'c'; });
  loop.at(start + 2ms, [&] { order += 'a'; });
  loop.at(start + 4ms, [&] { order += 'b'; });
  loop.at(start + 6ms, [&] { order += 'd'; });  // same time: in the order asked
  rt::Stop stop;
  co_await rt::sleep_until(loop, start + 8ms, stop);
  EXPECT_EQ(order, "abcd");
  EXPECT_GE(loop.clock().now(), start + 8ms);
}

OS_TEST(Loops, ATimerOfThePastRunsSoonButNotAtOnce) {
  rt::Loop& loop = world.loop();
  bool ran = false;
  loop.at(Instant{}, [&] { ran = true; });
  EXPECT_FALSE(ran);
  rt::Stop stop;
  co_await rt::sleep_for(loop, 1ms, stop);
  EXPECT_TRUE(ran);
}

OS_TEST(Loops, ACancelledTimerNeverRuns) {
  rt::Loop& loop = world.loop();
  int runs = 0;
  Instant start = loop.clock().now();
  rt::Loop::TimerId late = loop.at(start + 2ms, [&] { ++runs; });
  loop.at(start + 1ms, [&] { loop.cancel(late); });
  rt::Loop::TimerId early = loop.at(start + 1ms, [&] { ++runs; });
  loop.cancel(early);
  loop.cancel(early);
  loop.cancel(0);
  rt::Stop stop;
  co_await rt::sleep_until(loop, start + 4ms, stop);
  EXPECT_EQ(runs, 0);
  loop.cancel(late);
}

OS_TEST(Loops, ATimerThatIsDueCanStillBeCancelled) {
  rt::Loop& loop = world.loop();
  Instant when = loop.clock().now() + 2ms;
  std::string order;
  rt::Loop::TimerId second = 0;
  loop.at(when, [&] {
    order += 'a';
    loop.cancel(second);   // its time has come with ours
  });
  second = loop.at(when, [&] { order += 'b'; });
  loop.at(when, [&] { order += 'c'; });
  rt::Stop stop;
  co_await rt::sleep_until(loop, when + 2ms, stop);
  EXPECT_EQ(order, "ac");
}

OS_TEST(Loops, CancellingATimerThatRanLeavesLaterOnesAlone) {
  rt::Loop& loop = world.loop();
  int runs = 0;
  rt::Stop stop;
  rt::Loop::TimerId old = loop.at(loop.clock().now(), [] {});
  co_await rt::sleep_for(loop, 1ms, stop);
  loop.at(loop.clock().now() + 1ms, [&] { ++runs; });
  loop.cancel(old);
  co_await rt::sleep_for(loop, 2ms, stop);
  EXPECT_EQ(runs, 1);
}

OS_TEST(Loops, ManyTimersKeepTheirOrder) {
  rt::Loop& loop = world.loop();
  std::vector<int> ran;
  std::vector<rt::Loop::TimerId> timers;
  Instant start = loop.clock().now();
  for (int i = 0; i < 500; ++i) {
    int slot = (i * 271) % 500;
    timers.push_back(loop.at(start + 1ms + slot * 1us, [&ran, slot] { ran.push_back(slot); }));
  }
  for (std::size_t i = 0; i < timers.size(); i += 3) loop.cancel(timers[i]);
  rt::Stop stop;
  co_await rt::sleep_until(loop, start + 3ms, stop);
  EXPECT_EQ(ran.size(), 333u);
  EXPECT_TRUE(std::is_sorted(ran.begin(), ran.end()));
}

inline rt::Task<void> request_after(rt::Loop& loop, Duration length, rt::Stop& stop) {
  rt::Stop never;
  co_await rt::sleep_for(loop, length, never);
  stop.request();
}

OS_TEST(Loops, ASleepEndsAtItsTimeOrWithItsStop) {
  rt::Loop& loop = world.loop();
  rt::Stop stop;
  Instant start = loop.clock().now();
  EXPECT_TRUE(co_await rt::sleep_for(loop, 2ms, stop));
  EXPECT_GE(loop.clock().now(), start + 2ms);
  rt::Scope scope(loop);
  scope.spawn(request_after(loop, 1ms, stop));
  EXPECT_FALSE(co_await rt::sleep_for(loop, 1h, stop));
  EXPECT_LT(loop.clock().now(), start + 1h);
  EXPECT_FALSE(co_await rt::sleep_for(loop, 1h, stop));  // asked once, stays asked
  co_await scope.join();
}

OS_TEST(Loops, AJobRunsOnAWorkerAndItsResultComesBack) {
  auto job = [text = std::string("from the worker")] { return text + ", back"; };
  std::string answer = co_await rt::work(world.loop(), std::move(job));
  EXPECT_EQ(answer, "from the worker, back");
  EXPECT_EQ(rt::Loop::current(), &world.loop());
}

inline rt::Task<void> count_jobs(rt::Loop& loop, int jobs, int& done) {
  for (int i = 0; i < jobs; ++i) {
    auto job = [i] { return i; };
    if (co_await rt::work(loop, job) == i) ++done;
  }
}

OS_TEST(Loops, ManyJobsAtOnceAllComeBack) {
  rt::Scope scope(world.loop());
  int done = 0;
  for (int i = 0; i < 20; ++i) scope.spawn(count_jobs(world.loop(), 10, done));
  co_await scope.join();
  EXPECT_EQ(done, 200);
}

inline rt::Task<std::string> name_of_loop(rt::Loop& expected, std::string prefix) {
  co_await rt::yield(expected);
  co_return prefix + (rt::Loop::current() == &expected ? "there" : "elsewhere");
}

OS_TEST(Loops, ATaskRunsOnAnotherLoopAndItsValueComesHome) {
  rt::Loop& other = world.host().start_loop("other");
  std::string first = co_await rt::run_on(other, name_of_loop(other, "ran "));
  EXPECT_EQ(first, "ran there");
  EXPECT_EQ(rt::Loop::current(), &world.loop());
  for (int i = 0; i < 100; ++i) {
    std::string again = co_await rt::run_on(other, name_of_loop(other, ""));
    EXPECT_EQ(again, "there");
  }
  world.host().end_loop(other);
}

inline rt::Task<std::size_t> cross_back_and_forth(rt::Loop& home, rt::Loop& away, int times) {
  std::size_t there = 0;
  for (int i = 0; i < times; ++i) {
    std::string answer = co_await rt::run_on(away, name_of_loop(away, ""));
    if (answer == "there" && rt::Loop::current() == &home) ++there;
  }
  co_return there;
}

OS_TEST(Loops, LoopsCrossToEachOtherAtTheSameTime) {
  rt::Loop& a = world.host().start_loop("a");
  rt::Loop& b = world.host().start_loop("b");
  std::size_t from_a = 0, from_b = 0;
  auto collect = [](rt::Loop& home, rt::Loop& away, std::size_t& into) -> rt::Task<void> {
    into = co_await rt::run_on(home, cross_back_and_forth(home, away, 50));
  };
  rt::Scope scope(world.loop());
  scope.spawn(collect(a, b, from_a));
  scope.spawn(collect(b, a, from_b));
  co_await scope.join();
  EXPECT_EQ(from_a, 50u);
  EXPECT_EQ(from_b, 50u);
  world.host().end_loop(a);
  world.host().end_loop(b);
}

OS_TEST(Loops, WhenALoopHasEndedTheOthersGoOn) {
  rt::Loop& first = world.host().start_loop("first");
  rt::Loop& second = world.host().start_loop("second");
  world.host().end_loop(first);
  rt::Stop never;
  EXPECT_TRUE(co_await rt::sleep_for(world.loop(), 1ms, never));
  std::string there = co_await rt::run_on(second, name_of_loop(second, ""));
  EXPECT_EQ(there, "there");
  world.host().end_loop(second);
  EXPECT_TRUE(co_await rt::sleep_for(world.loop(), 1ms, never));
}

OS_TEST(Loops, ClocksMoveForward) {
  const rt::Clock& clock = world.host().clock();
  Instant before = clock.now();
  WallTime wall = clock.wall();
  rt::Stop stop;
  co_await rt::sleep_for(world.loop(), 2ms, stop);
  EXPECT_GT(clock.now(), before);
  EXPECT_GT(clock.wall(), wall);
}

OS_TEST(Loops, RandomBytesDiffer) {
  SystemId a = world.host().random().id<SystemId>(), b = world.host().random().id<SystemId>();
  EXPECT_NE(a, b);
  Buffer large(10000);
  world.host().random().fill(large);
  EXPECT_FALSE(is_zero(Span(large).first(5000)));
  EXPECT_FALSE(is_zero(Span(large).last(16)));
  co_return;
}

}  // namespace lockstep::os::conformance
