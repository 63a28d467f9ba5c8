#include "pool/native/index.h"

namespace lockstep::pool::native {

namespace {
constexpr std::uint32_t first_slots = 16;
}

bool CellTable::put(const Cell& cell) {
  std::uint64_t hash = hash_of(cell.key);
  Part& part = parts_[hash >> 60];
  if (part.used * 4ull >= (part.cells ? part.mask + 1ull : 0) * 3) grow(part);   // at most three quarters full
  for (std::uint32_t i = slot_of(hash, part);; i = (i + 1) & part.mask) {
    Cell& at = part.cells[i];
    if (at.key == cell.key) {
      at = cell;
      return true;
    }
    if (at.key == 0) {
      at = cell;
      ++part.used;
      ++size_;
      return false;
    }
  }
}

void CellTable::grow(Part& part) {
  Part bigger;
  std::uint32_t slots = part.cells ? (part.mask + 1) * 2 : first_slots;
  bigger.cells = std::make_unique<Cell[]>(slots);
  bigger.mask = slots - 1;
  bigger.shift = part.cells ? part.shift - 1 : 64 - 4;
  bigger.used = part.used;
  for (std::size_t n = 0; part.cells && n <= part.mask; ++n) {
    const Cell& cell = part.cells[n];
    if (cell.key == 0) continue;
    std::uint32_t i = slot_of(hash_of(cell.key), bigger);
    while (bigger.cells[i].key != 0) i = (i + 1) & bigger.mask;
    bigger.cells[i] = cell;
  }
  part = std::move(bigger);
}

void StretchMap::put(std::uint64_t begin, const Stretch& stretch) {
  auto at = by_begin_.lower_bound(begin);
  if (at != by_begin_.begin()) {
    auto before = std::prev(at);
    if (before->second.end > begin) {
      Stretch rest = before->second;
      before->second.end = begin;
      if (rest.end > stretch.end) by_begin_.emplace_hint(at, stretch.end, rest);
    }
  }
  while (at != by_begin_.end() && at->first < stretch.end) {
    if (at->second.end > stretch.end) by_begin_.emplace(stretch.end, at->second);
    at = by_begin_.erase(at);
  }
  by_begin_.insert_or_assign(begin, stretch);
}

}  // namespace lockstep::pool::native
