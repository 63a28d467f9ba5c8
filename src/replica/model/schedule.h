// Schedule: how much a relationship may send, by the time of the day.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/base.h"

namespace lockstep::replica {

// Minutes of the day, UTC. A window that ends before it begins goes over midnight; one that ends where it begins is a day.
struct LimitWindow {
  std::uint16_t from = 0, to = 0;
  Bytes per_second{0};  // 0: as much as goes
  bool operator==(const LimitWindow&) const = default;
};

// At most 8 windows; where two overlap, the earlier in the list counts. A plain value.
class Schedule {
 public:
  static constexpr std::size_t most = 8;
  [[nodiscard]] bool empty() const { return size_ == 0; }
  [[nodiscard]] std::size_t size() const { return size_; }
  [[nodiscard]] const LimitWindow& operator[](std::size_t i) const { return windows_[i]; }
  [[nodiscard]] bool add(LimitWindow window);  // false: full
  bool operator==(const Schedule&) const = default;

 private:
  std::array<LimitWindow, most> windows_{};
  std::uint8_t size_ = 0;
};

// "22:00-06:00=unlimited,12:00-13:00=5M"; "" or "none": no windows. Sizes in powers of 1024, per second.
[[nodiscard]] Result<Schedule> parse_schedule(std::string_view text);
// As parse_schedule() reads it.
[[nodiscard]] std::string text_of(const Schedule& schedule);

// Bytes a second at `now`; 0: as much as goes.
[[nodiscard]] Bytes limit_at(const Schedule& schedule, Bytes otherwise, WallTime now);

}  // namespace lockstep::replica
