#include "manage/probe.h"

#include <algorithm>
#include <chrono>

namespace lockstep::manage {

namespace {

constexpr Duration every = std::chrono::milliseconds(250);
constexpr Duration stall = std::chrono::milliseconds(10);

// On the loop that is probed.
rt::Task<Instant> when(rt::Loop* loop) { co_return loop->clock().now(); }

}  // namespace

rt::Task<void> Probe::run() {
  while (true) {
    Instant planned = control_.clock().now() + every;
    bool slept = co_await rt::sleep_until(control_, planned, scope_.stop());
    if (!slept) co_return;
    note("control", control_.clock().now() - planned);
    for (PoolSet::Hold& hold : pools_.hold_all()) {
      Instant sent = control_.clock().now();
      Instant there = co_await rt::run_on(hold.loop(), when(&hold.loop()));
      note("pool-" + hold.name(), there - sent);
    }
  }
}

void Probe::note(const std::string& loop, Duration waited) {
  LoopDelay& delay = delays_[loop];
  delay.loop = loop;
  delay.last_seconds = std::max(0.0, std::chrono::duration<double>(waited).count());
  delay.worst_seconds = std::max(delay.worst_seconds, delay.last_seconds);
  if (waited > stall) ++delay.stalls;
}

std::vector<LoopDelay> Probe::delays() const {
  std::vector<LoopDelay> out;
  for (const auto& [name, delay] : delays_) out.push_back(delay);
  return out;
}

}  // namespace lockstep::manage
