// Life: a host from a start to the next death: its clock, randomness, loops, files and network. Private to os/sim.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "os/host.h"
#include "os/sim/host.h"
#include "os/sim/loop.h"
#include "os/sim/rng.h"
#include "os/sim/world.h"

namespace lockstep::os::sim {

class Life;

class SimClock final : public rt::Clock {
 public:
  explicit SimClock(const Life& life) : life_(life) {}
  [[nodiscard]] Instant now() const override;
  [[nodiscard]] WallTime wall() const override;

 private:
  const Life& life_;
};

class Life {
 public:
  Life(Host& host, std::uint64_t ordinal);
  ~Life();

  [[nodiscard]] World& world() const { return host_.world(); }
  [[nodiscard]] Host& host() const { return host_; }
  [[nodiscard]] Disk& disk() const { return host_.disk(); }
  [[nodiscard]] Rng& rng() { return rng_; }
  [[nodiscard]] const SimClock& clock() const { return clock_; }
  [[nodiscard]] Random& random() { return random_; }
  [[nodiscard]] Files& files() { return *files_; }
  [[nodiscard]] Net& net() { return *net_; }
  [[nodiscard]] Tls& tls() { return *tls_; }
  SimLoop& start_loop(std::string name);
  void end_loop(rt::Loop& loop);
  SimLoop& main_loop();

  [[nodiscard]] bool dead() const { return dead_; }
  void set_dead() { dead_ = true; }
  // The world's time, or ahead of it while the dead finish.
  [[nodiscard]] Instant now() const { return std::max(world().now(), ahead_); }
  void set_ahead(Instant when) { ahead_ = std::max(ahead_, when); }
  // What this life's clock shows at the world's time 0: no two lives agree on a monotonic time.
  [[nodiscard]] Duration clock_offset() const { return clock_offset_; }

  // `effect` happens within `takes` from now, `then` at its end.
  void in_time(Range takes, Event kind, rt::Callback effect, rt::Callback then);

  // Around a worker job: blocking calls are allowed and add their time to the job's.
  [[nodiscard]] bool in_job() const { return in_job_; }
  void run_job(rt::Callback& job);
  void spend(Range range) { spent_ += rng_.in(range); }
  [[nodiscard]] Duration take_spent() { return std::exchange(spent_, Duration{0}); }

  void drop();   // nothing of it runs any more

 private:
  Host& host_;
  Rng rng_;
  SimClock clock_;
  SimRandom random_;
  Duration clock_offset_;
  std::unique_ptr<Files> files_;
  std::unique_ptr<Net> net_;
  std::unique_ptr<Tls> tls_;
  std::vector<std::unique_ptr<SimLoop>> loops_;
  std::vector<std::unique_ptr<SimLoop>> ended_loops_;   // idle for good; somebody may still hold a reference
  SimLoop* main_loop_ = nullptr;
  Instant ahead_{};
  Duration spent_{0};
  bool in_job_ = false;
  bool dead_ = false;
};

// co_await in_time(life, loop, takes, kind, effect): suspends until `effect` has happened and its time is over.
template <class F>
struct InTime {
  Life& life;
  rt::Loop& loop;
  Range takes;
  Event kind;
  F effect;
  bool await_ready() const noexcept { return false; }
  void await_suspend(std::coroutine_handle<> h) {
    life.in_time(takes, kind, [this] { effect(); }, [to = &loop, h] { to->post(h); });
  }
  void await_resume() const noexcept {}
};
template <class F>
[[nodiscard]] InTime<std::decay_t<F>> in_time(Life& life, rt::Loop& loop, Range takes, Event kind, F&& effect) {
  return {life, loop, takes, kind, std::forward<F>(effect)};
}

std::unique_ptr<Files> make_files(Life& life);
std::unique_ptr<Net> make_net(Life& life);
std::unique_ptr<Tls> make_tls(Life& life);

}  // namespace lockstep::os::sim
