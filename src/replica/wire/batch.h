// Batch: records on their way from one journal to another: heads in binary, data beside them.
// docs/formats/wire.md.
#pragma once

#include <memory>
#include <vector>

#include "base/base.h"
#include "pool/pool.h"

namespace lockstep::replica {

// A batch is one unit: the target takes all of it or nothing.
struct Batch {
  std::uint64_t sequence = 0;            // counts from 1 in each connection; acknowledgements name it
  Origin from;                           // where the target must be
  Origin to;                             // where it is afterwards. Blocks of a resync: both are none
  std::vector<journal::Record> records;  // `volume` is the member's index in the group's order
};

inline constexpr std::size_t batch_head_size = 64;
inline constexpr std::size_t record_head_size = 64;
inline constexpr std::size_t records_most = 16384;  // in one batch

[[nodiscard]] inline std::size_t wire_size(const journal::Record& record) {
  return record_head_size + record.checksums.size() + record.data.size();
}

// The heads; data are the records' own, in their order. Kinds write, zero and position only.
void encode_heads(const Batch& batch, Buffer& into);

// Records point into `heads` and `data`. `corrupt` unless every length, kind and number makes sense. Blocks
// are not verified here.
[[nodiscard]] Result<Batch> decode_batch(Span heads, Span data, std::size_t members);
// Every block against its checksum: `corrupt` names the first that differs.
[[nodiscard]] Result<> verify(const Batch& batch);

// A list of leaves with the blocks meant in each.
struct LeafMask {
  std::uint32_t member = 0;
  std::uint64_t leaf = 0;
  std::array<std::uint64_t, store::leaf_blocks / 64> mask{};
  bool operator==(const LeafMask&) const = default;
};
inline constexpr std::size_t leaf_mask_size = 12 + store::leaf_blocks / 8;
[[nodiscard]] Buffer encode_masks(std::span<const LeafMask> masks);
[[nodiscard]] Result<std::vector<LeafMask>> decode_masks(Span bytes, std::size_t members);

}  // namespace lockstep::replica
