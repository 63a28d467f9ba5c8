// Record: one step of a pool's history. Everything that must be ordered with writes is one.
#pragma once

#include <memory>
#include <vector>

#include "base/base.h"

namespace lockstep::journal {

enum class Kind : std::uint8_t {
  write = 1,     // `count` whole blocks, their checksums, and their bytes in the record
  direct = 2,    // `count` whole blocks, their checksums, and the places in the data file that already hold them
  zero = 3,      // `count` blocks become zero; `data` empty, no checksums: one record whatever the length
  catalog = 4,   // rows of the catalogue (store/catalog.h), absolute, encoded in `data`
  position = 5,  // a target group reached `origin`; closes one replicated unit
  mark = 6,      // for whoever wrote it (fences, generation starts); `data` opaque
};

// A record as read or as about to be appended. Spans point into memory held by `hold` (or by the caller, when appending).
struct Record {
  Kind kind = Kind::mark;
  std::uint8_t flags = 0;            // flag_ values below
  VolumeId volume;                   // 0 where no volume is meant
  Block block;                       // first block
  std::uint64_t count = 0;           // blocks
  Lsn lsn;                           // given by append()
  Origin origin;                     // where it was first written; for a local write the pool sets (generation, lsn)
  WallTime time;                     // never goes backwards, but in those of flag_elsewhere
  GroupId group;                     // the group it belongs to, or none: what a relationship's stream is filtered by
  std::span<const std::byte> checksums;   // 8 bytes each, little-endian (Checksum), `count` of them (write, direct)
  std::span<const std::byte> places;      // 8 bytes each, little-endian (Place), `count` of them (direct)
  Span data;
  std::shared_ptr<const void> hold;  // shared by overlay, shippers and readers: the batch goes when the last lets go

  [[nodiscard]] bool dated_here() const;
  [[nodiscard]] Checksum checksum(std::size_t i) const { return {load_le<std::uint64_t>(checksums.data() + 8 * i)}; }
  [[nodiscard]] Place place(std::size_t i) const { return Place{load_le<std::uint64_t>(places.data() + 8 * i)}; }
};

inline constexpr std::uint8_t flag_discard = 1;   // a `zero` that came from a discard
inline constexpr std::uint8_t flag_resync = 2;    // a block sent out of order by a resync: does not move the group's position
inline constexpr std::uint8_t flag_elsewhere = 4;   // first written in another journal, and dated there

inline bool Record::dated_here() const { return (flags & flag_elsewhere) == 0; }

}  // namespace lockstep::journal
