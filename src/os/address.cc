#include "os/address.h"

#include <charconv>

namespace lockstep::os {

Result<Address> parse_address(std::string_view text) {
  constexpr std::string_view unix_prefix = "unix:";
  if (text.starts_with(unix_prefix)) {
    Address address{.host = {}, .port = 0, .path = std::string(text.substr(unix_prefix.size()))};
    if (address.path.empty() || address.path.size() > 107)
      return fail(Code::invalid, "address '" + std::string(text) + "': a Unix socket path has 1 to 107 bytes");
    return address;
  }
  std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos || colon == 0)
    return fail(Code::invalid, "address '" + std::string(text) + "': expected HOST:PORT or unix:PATH");
  std::string_view host = text.substr(0, colon), digits = text.substr(colon + 1);
  if (host.front() == '[' && host.back() == ']') host = host.substr(1, host.size() - 2);
  unsigned port = 0;
  auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
  if (error != std::errc{} || end != digits.data() + digits.size() || port > 65535 || host.empty())
    return fail(Code::invalid, "address '" + std::string(text) + "': the port is a number from 0 to 65535");
  return Address{.host = std::string(host), .port = static_cast<std::uint16_t>(port), .path = {}};
}

std::string text_of(const Address& address) {
  if (address.is_unix()) return "unix:" + address.path;
  bool v6 = address.host.find(':') != std::string::npos;
  return (v6 ? "[" + address.host + "]" : address.host) + ":" + std::to_string(address.port);
}

}  // namespace lockstep::os
