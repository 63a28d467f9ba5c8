#include <boost/url/parse.hpp>
#include <boost/url/url_view.hpp>

#include "http/parser.h"

namespace lockstep::http {

namespace {

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

}  // namespace

std::string percent_decoded(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    int high = text[i] == '%' && i + 2 < text.size() ? hex_digit(text[i + 1]) : -1;
    int low = high >= 0 ? hex_digit(text[i + 2]) : -1;
    if (low >= 0) {
      out.push_back(static_cast<char>(high * 16 + low));
      i += 2;
    } else {
      out.push_back(text[i]);
    }
  }
  return out;
}

std::string percent_encoded(std::string_view text) {
  static constexpr char digits[] = "0123456789ABCDEF";
  std::string out;
  for (char c : text) {
    bool plain = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                 std::string_view("-._~:@!$&'()*+,;=").find(c) != std::string_view::npos;
    if (plain) {
      out.push_back(c);
    } else {
      out.push_back('%');
      out.push_back(digits[static_cast<unsigned char>(c) >> 4]);
      out.push_back(digits[static_cast<unsigned char>(c) & 15]);
    }
  }
  return out;
}

bool equal_ignoring_case(std::string_view a, std::string_view b) noexcept {
  if (a.size() != b.size()) return false;
  for (std::size_t i = 0; i < a.size(); ++i)
    if (lower(a[i]) != lower(b[i])) return false;
  return true;
}

bool split_target(Request& request) {
  if (request.target == "*") {   // OPTIONS *
    request.path = "*";
    return true;
  }
  auto parsed = request.target.starts_with('/') ? boost::urls::parse_origin_form(request.target) : boost::urls::parse_absolute_uri(request.target);
  if (!parsed) return false;
  request.path = std::string(parsed->encoded_path());
  for (const auto& segment : parsed->encoded_segments()) request.segments.push_back(percent_decoded({segment.data(), segment.size()}));
  if (!request.segments.empty() && request.segments.back().empty()) request.segments.pop_back();
  for (const auto& parameter : parsed->encoded_params()) {
    std::string value(parameter.value.data(), parameter.value.size());
    for (char& c : value)
      if (c == '+') c = ' ';
    request.query.emplace_back(percent_decoded({parameter.key.data(), parameter.key.size()}), percent_decoded(value));
  }
  return true;
}

}  // namespace lockstep::http
