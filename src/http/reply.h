// Reply: the head of an answer as bytes. Private to http.
#pragma once

#include <cstdint>
#include <string>

#include "http/http.h"

namespace lockstep::http {

struct Framing {
  bool keep_alive = true;
  bool chunked = false;
  std::optional<std::size_t> length;   // none: 204, 304, chunked, or until the connection closes
};

// Status line and fields up to the empty line. Line breaks in values become spaces: nobody can add a field through a value.
[[nodiscard]] std::string head_of(const Response& response, const Framing& framing, WallTime now);
[[nodiscard]] std::string chunk_head(std::size_t size);       // "1f\r\n"
[[nodiscard]] std::string date_of(WallTime time);             // IMF-fixdate of RFC 9110, 5.6.7

}  // namespace lockstep::http
