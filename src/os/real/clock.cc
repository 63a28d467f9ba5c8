#include "os/real/clock.h"

#include <time.h>

namespace lockstep::os::real {

Instant SystemClock::now() const {
  timespec t{};
  ::clock_gettime(CLOCK_MONOTONIC, &t);
  return Instant{Duration(t.tv_sec * 1'000'000'000LL + t.tv_nsec)};
}

WallTime SystemClock::wall() const {
  timespec t{};
  ::clock_gettime(CLOCK_REALTIME, &t);
  return WallTime{t.tv_sec * 1'000'000LL + t.tv_nsec / 1000};
}

}  // namespace lockstep::os::real
