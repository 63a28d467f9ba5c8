// SimLoop: one loop of one life of a host; its turns are events of the world.
#pragma once

#include <deque>
#include <map>
#include <string>
#include <vector>

#include "os/sim/world.h"
#include "rt/rt.h"

namespace lockstep::os::sim {

class SimLoop final : public rt::Loop {
 public:
  SimLoop(Life& life, std::string name);
  ~SimLoop() override;

  [[nodiscard]] const rt::Clock& clock() const override;
  void post(rt::Callback callback) override;
  void post(std::coroutine_handle<> handle) override;
  void at_turn_end(rt::Callback callback) override;
  TimerId at(Instant when, rt::Callback callback) override;
  void cancel(TimerId timer) override;
  void work(rt::Callback job, rt::Callback done) override;

  [[nodiscard]] Life& life() const { return life_; }
  [[nodiscard]] const std::string& name() const { return name_; }
  [[nodiscard]] bool idle() const { return ready_.empty() && turn_end_.empty(); }
  // Nothing of it runs any more; what waits is dropped, not run.
  void drop();
  // Our own mistake otherwise: only the loop itself, or the test between events, may touch it.
  void check_mine() const;

  static void leave_turn(rt::Loop*& kept);   // while a worker job runs, no loop is current
  static void back_to_turn(rt::Loop* kept);

 private:
  struct Timer {
    World::Key event;
    rt::Callback callback;
  };
  void arm();
  void fire_timers();
  void run_due(TimerId id);
  void turn();

  Life& life_;
  std::string name_;
  Rng rng_;
  std::deque<rt::Callback> ready_;
  std::vector<rt::Callback> turn_end_;
  std::map<std::pair<Instant, TimerId>, Timer> timers_;   // by the world's time
  std::map<TimerId, Instant> timer_times_;
  std::map<TimerId, rt::Callback> due_;   // posted, not run yet
  TimerId next_timer_ = 1;
  Instant busy_until_{};
  bool armed_ = false;
  bool running_ = false;
};

}  // namespace lockstep::os::sim
