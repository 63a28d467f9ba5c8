#include "rt/scope.h"

namespace lockstep::rt {
namespace {

// Starts at once and destroys itself at its end.
struct Detached {
  struct promise_type {
    Detached get_return_object() const noexcept { return {}; }
    std::suspend_never initial_suspend() const noexcept { return {}; }
    std::suspend_never final_suspend() const noexcept { return {}; }
    void return_void() const noexcept {}
    [[noreturn]] void unhandled_exception() const noexcept { std::terminate(); }
  };
};

Detached drive(Task<void> child, std::size_t& running, Signal& ended) {
  {
    Task<void> owned = std::move(child);
    co_await owned;
  }
  --running;
  ended.wake_all();
}

}  // namespace

void Scope::spawn(Task<void> child) {
  ++running_;
  drive(std::move(child), running_, ended_);
}

Task<void> Scope::join() {
  while (running_ > 0) co_await ended_.wait();
}

Task<void> Scope::stop_and_join() {
  stop_.request();
  co_await join();
}

}  // namespace lockstep::rt
