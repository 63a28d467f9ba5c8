// Sleeping and taking turns. A sleep ends at its time, or when its Stop is requested.
#pragma once

#include <coroutine>
#include <optional>

#include "rt/loop.h"
#include "rt/stop.h"
#include "rt/task.h"

namespace lockstep::rt {

// Lets everything else that is ready run first.
struct Yield {
  Loop& loop;
  bool await_ready() const noexcept { return false; }
  void await_suspend(std::coroutine_handle<> h) const { loop.post(h); }
  void await_resume() const noexcept {}
};
[[nodiscard]] inline Yield yield(Loop& loop) { return Yield{loop}; }

// False when the sleep was cut short by `stop`.
Task<bool> sleep_until(Loop& loop, Instant when, Stop& stop);
Task<bool> sleep_for(Loop& loop, Duration length, Stop& stop);

}  // namespace lockstep::rt
