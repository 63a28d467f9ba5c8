// Varint: small numbers in few bytes, seven bits a byte, low bits first; signed ones folded so that small means short.
#pragma once

#include "base/base.h"

namespace lockstep::store {

inline void put_varint(Writer& w, std::uint64_t v) {
  while (v >= 0x80) {
    w.u8(static_cast<std::uint8_t>(v | 0x80));
    v >>= 7;
  }
  w.u8(static_cast<std::uint8_t>(v));
}
// False when the number does not fit 64 bits, is longer than it need be, or the bytes end.
[[nodiscard]] inline bool get_varint(Reader& r, std::uint64_t& v) {
  v = 0;
  for (unsigned shift = 0; shift < 64; shift += 7) {
    std::uint8_t byte = r.u8();
    if (!r.ok()) return false;
    std::uint64_t bits = byte & 0x7f;
    if (shift == 63 && bits > 1) return false;
    v |= bits << shift;
    if (byte < 0x80) return byte != 0 || shift == 0;
  }
  return false;
}

// Differences wrap: any 64-bit number can follow any other.
inline void put_difference(Writer& w, std::uint64_t to, std::uint64_t from) {
  auto d = static_cast<std::int64_t>(to - from);
  put_varint(w, (static_cast<std::uint64_t>(d) << 1) ^ static_cast<std::uint64_t>(d >> 63));
}
[[nodiscard]] inline bool get_difference(Reader& r, std::uint64_t& to, std::uint64_t from) {
  std::uint64_t z = 0;
  if (!get_varint(r, z)) return false;
  to = from + ((z >> 1) ^ (0 - (z & 1)));
  return true;
}

}  // namespace lockstep::store
