// Scan: a look over the bytes of a message before a parser sees them. Private to cim.
// Promises: what passes is UTF-8, one element and what XML 1.0 allows around it, nested and sized within the limits, without a document
//           type that declares anything and without entities but the five of XML and characters.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace lockstep::cim {

struct ScanLimits {
  std::size_t bytes_most = 2u << 20;
  std::size_t depth_most = 64;
  std::size_t elements_most = 50'000;
  std::size_t attributes_most = 32;      // of one element
};

// What is wrong; nothing when all is well.
[[nodiscard]] std::optional<std::string> fault_in_xml(std::string_view text, const ScanLimits& limits);

}  // namespace lockstep::cim
