#include "rt/sleep.h"

namespace lockstep::rt {
namespace {

struct TimerAwait {
  Loop& loop;
  Instant when;
  Stop& stop;
  bool elapsed = false;
  Loop::TimerId timer = 0;
  std::optional<Stop::Guard> guard = std::nullopt;

  bool await_ready() const noexcept { return false; }
  void await_suspend(std::coroutine_handle<> h) {
    timer = loop.at(when, [this, h] {
      elapsed = true;
      guard.reset();
      h.resume();
    });
    guard.emplace(stop.on_request([this, h] {
      loop.cancel(timer);
      loop.post(h);
    }));
  }
  bool await_resume() const noexcept { return elapsed; }
};

}  // namespace

Task<bool> sleep_until(Loop& loop, Instant when, Stop& stop) {
  if (stop.requested()) co_return false;
  TimerAwait timer{.loop = loop, .when = when, .stop = stop};
  co_return co_await timer;
}

Task<bool> sleep_for(Loop& loop, Duration length, Stop& stop) {
  Instant when = loop.clock().now() + length;
  co_return co_await sleep_until(loop, when, stop);
}

}  // namespace lockstep::rt
