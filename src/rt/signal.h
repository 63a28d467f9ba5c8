// Signal: coroutines of one loop wait until somebody says that something changed. They look again after waking.
#pragma once

#include <coroutine>
#include <vector>

#include "base/check.h"
#include "rt/loop.h"

namespace lockstep::rt {

class Signal {
 public:
  explicit Signal(Loop& loop) : loop_(loop) {}
  Signal(const Signal&) = delete;
  Signal& operator=(const Signal&) = delete;
  ~Signal() { CHECK(waiters_.empty()); }

  // Resumes everybody who waits now, in their order, from the loop (never inside the caller).
  void wake_all() {
    for (auto waiter : waiters_) loop_.post(waiter);
    waiters_.clear();
  }

  struct Wait {
    Signal& signal;
    bool await_ready() const noexcept { return false; }
    void await_suspend(std::coroutine_handle<> h) const { signal.waiters_.push_back(h); }
    void await_resume() const noexcept {}
  };
  [[nodiscard]] Wait wait() { return Wait{*this}; }
  [[nodiscard]] bool has_waiters() const { return !waiters_.empty(); }
  [[nodiscard]] Loop& loop() const { return loop_; }

 private:
  Loop& loop_;
  std::vector<std::coroutine_handle<>> waiters_;
};

}  // namespace lockstep::rt
