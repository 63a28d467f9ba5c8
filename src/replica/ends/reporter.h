// Reporter: carries one end's status from its pool's loop to the control loop: at once when it is news, else
// at most every 100 ms. Lives on: the pool's loop; `deliver` is called on the control loop.
#pragma once

#include <functional>
#include <memory>
#include <optional>

#include "base/base.h"
#include "replica/ends/status.h"
#include "rt/rt.h"

namespace lockstep::replica {

class Reporter {
 public:
  using Deliver = std::function<void(Status)>;

  Reporter(rt::Loop& loop, rt::Loop& control, Deliver deliver);
  ~Reporter();

  void watch(std::function<Status()> status) { state_->status = std::move(status); }
  void poke();
  // From the control loop: what changes by itself, like the age of what the target lacks, is told too.
  void ask();
  void stop();  // nothing is delivered after the turn in which this was called

 private:
  struct State {  // shared with callbacks that are still to run
    rt::Loop* loop = nullptr;
    rt::Loop* control = nullptr;
    Deliver deliver;
    std::function<Status()> status;
    std::optional<rt::Loop::TimerId> armed;  // 0: at the end of this turn
    Instant last{std::chrono::hours(-1)};
    CopyState flow = CopyState::not_applicable;
    bool connected = false;
    std::optional<Mode> mode;
  };
  static void poke(const std::shared_ptr<State>& state);
  static void send(const std::shared_ptr<State>& state);
  std::shared_ptr<State> state_;
};

}  // namespace lockstep::replica
