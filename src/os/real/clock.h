// SystemClock: CLOCK_MONOTONIC for timers, CLOCK_REALTIME for people. Both are read without a system call.
#pragma once

#include "rt/rt.h"

namespace lockstep::os::real {

class SystemClock final : public rt::Clock {
 public:
  [[nodiscard]] Instant now() const override;
  [[nodiscard]] WallTime wall() const override;
};

}  // namespace lockstep::os::real
