#include "cim/indications/url.h"

#include <utility>

#include "cim/wire/text.h"

namespace lockstep::cim {

std::optional<ListenerUrl> parse_listener_url(std::string_view text) {
  ListenerUrl out;
  if (text.size() > 1024) return std::nullopt;
  for (char c : text)
    if (static_cast<unsigned char>(c) <= 0x20 || c == 0x7F) return std::nullopt;
  std::size_t colon = text.find("://");
  if (colon == std::string_view::npos) return std::nullopt;
  std::string scheme = lower(text.substr(0, colon));
  if (scheme != "http" && scheme != "https") return std::nullopt;
  out.tls = scheme == "https";
  std::string_view rest = text.substr(colon + 3);
  std::size_t slash = std::min(rest.find('/'), rest.size());
  std::string authority(rest.substr(0, slash));
  if (slash < rest.size()) out.path = std::string(rest.substr(slash));
  if (authority.find('@') != std::string::npos || authority.empty()) return std::nullopt;   // credentials would be shown to everybody who reads
  std::size_t bracket = authority.find(']');
  std::size_t port = authority.find(':', bracket == std::string::npos ? 0 : bracket);
  if (port == std::string::npos) authority += out.tls ? ":5989" : ":5988";
  Result<os::Address> address = os::parse_address(authority);
  if (!address || address->is_unix() || address->port == 0) return std::nullopt;
  out.address = *std::move(address);
  return out;
}

}  // namespace lockstep::cim
