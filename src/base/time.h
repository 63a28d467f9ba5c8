// Time: points and lengths. Nobody here reads a clock; clocks come in by constructor (rt/clock.h).
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace lockstep {

using Duration = std::chrono::nanoseconds;

// Monotonic, for timers and lag. Has no meaning outside one run of one system.
struct Instant {
  Duration since_start{0};
  constexpr auto operator<=>(const Instant&) const = default;
  friend constexpr Instant operator+(Instant a, Duration d) { return {a.since_start + d}; }
  friend constexpr Duration operator-(Instant a, Instant b) { return a.since_start - b.since_start; }
};

// Wall clock, microseconds since 1970-01-01T00:00:00Z. For records, events and people; never for ordering.
struct WallTime {
  std::int64_t us = 0;
  constexpr auto operator<=>(const WallTime&) const = default;
};

[[nodiscard]] std::string text_of(WallTime time);                              // "2026-01-31T12:00:00.000000Z"
// RFC 3339: a day, a time of day and an offset ("Z", "+02:00"); anything behind the sixth decimal is dropped. Nothing: it is no such text.
[[nodiscard]] std::optional<WallTime> parse_time(std::string_view text);

}  // namespace lockstep
