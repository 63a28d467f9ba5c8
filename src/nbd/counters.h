// Counters: written by one loop, read from any. No locked instruction: there is one writer.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>

namespace lockstep::nbd {

class Counter {
 public:
  void add(std::uint64_t n = 1) noexcept { value_.store(get() + n, std::memory_order_relaxed); }
  [[nodiscard]] std::uint64_t get() const noexcept { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::uint64_t> value_ = 0;
};

struct Counters {
  std::array<Counter, 9> requests;  // by command number; the last: unknown ones
  Counter errors;
  Counter read_bytes;
  Counter written_bytes;
  Counter receives;
  Counter sends;
};

}  // namespace lockstep::nbd
