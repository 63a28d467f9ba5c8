// Clock: the only source of time. Real or simulated, always handed in.
#pragma once

#include "base/time.h"

namespace lockstep::rt {

class Clock {
 public:
  virtual ~Clock() = default;
  [[nodiscard]] virtual Instant now() const = 0;       // never goes backwards
  [[nodiscard]] virtual WallTime wall() const = 0;     // may jump
};

}  // namespace lockstep::rt
