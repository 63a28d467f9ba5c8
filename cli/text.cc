#include "cli/text.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstdio>

namespace lockstep::cli {
namespace {

struct Unit {
  std::string_view name;
  double factor;
};

Result<double> parse_with(std::string_view text, std::span<const Unit> units, std::string_view example) {
  double number = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  std::string_view unit = text.substr(static_cast<std::size_t>(end - text.data()));
  if (error == std::errc{} && number >= 0 && std::isfinite(number))
    for (const Unit& known : units)
      if (unit == known.name && number * known.factor < 9e18) return number * known.factor;
  return fail(Code::invalid, "'" + std::string(text) + "' is not understood; write it like " + std::string(example));
}

std::string with_decimals(double value, const char* unit) {
  std::array<char, 64> text{};
  std::snprintf(text.data(), text.size(), value < 10 && value != std::floor(value) ? "%.1f %s" : "%.0f %s", value, unit);
  return text.data();
}

}  // namespace

Result<Bytes> parse_size(std::string_view text) {
  static constexpr Unit units[] = {{"", 1}, {"B", 1}, {"K", 0x1p10}, {"KiB", 0x1p10}, {"M", 0x1p20}, {"MiB", 0x1p20},
                                   {"G", 0x1p30}, {"GiB", 0x1p30}, {"T", 0x1p40}, {"TiB", 0x1p40}, {"P", 0x1p50}, {"PiB", 0x1p50}};
  TRY(double bytes, parse_with(text, units, "512M or 8G"));
  return Bytes{static_cast<std::uint64_t>(bytes)};
}

Result<std::uint64_t> parse_seconds(std::string_view text) {
  static constexpr Unit units[] = {{"", 1}, {"s", 1}, {"m", 60}, {"h", 3600}, {"d", 86400}};
  TRY(double seconds, parse_with(text, units, "30s or 5m"));
  return static_cast<std::uint64_t>(seconds);
}

Result<std::uint64_t> parse_milliseconds(std::string_view text) {
  static constexpr Unit units[] = {{"", 1}, {"ms", 1}, {"s", 1000}};
  TRY(double ms, parse_with(text, units, "100ms or 0.1s"));
  return static_cast<std::uint64_t>(ms);
}

std::string size_text(std::uint64_t bytes) {
  static constexpr const char* names[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
  double value = static_cast<double>(bytes);
  std::size_t unit = 0;
  while (value >= 1024 && unit < std::size(names) - 1) value /= 1024, ++unit;
  return with_decimals(value, names[unit]);
}

std::string seconds_text(double seconds) {
  if (seconds < 60) return with_decimals(seconds, "s");
  auto whole = static_cast<std::uint64_t>(seconds);
  if (whole < 3600) return std::to_string(whole / 60) + " m " + std::to_string(whole % 60) + " s";
  return std::to_string(whole / 3600) + " h " + std::to_string(whole / 60 % 60) + " m";
}

std::string table(const std::vector<std::vector<std::string>>& rows) {
  std::vector<std::size_t> widths;
  for (const auto& row : rows)
    for (std::size_t i = 0; i < row.size(); ++i) {
      if (i == widths.size()) widths.push_back(0);
      widths[i] = std::max(widths[i], row[i].size());
    }
  std::string text;
  for (const auto& row : rows) {
    for (std::size_t i = 0; i < row.size(); ++i) {
      text += row[i];
      if (i + 1 < row.size()) text.append(widths[i] - row[i].size() + 2, ' ');
    }
    text += '\n';
  }
  return text;
}

std::string bar(double percent, std::size_t width) {
  auto full = static_cast<std::size_t>(std::clamp(percent, 0.0, 100.0) / 100 * static_cast<double>(width));
  return "[" + std::string(full, '#') + std::string(width - full, '.') + "]";
}

bool to_terminal() { return isatty(STDOUT_FILENO) == 1; }

}  // namespace lockstep::cli
