#include "base/bytes.h"

#include <algorithm>
#include <cstring>

namespace lockstep {

bool is_zero(Span bytes) noexcept {
  // Compare the span with itself shifted by one: all equal to the first byte, which is zero.
  if (bytes.empty()) return true;
  return bytes.front() == std::byte{0} && std::memcmp(bytes.data(), bytes.data() + 1, bytes.size() - 1) == 0;
}

}  // namespace lockstep
