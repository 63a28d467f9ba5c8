// Crossing: a job on a worker, a task on another loop. Values move; nothing is shared.
#pragma once

#include <coroutine>
#include <optional>
#include <type_traits>
#include <utility>

#include "base/check.h"
#include "rt/loop.h"
#include "rt/scope.h"
#include "rt/task.h"

namespace lockstep::rt {

namespace detail {

template <class F>
struct WorkAwait {
  using Value = std::invoke_result_t<F&>;
  using Held = std::conditional_t<std::is_void_v<Value>, bool, Value>;
  Loop& loop;
  F job;
  std::optional<Held> value{};

  bool await_ready() const noexcept { return false; }
  void await_suspend(std::coroutine_handle<> h) {
    loop.work(
        [this] {
          if constexpr (std::is_void_v<Value>) {
            job();
            value.emplace(true);
          } else {
            value.emplace(job());
          }
        },
        [h] { h.resume(); });
  }
  Value await_resume() {
    if constexpr (!std::is_void_v<Value>) return std::move(*value);
  }
};

// Starts on the thread that resumes it first; hands itself back by posting.
template <class T>
struct CrossAwait {
  Loop& to;
  Task<T> task;
  using Held = std::conditional_t<std::is_void_v<T>, bool, T>;
  std::optional<Held> value{};

  struct Driver {
    struct promise_type {
      Driver get_return_object() const noexcept { return {}; }
      std::suspend_never initial_suspend() const noexcept { return {}; }
      std::suspend_never final_suspend() const noexcept { return {}; }
      void return_void() const noexcept {}
      [[noreturn]] void unhandled_exception() const noexcept { std::terminate(); }
    };
  };
  static Driver drive(CrossAwait& self, Loop& home, std::coroutine_handle<> caller) {
    {
      Task<T> owned = std::move(self.task);
      if constexpr (std::is_void_v<T>) {
        co_await owned;
        self.value.emplace(true);
      } else {
        self.value.emplace(co_await owned);
      }
    }
    home.post(caller);
  }

  bool await_ready() const noexcept { return false; }
  void await_suspend(std::coroutine_handle<> h) {
    Loop* home = Loop::current();
    CHECK(home != nullptr);
    to.post(Callback([this, home, h] { drive(*this, *home, h); }));
  }
  T await_resume() {
    if constexpr (!std::is_void_v<T>) return std::move(*value);
  }
};

}  // namespace detail

// `co_await work(loop, job)`: runs `job` on a worker and resumes on `loop`, which must be the caller's.
template <class F>
[[nodiscard]] detail::WorkAwait<std::decay_t<F>> work(Loop& loop, F&& job) { return {loop, std::forward<F>(job)}; }

// `co_await run_on(other, task)`: runs `task` on `other` and resumes on the caller's loop with its value.
template <class T>
[[nodiscard]] detail::CrossAwait<T> run_on(Loop& other, Task<T> task) { return {other, std::move(task)}; }

}  // namespace lockstep::rt
