// Address: where a listener listens or a peer answers. Text form: "host:port", "[v6]:port" or "unix:PATH".
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/base.h"

namespace lockstep::os {

struct Address {
  std::string host;         // name or number; empty for a Unix socket
  std::uint16_t port = 0;   // 0 when listening: any free one
  std::string path;         // Unix socket; at most 107 bytes

  [[nodiscard]] bool is_unix() const { return !path.empty(); }
  bool operator==(const Address&) const = default;
};

[[nodiscard]] Result<Address> parse_address(std::string_view text);
[[nodiscard]] std::string text_of(const Address& address);

}  // namespace lockstep::os
