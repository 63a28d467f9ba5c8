#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <vector>

#include "rt/rt_testing.h"

namespace lockstep::rt {
namespace {

Task<void> push_all(Queue<int>& queue, int n, std::string& log) {
  for (int i = 0; i < n; ++i) {
    bool taken = co_await queue.push(i);
    log += taken ? '+' : 'x';
  }
}
Task<void> pop_all(Queue<int>& queue, std::vector<int>& into) {
  while (std::optional<int> item = co_await queue.pop()) into.push_back(*item);
}

TEST(Queue, KeepsItsOrderAndItsBound) {
  TestLoop loop;
  Queue<int> queue(loop, 3);
  Scope scope(loop);
  std::string log;
  std::vector<int> popped;
  scope.spawn(push_all(queue, 10, log));
  loop.run();
  EXPECT_EQ(log, "+++");  // full: the fourth waits
  EXPECT_EQ(queue.size(), 3u);
  EXPECT_FALSE(queue.try_push(99));
  scope.spawn(pop_all(queue, popped));
  loop.run();
  EXPECT_EQ(log, "++++++++++");
  EXPECT_EQ(popped, (std::vector<int>{0, 1, 2, 3, 4, 5, 6, 7, 8, 9}));
  queue.close();
  loop.run();
}

TEST(Queue, ClosingDropsWhoWaitsToPushAndEndsWhoPopsAfterTheRest) {
  TestLoop loop;
  Queue<int> queue(loop, 2);
  Scope scope(loop);
  std::string log;
  std::vector<int> popped;
  scope.spawn(push_all(queue, 4, log));
  loop.run();
  queue.close();
  loop.run();
  EXPECT_EQ(log, "++xx");
  scope.spawn(pop_all(queue, popped));
  loop.run();
  EXPECT_EQ(popped, (std::vector<int>{0, 1}));
  EXPECT_FALSE(queue.try_push(5));
}

TEST(Queue, SeveralWhoPopShareTheItems) {
  TestLoop loop;
  Queue<int> queue(loop, 4);
  Scope scope(loop);
  std::string log;
  std::vector<int> a, b;
  scope.spawn(pop_all(queue, a));
  scope.spawn(pop_all(queue, b));
  scope.spawn(push_all(queue, 20, log));
  loop.run();
  queue.close();
  loop.run();
  EXPECT_EQ(a.size() + b.size(), 20u);
}

}  // namespace
}  // namespace lockstep::rt
