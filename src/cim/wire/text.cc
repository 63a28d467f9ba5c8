#include "cim/wire/text.h"

#include <array>
#include <charconv>
#include <cmath>
#include <limits>

namespace lockstep::cim {

namespace {

constexpr std::array all_types = {Type::boolean, Type::string, Type::char16, Type::uint8,  Type::uint16, Type::uint32,   Type::uint64,   Type::sint8,
                                  Type::sint16,  Type::sint32, Type::sint64, Type::real32, Type::real64, Type::datetime, Type::reference};

std::uint64_t most_of(Type type) {
  switch (type) {
    case Type::uint8: return std::numeric_limits<std::uint8_t>::max();
    case Type::uint16: return std::numeric_limits<std::uint16_t>::max();
    case Type::uint32: return std::numeric_limits<std::uint32_t>::max();
    case Type::sint8: return std::numeric_limits<std::int8_t>::max();
    case Type::sint16: return std::numeric_limits<std::int16_t>::max();
    case Type::sint32: return std::numeric_limits<std::int32_t>::max();
    case Type::sint64: return std::numeric_limits<std::int64_t>::max();
    default: return std::numeric_limits<std::uint64_t>::max();
  }
}

std::unexpected<CimError> mismatch(Type type, std::string_view text) {
  return cim_error(Status::type_mismatch, "'" + std::string(text.substr(0, 64)) + "' is no " + std::string(name_of(type)));
}

CimAnswer<Scalar> integer_of(Type type, std::string_view text) {
  std::string_view digits = text;
  bool negative = digits.starts_with('-');
  if (negative || digits.starts_with('+')) digits.remove_prefix(1);
  int base = digits.starts_with("0x") || digits.starts_with("0X") ? 16 : 10;
  if (base == 16) digits.remove_prefix(2);
  std::uint64_t magnitude = 0;
  auto [end, fault] = std::from_chars(digits.data(), digits.data() + digits.size(), magnitude, base);
  if (digits.empty() || fault != std::errc() || end != digits.data() + digits.size()) return mismatch(type, text);
  if (is_unsigned(type)) {
    if ((negative && magnitude != 0) || magnitude > most_of(type)) return mismatch(type, text);
    return Scalar(magnitude);
  }
  if (magnitude > most_of(type) + (negative ? 1 : 0)) return mismatch(type, text);
  return Scalar(negative ? static_cast<std::int64_t>(0 - magnitude) : static_cast<std::int64_t>(magnitude));
}

CimAnswer<Scalar> real_of(Type type, std::string_view text) {
  std::string word = lower(text);
  if (word == "nan") return Scalar(std::numeric_limits<double>::quiet_NaN());
  if (word == "inf" || word == "+inf") return Scalar(std::numeric_limits<double>::infinity());
  if (word == "-inf") return Scalar(-std::numeric_limits<double>::infinity());
  std::string_view digits = text;
  if (digits.starts_with('+')) digits.remove_prefix(1);
  bool starts_well = !digits.empty() && (digits[0] == '-' || digits[0] == '.' || (digits[0] >= '0' && digits[0] <= '9'));
  double value = 0;
  auto [end, fault] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (!starts_well || fault != std::errc() || end != digits.data() + digits.size()) return mismatch(type, text);
  if (type == Type::real32 && std::isfinite(value) && std::abs(value) > std::numeric_limits<float>::max()) return mismatch(type, text);
  return Scalar(value);
}

std::string real_text(double value) {
  if (std::isnan(value)) return "NaN";
  if (std::isinf(value)) return value < 0 ? "-INF" : "INF";
  std::array<char, 40> buffer{};
  auto [end, fault] = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value, std::chars_format::scientific);
  return fault == std::errc() ? std::string(buffer.data(), end) : std::string();
}

std::size_t code_points_of(std::string_view text) {
  std::size_t count = 0;
  for (char c : text) count += (static_cast<unsigned char>(c) & 0xC0) != 0x80;
  return count;
}

}  // namespace

std::optional<Type> parse_type(std::string_view name) noexcept {
  for (Type type : all_types)
    if (same_name(name_of(type), name)) return type;
  return std::nullopt;
}

std::string text_of(const Scalar& scalar) {
  struct Writer {
    std::string operator()(bool value) const { return value ? "TRUE" : "FALSE"; }
    std::string operator()(std::uint64_t value) const { return std::to_string(value); }
    std::string operator()(std::int64_t value) const { return std::to_string(value); }
    std::string operator()(double value) const { return real_text(value); }
    std::string operator()(const std::string& value) const { return value; }
    std::string operator()(const DateTime& value) const { return value.text; }
    std::string operator()(const std::shared_ptr<const ObjectPath>&) const { return {}; }
    std::string operator()(const std::shared_ptr<const Instance>&) const { return {}; }
  };
  return std::visit(Writer{}, scalar);
}

CimAnswer<Scalar> scalar_of(Type type, std::string_view text) {
  if (type == Type::string) return Scalar(std::string(text));
  if (type == Type::char16) {
    if (code_points_of(text) != 1) return mismatch(type, text);
    return Scalar(std::string(text));
  }
  std::string_view word = trimmed(text);
  if (type == Type::boolean) {
    if (same_name(word, "TRUE")) return Scalar(true);
    if (same_name(word, "FALSE")) return Scalar(false);
    return mismatch(type, text);
  }
  if (type == Type::datetime) {
    if (!good_datetime(word)) return mismatch(type, text);
    return Scalar(DateTime{std::string(word)});
  }
  if (is_real(type)) return real_of(type, word);
  if (is_unsigned(type) || is_signed(type)) return integer_of(type, word);
  return mismatch(type, text);
}

bool good_datetime(std::string_view text) noexcept {
  if (text.size() != 25) return false;
  bool interval = text[21] == ':';
  if (!interval && text[21] != '+' && text[21] != '-') return false;
  constexpr std::size_t dot = 14;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (i == 21) continue;
    if (i == dot) {
      if (text[i] != '.') return false;
    } else if (!(text[i] >= '0' && text[i] <= '9') && !(text[i] == '*' && i < 21)) {
      return false;
    }
  }
  return !interval || text.substr(22) == "000";
}

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return out;
}

std::string_view trimmed(std::string_view text) noexcept {
  auto blank = [](char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; };
  while (!text.empty() && blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && blank(text.back())) text.remove_suffix(1);
  return text;
}

bool good_utf8(std::string_view text) noexcept {
  for (std::size_t i = 0; i < text.size();) {
    auto lead = static_cast<unsigned char>(text[i]);
    std::size_t more = lead < 0x80 ? 0 : lead >= 0xC2 && lead < 0xE0 ? 1 : lead >= 0xE0 && lead < 0xF0 ? 2 : lead >= 0xF0 && lead < 0xF5 ? 3 : 9;
    if (more == 9 || i + more >= text.size()) return false;
    std::uint32_t code = more == 0 ? lead : lead & (0x3Fu >> more);
    for (std::size_t k = 1; k <= more; ++k) {
      auto next = static_cast<unsigned char>(text[i + k]);
      if ((next & 0xC0) != 0x80) return false;
      code = code << 6 | (next & 0x3Fu);
    }
    if ((more == 2 && code < 0x800) || (more == 3 && code < 0x10000) || code > 0x10FFFF || (code >= 0xD800 && code < 0xE000)) return false;
    i += more + 1;
  }
  return true;
}

}  // namespace lockstep::cim
