// Admission: who may add to the overlay now. Local writers are slowed from three quarters of its budget on and stop short of the end;
// the rest belongs to what other systems send, so that two systems that mirror to each other never wait for one another.
// Whoever has been let in holds nothing: it appends at once or asks again.
#pragma once

#include <algorithm>
#include <cstdint>

#include "pool/native/core.h"

namespace lockstep::pool::native {

enum class Entrant : std::uint8_t { local, receiver };

class Admission {
 public:
  explicit Admission(Core& core);

  // The usual case: below three quarters, nobody waits.
  [[nodiscard]] bool now(std::uint64_t cost) const {
    return waiting_ == 0 && core_.overlay->bytes().value + cost <= slow_at_ && has_room(cost);
  }
  // In the order asked, each kind of entrant for itself. `no_space` when the journal cannot grow.
  rt::Task<Result<>> enter(std::uint64_t cost, Entrant who);

  // Reserves data space for `blocks`, after one checkpoint if that could free some, and after what Spares gave up.
  rt::Task<Result<>> reserve(std::uint64_t blocks);

  // The pace at which checkpoints have lately emptied the overlay: writers approach it as the overlay fills.
  void drained(Bytes amount, Duration took);

 private:
  [[nodiscard]] bool has_room(std::uint64_t cost) const { return core_.journal->room().value >= std::min(cost + kept_room_, most_room_); }
  rt::Task<Result<>> pass(std::uint64_t cost, Entrant who);
  // False: nothing was left to give up.
  rt::Task<Result<bool>> make_room(std::uint64_t blocks);
  rt::Task<Result<bool>> make_room_in_turn(std::uint64_t blocks);
  [[nodiscard]] Duration delay(std::uint64_t cost);

  Core& core_;
  const std::uint64_t slow_at_;
  const std::uint64_t local_limit_;
  const std::uint64_t limit_;
  const std::uint64_t kept_room_;     // of the journal: catalogue changes always find room
  const std::uint64_t most_room_;     // that can be asked of it before anything is written
  std::uint64_t waiting_ = 0;
  rt::Budget line_[2];                // one at the head of each line
  rt::Budget making_room_;
  double bytes_per_second_ = 200e6;
  Duration debt_{0};
};

}  // namespace lockstep::pool::native
