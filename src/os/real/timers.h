// Timers: what is to run when. Earliest first, same times in the order asked; a cancelled one leaves at once.
// Lives on: one loop.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "rt/rt.h"

namespace lockstep::os::real {

class Timers {
 public:
  using Id = rt::Loop::TimerId;

  Id add(Instant when, rt::Callback callback);
  void cancel(Id id);
  [[nodiscard]] bool empty() const { return heap_.empty(); }
  [[nodiscard]] Instant next() const { return slots_[heap_.front()].when; }  // not when empty

  // Runs what is due at `now` and was asked for before the call.
  void run_due(Instant now);

 private:
  struct Slot {
    Instant when;
    std::uint64_t sequence = 0;
    std::uint32_t generation = 0;
    std::uint32_t heap_at = 0;
    bool used = false;
    rt::Callback callback;
  };
  [[nodiscard]] bool before(std::uint32_t a, std::uint32_t b) const;
  void place(std::size_t at, std::uint32_t slot);
  void up(std::size_t at);
  void down(std::size_t at);
  rt::Callback remove(std::uint32_t slot);

  std::vector<Slot> slots_;
  std::vector<std::uint32_t> free_;
  std::vector<std::uint32_t> heap_;  // slots; each before its two children
  std::uint64_t next_sequence_ = 0;
};

}  // namespace lockstep::os::real
