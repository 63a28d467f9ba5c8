#include "base/checksum.h"

#include <isa-l/crc.h>
#if defined(__x86_64__)
#include <xxh_x86dispatch.h>  // the same functions, as wide as this processor can; xxhash.h alone stays with what every x86-64 has
#else
#include <xxhash.h>
#endif

#include <algorithm>
#include <array>

#include "base/check.h"
#include "base/units.h"

namespace lockstep {

Checksum checksum_of(Span bytes) noexcept { return {XXH3_64bits(bytes.data(), bytes.size())}; }

Checksum checksum_of_zero_block() noexcept {
  static const Checksum of_zero = [] {
    std::array<std::byte, block_size> zero{};
    return checksum_of(zero);
  }();
  return of_zero;
}

std::uint32_t crc32c_of(Span bytes, std::uint32_t so_far) noexcept {
  // ISA-L reads only, but its parameter is not const.
  auto* data = const_cast<unsigned char*>(reinterpret_cast<const unsigned char*>(bytes.data()));
  std::uint32_t state = ~so_far;
  for (std::size_t done = 0; done < bytes.size();) {
    std::size_t piece = std::min<std::size_t>(bytes.size() - done, 1u << 30);
    state = crc32_iscsi(data + done, static_cast<int>(piece), state);
    done += piece;
  }
  return ~state;
}

Checksummer::Checksummer() : state_(XXH3_createState()) {
  CHECK(state_ != nullptr);
  XXH3_64bits_reset(static_cast<XXH3_state_t*>(state_));
}
Checksummer::~Checksummer() { XXH3_freeState(static_cast<XXH3_state_t*>(state_)); }
void Checksummer::add(Span bytes) noexcept {
  XXH3_64bits_update(static_cast<XXH3_state_t*>(state_), bytes.data(), bytes.size());
}
Checksum Checksummer::value() const noexcept { return {XXH3_64bits_digest(static_cast<XXH3_state_t*>(state_))}; }

}  // namespace lockstep
