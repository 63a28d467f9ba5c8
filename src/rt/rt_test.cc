#include "rt/rt.h"

#include <gtest/gtest.h>

#include <chrono>
#include <deque>
#include <memory>
#include <string>
#include <vector>

namespace lockstep::rt {
namespace {

using namespace std::chrono_literals;

// A loop whose clock moves only when nothing else can happen. Jobs run whole, between two callbacks.
class TestLoop final : public Loop, private Clock {
 public:
  const Clock& clock() const override { return *this; }
  void post(Callback callback) override { ready_.push_back(std::move(callback)); }
  void post(std::coroutine_handle<> handle) override {
    ready_.push_back([handle] { handle.resume(); });
  }
  void at_turn_end(Callback callback) override { turn_end_.push_back(std::move(callback)); }
  TimerId at(Instant when, Callback callback) override {
    timers_.emplace(std::pair(when, ++last_timer_), std::move(callback));
    return last_timer_;
  }
  void cancel(TimerId timer) override {
    std::erase_if(timers_, [&](const auto& entry) { return entry.first.second == timer; });
  }
  void work(Callback job, Callback done) override {
    post([this, job = std::move(job), done = std::move(done)]() mutable {
      job();
      post(std::move(done));
    });
  }

  // Until nothing is ready and no timer is left. Counts what ran.
  std::size_t run() {
    Loop* before = current();
    set_current(this);
    std::size_t ran = 0;
    while (step()) ++ran;
    set_current(before);
    return ran;
  }
  // The same for one callback, or one turn end, or one timer.
  bool step() {
    if (auto* queue = !ready_.empty() ? &ready_ : !turn_end_.empty() ? &turn_end_ : nullptr) {
      Callback next = std::move(queue->front());
      queue->pop_front();
      next();
      return true;
    }
    if (timers_.empty()) return false;
    now_ = std::max(now_, timers_.begin()->first.first);
    Callback next = std::move(timers_.begin()->second);
    timers_.erase(timers_.begin());
    next();
    return true;
  }

  [[nodiscard]] Instant now() const override { return now_; }
  [[nodiscard]] WallTime wall() const override { return {}; }

 private:
  Instant now_;
  TimerId last_timer_ = 0;
  std::deque<Callback> ready_;
  std::deque<Callback> turn_end_;
  std::map<std::pair<Instant, TimerId>, Callback> timers_;
};

// --- Task

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
  constexpr int n = 1000;   // tail calls between coroutines need the optimiser
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

// --- Scope

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

// --- Queue

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
  EXPECT_EQ(log, "+++");   // full: the fourth waits
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

// --- Budget

Task<void> take_and_hold(Budget& budget, std::uint64_t amount, Loop& loop, Duration length, std::string& log, char who) {
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
  EXPECT_FALSE(budget.try_take(1));   // others asked before
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

// --- Signal

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

// --- Stop

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
  Stop::Guard late = stop.on_request([&] { log += 'l'; });   // asked already: at once
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

// --- crossing

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
  co_await yield(loop);   // so that what follows runs on the loop
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
