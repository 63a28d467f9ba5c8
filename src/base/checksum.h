// Checksums: Xxh3 guards what we store and ship (64 bits, seeded by nothing); Crc32c where a format asks for 32 bits.
#pragma once

#include <compare>
#include <cstdint>

#include "base/bytes.h"

namespace lockstep {

struct Checksum {
  std::uint64_t value = 0;
  constexpr auto operator<=>(const Checksum&) const = default;
};

[[nodiscard]] Checksum checksum_of(Span bytes) noexcept;                  // XXH3-64
[[nodiscard]] Checksum checksum_of_zero_block() noexcept;                 // of 4096 zero bytes
[[nodiscard]] std::uint32_t crc32c_of(Span bytes, std::uint32_t so_far = 0) noexcept;

// XXH3-64 over parts that do not lie together.
class Checksummer {
 public:
  Checksummer();
  ~Checksummer();
  Checksummer(const Checksummer&) = delete;
  Checksummer& operator=(const Checksummer&) = delete;
  void add(Span bytes) noexcept;
  [[nodiscard]] Checksum value() const noexcept;

 private:
  void* state_;
};

}  // namespace lockstep
