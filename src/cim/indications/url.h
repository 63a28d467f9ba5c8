// Where a listener is: "http://host:5988/path" or "https://...". Private to cim.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "os/os.h"

namespace lockstep::cim {

struct ListenerUrl {
  bool tls = false;
  os::Address address;
  std::string path = "/";
};
[[nodiscard]] std::optional<ListenerUrl> parse_listener_url(std::string_view text);

}  // namespace lockstep::cim
