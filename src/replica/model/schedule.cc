#include "replica/model/schedule.h"

#include <charconv>
#include <cstdio>
#include <limits>
#include <optional>

namespace lockstep::replica {
namespace {

constexpr std::uint16_t minutes_a_day = 24 * 60;

Error wrong(std::string_view window) {
  return {Code::invalid, "schedule: '" + std::string(window.substr(0, 60)) +
                             "' is no window; write them as 22:00-06:00=unlimited,12:00-13:00=5M (times are UTC)"};
}

template <class T>
std::optional<T> number(std::string_view text) {
  T out{};
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  if (error != std::errc() || end != text.data() + text.size() || text.empty()) return std::nullopt;
  return out;
}

std::optional<std::uint16_t> minute_of_day(std::string_view text) {
  std::size_t colon = text.find(':');
  if (colon == std::string_view::npos) return std::nullopt;
  auto hour = number<std::uint16_t>(text.substr(0, colon)), minute = number<std::uint16_t>(text.substr(colon + 1));
  bool fine = hour && minute && *hour <= 24 && *minute < 60 && (*hour < 24 || *minute == 0);
  if (!fine) return std::nullopt;
  return static_cast<std::uint16_t>((*hour * 60 + *minute) % minutes_a_day);
}

std::optional<Bytes> rate(std::string_view text) {
  if (text == "unlimited") return Bytes{0};
  unsigned shift = 0;
  if (!text.empty()) {
    std::size_t unit = std::string_view("KMGT").find(text.back());
    if (unit != std::string_view::npos) {
      shift = 10 * (static_cast<unsigned>(unit) + 1);
      text.remove_suffix(1);
    }
  }
  auto value = number<std::uint64_t>(text);
  if (!value || *value > (std::numeric_limits<std::uint64_t>::max() >> shift)) return std::nullopt;
  return Bytes{*value << shift};
}

std::string rate_text(Bytes rate) {
  if (rate.value == 0) return "unlimited";
  constexpr std::string_view units = "TGMK";
  for (std::size_t i = 0; i < units.size(); ++i) {
    unsigned shift = 10 * static_cast<unsigned>(units.size() - i);
    if (rate.value % (std::uint64_t{1} << shift) == 0) return std::to_string(rate.value >> shift) + units[i];
  }
  return std::to_string(rate.value);
}

bool holds(const LimitWindow& window, std::uint16_t minute) {
  if (window.from < window.to) return window.from <= minute && minute < window.to;
  return minute >= window.from || minute < window.to;
}

}  // namespace

bool Schedule::add(LimitWindow window) {
  if (size_ == most) return false;
  windows_[size_++] = window;
  return true;
}

Result<Schedule> parse_schedule(std::string_view text) {
  Schedule out;
  if (text.empty() || text == "none") return out;
  while (true) {
    std::size_t comma = text.find(',');
    std::string_view window = text.substr(0, comma);
    std::size_t dash = window.find('-'), equals = window.find('=');
    if (dash == std::string_view::npos || equals == std::string_view::npos || dash > equals) return fail(wrong(window));
    auto from = minute_of_day(window.substr(0, dash)), to = minute_of_day(window.substr(dash + 1, equals - dash - 1));
    auto limit = rate(window.substr(equals + 1));
    if (!from || !to || !limit) return fail(wrong(window));
    if (!out.add({*from, *to, *limit})) return fail(Code::invalid, "schedule: more than " + std::to_string(Schedule::most) + " windows");
    if (comma == std::string_view::npos) return out;
    text.remove_prefix(comma + 1);
  }
}

std::string text_of(const Schedule& schedule) {
  std::string out;
  for (std::size_t i = 0; i < schedule.size(); ++i) {
    const LimitWindow& w = schedule[i];
    std::array<char, 32> times{};
    std::snprintf(times.data(), times.size(), "%02u:%02u-%02u:%02u=", w.from / 60U, w.from % 60U, w.to / 60U, w.to % 60U);
    out += (i > 0 ? "," : "") + std::string(times.data()) + rate_text(w.per_second);
  }
  return out;
}

Bytes limit_at(const Schedule& schedule, Bytes otherwise, WallTime now) {
  constexpr std::int64_t minute_us = 60'000'000;
  std::int64_t minute = (now.us / minute_us) % minutes_a_day;
  for (std::size_t i = 0; i < schedule.size(); ++i) {
    if (holds(schedule[i], static_cast<std::uint16_t>(minute))) return schedule[i].per_second;
  }
  return otherwise;
}

}  // namespace lockstep::replica
