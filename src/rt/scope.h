// Scope: the parent of tasks. Children end before their parent: join() before the Scope dies, or the process ends.
#pragma once

#include <cstddef>

#include "rt/loop.h"
#include "rt/signal.h"
#include "rt/stop.h"
#include "rt/task.h"

namespace lockstep::rt {

class Scope {
 public:
  explicit Scope(Loop& loop) : ended_(loop) {}
  Scope(const Scope&) = delete;
  Scope& operator=(const Scope&) = delete;
  ~Scope() { CHECK(running_ == 0); }

  // Starts `child` now, on the caller's stack, up to its first suspension.
  void spawn(Task<void> child);

  // Until every child has ended.
  Task<void> join();

  // Asks every child that listens to stop(), then joins.
  Task<void> stop_and_join();

  [[nodiscard]] Stop& stop() { return stop_; }
  [[nodiscard]] std::size_t running() const { return running_; }
  [[nodiscard]] Loop& loop() const { return ended_.loop(); }

 private:
  std::size_t running_ = 0;
  Stop stop_;
  Signal ended_;
};

}  // namespace lockstep::rt
