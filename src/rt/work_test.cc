#include <gtest/gtest.h>

#include <string>

#include "rt/rt_testing.h"

namespace lockstep::rt {
namespace {

Task<void> work_into(Loop& loop, std::string& log) {
  auto job = [&log] {
    log += 'j';
    return std::string("result");
  };
  std::string answer = co_await work(loop, std::move(job));
  log += answer == "result" ? 'r' : '?';
  auto plain = [&log] { log += 'v'; };
  co_await work(loop, plain);
  log += '.';
}

TEST(Work, TheJobRunsBetweenStartAndEnd) {
  TestLoop loop;
  Scope scope(loop);
  std::string log;
  scope.spawn(work_into(loop, log));
  EXPECT_EQ(log, "");
  loop.run();
  EXPECT_EQ(log, "jrv.");
}

Task<bool> is_on(Loop& loop) {
  co_await yield(loop);
  co_return Loop::current() == &loop;
}
Task<void> cross(Loop& home, Loop& away, std::string& log) {
  bool there = co_await run_on(away, is_on(away));
  log += there ? 't' : '?';
  log += Loop::current() == &home ? 'h' : '?';
}
Task<void> begin_on(Loop& loop, Task<void> task) {
  co_await yield(loop);  // so that what follows runs on the loop
  co_await task;
}

TEST(RunOn, RunsThereAndComesHome) {
  TestLoop home, away;
  Scope scope(home);
  std::string log;
  scope.spawn(begin_on(home, cross(home, away, log)));
  for (bool more = true; more;) more = home.run() + away.run() > 0;
  EXPECT_EQ(log, "th");
}

}  // namespace
}  // namespace lockstep::rt
