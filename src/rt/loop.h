// Loop: one thread's turn-taking. Everything that shares a loop needs no lock.
// A turn: run what is ready, then what asked for the end of the turn, then wait for the world.
#pragma once

#include <coroutine>
#include <cstdint>
#include <functional>

#include "base/time.h"
#include "rt/clock.h"

namespace lockstep::rt {

using Callback = std::move_only_function<void()>;

class Loop {
 public:
  virtual ~Loop() = default;

  [[nodiscard]] virtual const Clock& clock() const = 0;

  // From any thread; run in the order posted, never inside the caller.
  virtual void post(Callback callback) = 0;
  virtual void post(std::coroutine_handle<> handle) = 0;

  // On this loop only, from here down.

  // Once, after everything ready in this turn has run and before the loop waits: batches of one turn meet here.
  // A callback added while turn-end callbacks run is run in the same turn end.
  virtual void at_turn_end(Callback callback) = 0;

  // Timers. `cancel` of a timer that has run, or of 0, does nothing.
  using TimerId = std::uint64_t;
  virtual TimerId at(Instant when, Callback callback) = 0;
  virtual void cancel(TimerId timer) = 0;

  // Runs `job` on a worker (a thread, or a virtual instant), then posts `done` here. A job may block; it shares nothing.
  virtual void work(Callback job, Callback done) = 0;

  // The loop that is running on this thread, or nullptr.
  [[nodiscard]] static Loop* current() noexcept;

 protected:
  static void set_current(Loop* loop) noexcept;
};

}  // namespace lockstep::rt
