// Units: what is counted, in which unit. No bare uint64_t crosses an interface.
#pragma once

#include <compare>
#include <cstdint>

namespace lockstep {

// A number of one kind. Kinds do not mix; same-kind arithmetic is plain and unsigned.
template <class Tag>
struct Number {
  std::uint64_t value = 0;

  constexpr Number() = default;
  constexpr explicit Number(std::uint64_t v) : value(v) {}
  constexpr auto operator<=>(const Number&) const = default;
  constexpr Number& operator+=(Number other) { value += other.value; return *this; }
  constexpr Number& operator-=(Number other) { value -= other.value; return *this; }
  constexpr Number& operator++() { ++value; return *this; }
  friend constexpr Number operator+(Number a, Number b) { return Number{a.value + b.value}; }
  friend constexpr Number operator-(Number a, Number b) { return Number{a.value - b.value}; }
};

using Bytes = Number<struct BytesTag>;      // a length or an offset in bytes
using Lsn = Number<struct LsnTag>;          // position in one pool's journal; 0 is before the first record
using Block = Number<struct BlockTag>;      // a 4 KiB block of a volume, counted from its start
using Place = Number<struct PlaceTag>;      // a 4 KiB block of a pool's data space, counted from its start
using Epoch = Number<struct EpochTag>;      // a pool's snapshot clock: a snapshot ends the epoch it was taken in

inline constexpr std::uint64_t block_size = 4096;   // bytes; unit of mapping, checksums and journal records
inline constexpr std::uint64_t sector_size = 512;   // bytes; unit that an initiator may read or write

[[nodiscard]] constexpr Bytes offset_of(Block block) { return Bytes{block.value * block_size}; }
[[nodiscard]] constexpr Bytes offset_of(Place place) { return Bytes{place.value * block_size}; }
[[nodiscard]] constexpr Block block_at(Bytes offset) { return Block{offset.value / block_size}; }
[[nodiscard]] constexpr std::uint64_t blocks_in(Bytes length) { return (length.value + block_size - 1) / block_size; }

constexpr Bytes operator""_B(unsigned long long n) { return Bytes{n}; }
constexpr Bytes operator""_KiB(unsigned long long n) { return Bytes{n << 10}; }
constexpr Bytes operator""_MiB(unsigned long long n) { return Bytes{n << 20}; }
constexpr Bytes operator""_GiB(unsigned long long n) { return Bytes{n << 30}; }

}  // namespace lockstep
