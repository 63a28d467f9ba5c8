// Gather: what a checkpoint must do with frozen layers: which blocks get which entries, in address order. A plain function over frozen
// data: it runs as a worker job.
#pragma once

#include <set>
#include <vector>

#include "pool/native/overlay.h"

namespace lockstep::pool::native {

struct Gathered {
  struct Part {                              // one volume in one layer
    VolumeId volume;
    Epoch epoch;
    std::vector<Cell> cells;                 // data to be placed, in address order
    std::vector<store::MapChange> before;    // entries that need no data written: they count less than the cells
    std::vector<Block> zeroes;               // written as zeroes: they need no place; they count as cells do
  };
  std::vector<Part> parts;                   // oldest layer first
  std::uint64_t to_place = 0;                // cells in all
  std::uint64_t reserved = 0;                // by the layers
};

// Of volumes not in `alive` nothing is kept: the store hears of their big writes, so as to free the places.
[[nodiscard]] Gathered gather(const std::vector<const Layer*>& layers, const std::set<VolumeId>& alive);

}  // namespace lockstep::pool::native
