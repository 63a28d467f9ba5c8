#include "http/http.h"

namespace lockstep::http {

namespace {

std::string decoded_base64(std::string_view text) {
  std::string out;
  unsigned bits = 0;
  int count = 0;
  for (char c : text) {
    int value = c >= 'A' && c <= 'Z' ? c - 'A' : c >= 'a' && c <= 'z' ? c - 'a' + 26 : c >= '0' && c <= '9' ? c - '0' + 52 : c == '+' ? 62 : c == '/' ? 63 : -1;
    if (value < 0) break;
    bits = (bits << 6 | static_cast<unsigned>(value)) & 0xFFFFFF;
    count += 6;
    if (count >= 8) {
      count -= 8;
      out.push_back(static_cast<char>(bits >> count & 0xFF));
    }
  }
  return out;
}

}  // namespace

std::optional<Credentials> basic_credentials(std::string_view authorization) {
  if (!equal_ignoring_case(authorization.substr(0, 6), "Basic ")) return std::nullopt;
  authorization.remove_prefix(6);
  while (authorization.starts_with(' ')) authorization.remove_prefix(1);
  std::string decoded = decoded_base64(authorization);
  std::size_t colon = decoded.find(':');
  if (colon == std::string::npos) return std::nullopt;
  return Credentials{decoded.substr(0, colon), decoded.substr(colon + 1)};
}

}  // namespace lockstep::http
