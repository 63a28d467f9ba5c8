#include "base/time.h"

#include <charconv>
#include <cstdio>

namespace lockstep {
namespace {

using std::chrono::microseconds;

// `digits` decimal digits at the front of `text`, which lose them.
bool take_number(std::string_view& text, std::size_t digits, int& out) {
  if (text.size() < digits) return false;
  auto [end, error] = std::from_chars(text.data(), text.data() + digits, out);
  if (error != std::errc{} || end != text.data() + digits || text[0] == '-') return false;
  text.remove_prefix(digits);
  return true;
}

bool take_char(std::string_view& text, std::string_view any_of) {
  if (text.empty() || any_of.find(text[0]) == any_of.npos) return false;
  text.remove_prefix(1);
  return true;
}

bool take_fraction(std::string_view& text, microseconds& out) {
  if (!take_char(text, ".")) return true;
  std::int64_t us = 0;
  std::size_t digits = 0;
  for (; !text.empty() && text[0] >= '0' && text[0] <= '9'; ++digits, text.remove_prefix(1))
    if (digits < 6) us = us * 10 + (text[0] - '0');
  for (std::size_t i = digits; i < 6; ++i) us *= 10;
  out = microseconds(us);
  return digits > 0;
}

// "Z", "+02:00".
bool take_offset(std::string_view& text, std::chrono::minutes& out) {
  if (take_char(text, "Zz")) return true;
  const bool west = !text.empty() && text[0] == '-';
  int hours = 0, minutes = 0;
  if (!take_char(text, "+-") || !take_number(text, 2, hours) || !take_char(text, ":") || !take_number(text, 2, minutes)) return false;
  if (hours > 23 || minutes > 59) return false;
  out = std::chrono::minutes((west ? -1 : 1) * (hours * 60 + minutes));
  return true;
}

}  // namespace

std::string text_of(WallTime time) {
  using namespace std::chrono;
  sys_time<microseconds> at{microseconds(time.us)};
  sys_days day = floor<days>(at);
  year_month_day date{day};
  hh_mm_ss clock{at - day};
  char text[64];
  std::snprintf(text, sizeof text, "%04d-%02u-%02uT%02d:%02d:%02d.%06dZ", static_cast<int>(date.year()), static_cast<unsigned>(date.month()),
                static_cast<unsigned>(date.day()), static_cast<int>(clock.hours().count()), static_cast<int>(clock.minutes().count()),
                static_cast<int>(clock.seconds().count()), static_cast<int>(clock.subseconds().count()));
  return text;
}

std::optional<WallTime> parse_time(std::string_view text) {
  using namespace std::chrono;
  int year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0;
  microseconds fraction{0};
  minutes offset{0};
  const bool whole = take_number(text, 4, year) && take_char(text, "-") && take_number(text, 2, month) && take_char(text, "-") && take_number(text, 2, day) &&
                     take_char(text, "Tt ") && take_number(text, 2, hour) && take_char(text, ":") && take_number(text, 2, minute) && take_char(text, ":") &&
                     take_number(text, 2, second) && take_fraction(text, fraction) && take_offset(text, offset) && text.empty();
  year_month_day date{std::chrono::year(year), std::chrono::month(static_cast<unsigned>(month)), std::chrono::day(static_cast<unsigned>(day))};
  if (!whole || !date.ok() || hour > 23 || minute > 59 || second > 60) return std::nullopt;
  auto at = sys_days(date).time_since_epoch() + hours(hour) + minutes(minute) + seconds(second) - offset;
  return WallTime{duration_cast<microseconds>(at).count() + fraction.count()};
}

}  // namespace lockstep
