// Index: where the newest bytes of each block of one volume lie, within one layer of the overlay. Flat: an insertion allocates
// nothing but its share of a growing table, and no single growth moves more than a sixteenth of the whole.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <vector>

#include "base/base.h"

namespace lockstep::pool::native {

// One block written through the journal. 24 bytes.
struct Cell {
  std::uint64_t key = 0;               // block + 1; 0: free
  const std::byte* data = nullptr;     // 4096 bytes inside a journal batch
  std::int32_t checksum_at = 0;        // its checksum lies this far from `data`, in the same batch
  std::uint32_t lsn = 0;               // counted from the layer's first

  [[nodiscard]] Block block() const { return Block{key - 1}; }
  [[nodiscard]] Checksum checksum() const { return {load_le<std::uint64_t>(data + checksum_at)}; }
};

class CellTable {
 public:
  // True when the block had a cell, which is replaced.
  bool put(const Cell& cell);
  [[nodiscard]] const Cell* find(Block block) const {
    std::uint64_t hash = hash_of(block.value + 1);
    const Part& part = parts_[hash >> 60];
    if (part.used == 0) return nullptr;
    for (std::uint32_t i = slot_of(hash, part);; i = (i + 1) & part.mask) {
      const Cell& cell = part.cells[i];
      if (cell.key == block.value + 1) return &cell;
      if (cell.key == 0) return nullptr;
    }
  }
  [[nodiscard]] std::size_t size() const { return size_; }

  template <class F>
  void each(F&& f) const {
    for (const Part& part : parts_)
      for (std::size_t i = 0; part.used > 0 && i <= part.mask; ++i)
        if (part.cells[i].key != 0) f(part.cells[i]);
  }

 private:
  struct Part {
    std::unique_ptr<Cell[]> cells;
    std::uint32_t mask = 0;
    std::uint32_t used = 0;
    std::uint32_t shift = 0;   // hash bits above this pick the slot
  };
  static std::uint64_t hash_of(std::uint64_t key) { return key * 0x9E3779B97F4A7C15ull; }
  static std::uint32_t slot_of(std::uint64_t hash, const Part& part) { return static_cast<std::uint32_t>((hash << 4) >> part.shift); }
  static void grow(Part& part);

  std::array<Part, 16> parts_;
  std::size_t size_ = 0;
};

// A record that covers many blocks at once: zeroes of whatever length, or a big write that already has its places.
struct Stretch {
  std::uint64_t end = 0;                  // one past its last block
  std::uint32_t lsn = 0;                  // counted from the layer's first
  const std::byte* checksums = nullptr;   // direct only; both start at `base`
  const std::byte* places = nullptr;      // direct only; nullptr: zeroes
  std::uint64_t base = 0;                 // first block of the record

  [[nodiscard]] bool is_zero() const { return places == nullptr; }
  [[nodiscard]] Place place(std::uint64_t block) const { return Place{load_le<std::uint64_t>(places + 8 * (block - base))}; }
  [[nodiscard]] Checksum checksum(std::uint64_t block) const { return {load_le<std::uint64_t>(checksums + 8 * (block - base))}; }
};

// Stretches that do not overlap: a later one cuts what it covers.
class StretchMap {
 public:
  void put(std::uint64_t begin, const Stretch& stretch);
  [[nodiscard]] const Stretch* find(Block block) const {
    if (by_begin_.empty()) return nullptr;
    auto next = by_begin_.upper_bound(block.value);
    if (next == by_begin_.begin()) return nullptr;
    const Stretch& stretch = std::prev(next)->second;
    return block.value < stretch.end ? &stretch : nullptr;
  }
  [[nodiscard]] const std::map<std::uint64_t, Stretch>& all() const { return by_begin_; }

 private:
  std::map<std::uint64_t, Stretch> by_begin_;
};

}  // namespace lockstep::pool::native
