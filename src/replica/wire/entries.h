// Entries: a leaf of the block map as two systems compare it: what kind each block is and its checksum, never
// its place.
#pragma once

#include <array>
#include <vector>

#include "base/base.h"
#include "replica/wire/batch.h"
#include "store/store.h"

namespace lockstep::replica {

[[nodiscard]] Buffer encode_hashes(std::span<const Checksum> hashes);
[[nodiscard]] Result<std::vector<Checksum>> decode_hashes(Span bytes);
[[nodiscard]] Buffer encode_entries(std::span<const store::Entry> entries);
[[nodiscard]] Result<std::vector<store::Entry>> decode_entries(Span bytes);

// Several leaves, one behind the other, each with all of its blocks.
[[nodiscard]] Result<std::vector<std::vector<store::Entry>>> decode_leaves(Span bytes, std::size_t count);

// The blocks that do not read alike. Damaged ones differ from everything, themselves included; a hole and
// zeroes are alike.
[[nodiscard]] std::array<std::uint64_t, store::leaf_blocks / 64> difference(std::span<const store::Entry> a,
                                                                            std::span<const store::Entry> b);

}  // namespace lockstep::replica
