// Times as CIM writes them, in UTC.
#include <array>
#include <charconv>
#include <chrono>
#include <cstdio>

#include "cim/indications/subscriptions.h"
#include "cim/wire/text.h"

namespace lockstep::cim {

std::string datetime_of(WallTime time) {
  using namespace std::chrono;
  sys_time<microseconds> at{microseconds(time.us)};
  sys_days day = floor<days>(at);
  year_month_day date{day};
  hh_mm_ss clock{at - day};
  std::array<char, 64> text{};
  std::snprintf(text.data(), text.size(), "%04d%02u%02u%02d%02d%02d.%06d+000", static_cast<int>(date.year()), static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                static_cast<int>(clock.hours().count()), static_cast<int>(clock.minutes().count()), static_cast<int>(clock.seconds().count()),
                static_cast<int>(clock.subseconds().count()));
  return std::string(text.data()).substr(0, 25);
}

std::optional<WallTime> wall_time_of(const DateTime& time) {
  using namespace std::chrono;
  if (!good_datetime(time.text) || time.text.substr(21) != "+000") return std::nullopt;
  auto number = [&](std::size_t at, std::size_t length) {
    int value = 0;
    std::from_chars(time.text.data() + at, time.text.data() + at + length, value);
    return value;
  };
  year_month_day date{year(number(0, 4)), month(static_cast<unsigned>(number(4, 2))), day(static_cast<unsigned>(number(6, 2)))};
  if (!date.ok()) return std::nullopt;
  auto at = sys_days(date) + hours(number(8, 2)) + minutes(number(10, 2)) + seconds(number(12, 2)) + microseconds(number(15, 6));
  return WallTime{duration_cast<microseconds>(at.time_since_epoch()).count()};
}

}  // namespace lockstep::cim
