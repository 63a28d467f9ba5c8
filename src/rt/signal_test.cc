#include <gtest/gtest.h>

#include <optional>
#include <string>

#include "rt/rt_testing.h"

namespace lockstep::rt {
namespace {

Task<void> wait_for(Signal& signal, const int& value, int wanted, std::string& log, char who) {
  while (value < wanted) co_await signal.wait();
  log += who;
}

TEST(Signal, WakesEverybodyWhoWaitsButNeverInsideTheCaller) {
  TestLoop loop;
  Signal signal(loop);
  Scope scope(loop);
  std::string log;
  int value = 0;
  scope.spawn(wait_for(signal, value, 1, log, 'a'));
  scope.spawn(wait_for(signal, value, 2, log, 'b'));
  scope.spawn(wait_for(signal, value, 1, log, 'c'));
  EXPECT_TRUE(signal.has_waiters());
  value = 1;
  signal.wake_all();
  EXPECT_EQ(log, "");
  loop.run();
  EXPECT_EQ(log, "ac");
  value = 2;
  signal.wake_all();
  loop.run();
  EXPECT_EQ(log, "acb");
  EXPECT_FALSE(signal.has_waiters());
  EXPECT_EQ(loop.run(), 0u);
}

TEST(Stop, TellsEverybodyOnceInTheirOrder) {
  Stop stop;
  std::string log;
  Stop::Guard a = stop.on_request([&] { log += 'a'; });
  Stop::Guard b = stop.on_request([&] { log += 'b'; });
  EXPECT_FALSE(stop.requested());
  stop.request();
  stop.request();
  EXPECT_TRUE(stop.requested());
  EXPECT_EQ(log, "ab");
  Stop::Guard late = stop.on_request([&] { log += 'l'; });  // asked already: at once
  EXPECT_EQ(log, "abl");
}

TEST(Stop, ForgetsWhoseGuardDied) {
  Stop stop;
  std::string log;
  {
    Stop::Guard gone = stop.on_request([&] { log += 'g'; });
  }
  Stop::Guard first = stop.on_request([&] { log += 'f'; });
  Stop::Guard moved = std::move(first);
  stop.request();
  EXPECT_EQ(log, "f");
}

TEST(Stop, ACallbackMayForgetALaterOne) {
  Stop stop;
  std::string log;
  std::optional<Stop::Guard> second;
  Stop::Guard first = stop.on_request([&] {
    log += '1';
    second.reset();
  });
  second.emplace(stop.on_request([&] { log += '2'; }));
  stop.request();
  EXPECT_EQ(log, "1");
}

}  // namespace
}  // namespace lockstep::rt
