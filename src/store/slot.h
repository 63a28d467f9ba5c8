// Slot: an entry in 16 bytes, as leaves and deltas hold it. Two slots are equal exactly when their entries mean the same.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "base/base.h"
#include "store/store.h"

namespace lockstep::store {

inline constexpr std::uint64_t place_most = (1ull << 60) - 1;

struct Slot {
  std::uint64_t what = 0;   // kind in the top four bits, place below
  std::uint64_t sum = 0;

  bool operator==(const Slot&) const = default;
  [[nodiscard]] EntryKind kind() const { return static_cast<EntryKind>(what >> 60); }
  [[nodiscard]] bool is_absent() const { return what >> 60 == 0; }
  // Reads as zeroes where no origin lies below.
  [[nodiscard]] bool is_hole() const { return what >> 60 <= 1; }
  // The place it keeps from being handed out; 0: none.
  [[nodiscard]] Place place() const { return Place{what & place_most}; }
};

inline constexpr Slot zero_slot{1ull << 60, 0};

[[nodiscard]] inline Slot slot_of(const Entry& entry) {
  std::uint64_t kind = static_cast<std::uint64_t>(entry.kind) << 60;
  switch (entry.kind) {
    case EntryKind::absent:
    case EntryKind::zero: return {kind, 0};
    case EntryKind::remote: return {kind, entry.checksum.value};
    case EntryKind::placed:
    case EntryKind::bad: break;
  }
  return {kind | (entry.place.value & place_most), entry.checksum.value};
}
[[nodiscard]] inline Entry entry_of(const Slot& slot) { return {slot.kind(), slot.place(), Checksum{slot.sum}}; }

// What one version of one leaf says of each of its blocks.
using LeafContent = std::array<Slot, leaf_blocks>;

struct LeafId {
  VolumeId volume;
  std::uint64_t leaf = 0;   // block / leaf_blocks
  constexpr auto operator<=>(const LeafId&) const = default;
};

[[nodiscard]] constexpr std::uint64_t leaf_of(Block block) { return block.value / leaf_blocks; }
[[nodiscard]] constexpr std::uint64_t index_in_leaf(Block block) { return block.value % leaf_blocks; }

}  // namespace lockstep::store
