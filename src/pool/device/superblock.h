// Superblock: what a device or an image file holds: files by name, as runs of chunks. Pure: bytes in, values out.
// On disk: docs/formats/device.md.
#pragma once

#include <string>
#include <vector>

#include "base/base.h"

namespace lockstep::pool::device {

inline constexpr Bytes slot_size = 4_MiB;                       // room for one copy
inline constexpr Bytes slots[] = {slot_size, Bytes{0}};         // where the two lie, in the order in which they are written
inline constexpr Bytes data_start{2 * slot_size.value};         // chunk 0
inline constexpr std::uint64_t chunks_least = 16;
inline constexpr std::uint64_t chunks_most = 1 << 18;           // in the worst case a run each: half of a slot
inline constexpr std::size_t entries_most = 4096;
inline constexpr std::size_t name_most = 200;                   // bytes of a whole name
inline constexpr std::size_t head_size = 64;                    // bytes of a copy before its entries

struct ChunkRun {
  std::uint32_t first = 0;
  std::uint32_t count = 0;
  bool operator==(const ChunkRun&) const = default;
};

struct Superblock {
  struct Entry {
    std::string name;             // "journal/segment-00000001"
    bool is_directory = false;
    Bytes size;                   // of a file; its runs have at least as much
    std::vector<ChunkRun> runs;   // in the file's order
    bool operator==(const Entry&) const = default;
  };
  PoolId id;                      // of the device, so that two copies of it are known to belong together
  std::uint64_t sequence = 0;     // one more at each writing
  Bytes chunk;                    // a power of two
  std::uint64_t chunks = 0;       // on the device
  std::vector<Entry> entries;     // in the order of their names: a directory before what is in it
  bool operator==(const Superblock&) const = default;
};

// The chunk size that suits a device of `size`: it may grow to four times that before chunks run out.
[[nodiscard]] Bytes chunk_for(Bytes size);
[[nodiscard]] std::uint64_t chunks_in(Bytes size, Bytes chunk);   // 0 when even the slots do not fit
[[nodiscard]] constexpr Bytes offset_of_chunk(std::uint64_t number, Bytes chunk) { return Bytes{data_start.value + number * chunk.value}; }

// At most slot_size, as long as there are at most entries_most entries.
[[nodiscard]] Buffer encode(const Superblock& superblock);

// `head`: at least head_size bytes. How many bytes the copy has in all; not_found: no superblock; unsupported: of another release.
[[nodiscard]] Result<Bytes> length_of(Span head);
// Everything that is returned is consistent: names in order under their directories, no chunk twice or beyond the end, room for every size.
[[nodiscard]] Result<Superblock> decode(Span copy);

}  // namespace lockstep::pool::device
