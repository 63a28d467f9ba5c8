// Budget: a bounded amount that tasks of one loop take from and give back, first come first served.
#pragma once

#include <cstdint>
#include <deque>
#include <utility>

#include "base/check.h"
#include "rt/signal.h"
#include "rt/stop.h"
#include "rt/task.h"

namespace lockstep::rt {

class Budget {
 public:
  Budget(Loop& loop, std::uint64_t total) : total_(total), freed_(loop) {}

  // Waits until `amount` is free and nobody who asked earlier still waits. An amount above the total waits for all of it.
  Task<void> take(std::uint64_t amount) {
    std::uint64_t ticket = next_ticket_++;
    while (serving_ != ticket || !fits(amount)) co_await freed_.wait();
    ++serving_;
    used_ += amount;
    freed_.wake_all();
  }
  [[nodiscard]] bool try_take(std::uint64_t amount) {
    if (serving_ != next_ticket_ || !fits(amount)) return false;
    used_ += amount;
    return true;
  }
  void give(std::uint64_t amount) {
    CHECK(used_ >= amount);
    used_ -= amount;
    freed_.wake_all();
  }
  [[nodiscard]] std::uint64_t used() const { return used_; }
  [[nodiscard]] std::uint64_t total() const { return total_; }

 private:
  [[nodiscard]] bool fits(std::uint64_t amount) const { return used_ == 0 || used_ + amount <= total_; }
  std::uint64_t total_;
  std::uint64_t used_ = 0;
  std::uint64_t next_ticket_ = 0;
  std::uint64_t serving_ = 0;
  Signal freed_;
};

}  // namespace lockstep::rt
