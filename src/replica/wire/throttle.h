// Throttle: no more than so many bytes a second, whatever the size of what is sent at once. Pure.
#pragma once

#include <algorithm>

#include "base/base.h"

namespace lockstep::replica {

class Throttle {
 public:
  // `bytes` were sent. `rate` as it is now: bytes a second; 0: as much as goes, and what was owed is forgiven.
  void sent(std::uint64_t bytes, Bytes rate, Instant now) {
    settle(rate, now);
    debt_ += rate.value == 0 ? 0 : static_cast<double>(bytes);
  }
  // How long until more may be sent. A twentieth of a second's worth is owed without waiting.
  [[nodiscard]] Duration wait(Bytes rate, Instant now) {
    settle(rate, now);
    double per_second = static_cast<double>(rate.value);
    if (rate.value == 0 || debt_ <= per_second / 20) return Duration{0};
    return std::chrono::microseconds(static_cast<std::int64_t>(std::min(debt_ / per_second, 3600.0) * 1e6) + 1);
  }

 private:
  void settle(Bytes rate, Instant now) {
    double since = std::chrono::duration<double>(now - at_).count();
    debt_ = rate.value == 0 ? 0 : std::max(0.0, debt_ - since * static_cast<double>(rate.value));
    at_ = now;
  }
  double debt_ = 0;  // bytes
  Instant at_;
};

}  // namespace lockstep::replica
