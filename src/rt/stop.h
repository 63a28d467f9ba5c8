// Stop: a request to end, heard by everything that was handed the same Stop. One loop; asked once, stays asked.
#pragma once

#include <cstdint>
#include <map>
#include <utility>

#include "rt/loop.h"

namespace lockstep::rt {

class Stop {
 public:
  Stop() = default;
  Stop(const Stop&) = delete;
  Stop& operator=(const Stop&) = delete;

  [[nodiscard]] bool requested() const { return requested_; }

  // Runs every registered callback once, in the order registered.
  void request() {
    if (std::exchange(requested_, true)) return;
    while (!callbacks_.empty()) {
      auto callback = std::move(callbacks_.begin()->second);
      callbacks_.erase(callbacks_.begin());
      callback();
    }
  }

  // `callback` runs inside request(), or at once if it was asked already. Forgotten when the guard dies.
  class [[nodiscard]] Guard {
   public:
    Guard() = default;
    Guard(Stop* stop, std::uint64_t key) : stop_(stop), key_(key) {}
    Guard(Guard&& other) noexcept : stop_(std::exchange(other.stop_, nullptr)), key_(other.key_) {}
    Guard& operator=(Guard&&) = delete;
    ~Guard() {
      if (stop_) stop_->callbacks_.erase(key_);
    }

   private:
    Stop* stop_ = nullptr;
    std::uint64_t key_ = 0;
  };
  Guard on_request(Callback callback) {
    if (requested_) {
      callback();
      return {};
    }
    callbacks_.emplace(next_, std::move(callback));
    return Guard(this, next_++);
  }

 private:
  bool requested_ = false;
  std::uint64_t next_ = 1;
  std::map<std::uint64_t, Callback> callbacks_;
};

}  // namespace lockstep::rt
