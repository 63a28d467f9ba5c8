#include "os/sim/life.h"

#include <algorithm>

namespace lockstep::os::sim {

namespace {

// 2026-01-01T00:00:00Z: the first instant of every world.
constexpr std::int64_t epoch_us = 1767225600LL * 1000 * 1000;

}  // namespace

Instant SimClock::now() const { return life_.now() + life_.clock_offset(); }

WallTime SimClock::wall() const {
  Duration since = life_.now().since_start + life_.host().wall_offset();
  return WallTime{epoch_us + std::chrono::duration_cast<std::chrono::microseconds>(since).count()};
}

Life::Life(Host& host, std::uint64_t ordinal)
    : host_(host),
      rng_(Rng(host.world().seed()).named(host.name()).named("life " + std::to_string(ordinal))),
      clock_(*this),
      random_(rng_.named("random")),
      clock_offset_(rng_.in({std::chrono::seconds(1), std::chrono::hours(100)})) {
  files_ = make_files(*this);
  net_ = make_net(*this);
  tls_ = make_tls(*this);
}

Life::~Life() = default;

SimLoop& Life::start_loop(std::string name) {
  loops_.push_back(std::make_unique<SimLoop>(*this, std::move(name)));
  return *loops_.back();
}

void Life::end_loop(rt::Loop& loop) {
  auto it = std::find_if(loops_.begin(), loops_.end(), [&](const auto& mine) { return mine.get() == &loop; });
  CHECK(it != loops_.end());
  CHECK((*it)->idle());
  (*it)->drop();
  if (main_loop_ == it->get()) main_loop_ = nullptr;
  ended_loops_.push_back(std::move(*it));
  loops_.erase(it);
}

SimLoop& Life::main_loop() {
  if (main_loop_ == nullptr) main_loop_ = &start_loop("main");
  return *main_loop_;
}

void Life::in_time(Range takes, Event kind, rt::Callback effect, rt::Callback then) {
  Duration total = rng_.in(takes);
  Duration before = rng_.in({Duration{0}, total});
  Instant start = now();
  world().schedule(start + before, this, kind,
                   [this, kind, end = start + total, effect = std::move(effect), then = std::move(then)]() mutable {
                     effect();
                     world().schedule(std::max(end, now()), this, kind, std::move(then));
                   });
}

void Life::run_job(rt::Callback& job) {
  CHECK(!in_job_);
  rt::Loop* kept = nullptr;
  SimLoop::leave_turn(kept);
  in_job_ = true;
  spent_ = Duration{0};
  job();
  in_job_ = false;
  SimLoop::back_to_turn(kept);
}

void Life::drop() {
  for (auto& loop : loops_) loop->drop();
}

}  // namespace lockstep::os::sim
