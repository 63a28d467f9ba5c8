// TestLoop: turns by hand, on one thread, time by hand too. Two of them in a World find what is used on the
// wrong loop.
#pragma once

#include <deque>
#include <map>
#include <vector>

#include "rt/rt.h"

namespace lockstep::nbd::testing {

class TestClock final : public rt::Clock {
 public:
  Instant time{};
  [[nodiscard]] Instant now() const override { return time; }
  [[nodiscard]] WallTime wall() const override { return {time.since_start.count() / 1000}; }
};

class TestLoop final : public rt::Loop {
 public:
  explicit TestLoop(TestClock& clock) : clock_(clock) {}

  [[nodiscard]] const rt::Clock& clock() const override { return clock_; }
  void post(rt::Callback callback) override { ready_.push_back(std::move(callback)); }
  void post(std::coroutine_handle<> handle) override {
    ready_.push_back([handle] { handle.resume(); });
  }
  void at_turn_end(rt::Callback callback) override { turn_end_.push_back(std::move(callback)); }
  TimerId at(Instant when, rt::Callback callback) override {
    timers_.emplace(std::pair(when, next_timer_), std::move(callback));
    return next_timer_++;
  }
  void cancel(TimerId timer) override {
    std::erase_if(timers_, [&](const auto& entry) { return entry.first.second == timer; });
  }
  void work(rt::Callback job, rt::Callback done) override {
    job();
    post(std::move(done));
  }

  // One turn; false when there was nothing to do.
  bool turn() {
    while (!timers_.empty() && timers_.begin()->first.first <= clock_.time) {
      ready_.push_back(std::move(timers_.begin()->second));
      timers_.erase(timers_.begin());
    }
    if (ready_.empty() && turn_end_.empty()) return false;
    set_current(this);
    std::deque<rt::Callback> now = std::move(ready_);
    ready_.clear();
    for (rt::Callback& callback : now) callback();
    for (std::size_t i = 0; i < turn_end_.size(); ++i) {  // grows while it runs
      rt::Callback callback = std::move(turn_end_[i]);
      callback();
    }
    turn_end_.clear();
    set_current(nullptr);
    return true;
  }
  // As if a callback of this loop were running.
  template <class F>
  void inside(F&& f) {
    set_current(this);
    f();
    set_current(nullptr);
  }

 private:
  TestClock& clock_;
  std::deque<rt::Callback> ready_;
  std::vector<rt::Callback> turn_end_;
  std::map<std::pair<Instant, TimerId>, rt::Callback> timers_;
  TimerId next_timer_ = 1;
};

struct Loops {
  TestClock clock;
  TestLoop control{clock};
  TestLoop pool{clock};

  // Until nobody has anything to do at this instant.
  void settle() {
    for (bool busy = true; busy;) {
      busy = control.turn();
      busy = pool.turn() || busy;
    }
  }
  void advance(Duration by) {
    settle();
    clock.time = clock.time + by;
    settle();
  }
};

}  // namespace lockstep::nbd::testing
