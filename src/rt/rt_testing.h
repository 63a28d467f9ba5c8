// A deterministic loop for tests: virtual time, one thread, no world.
#pragma once

#include <algorithm>
#include <chrono>
#include <deque>
#include <map>
#include <utility>

#include "rt/rt.h"

namespace lockstep::rt {

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

}  // namespace lockstep::rt
