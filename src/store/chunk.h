// Chunk: one row of the delta log: entries committed and not yet folded into leaves, and what was folded since.
// The log is read in the order of its rows. Inside a row: folded, cut, zeroes, items. docs/formats/store.md, "Delta log".
#pragma once

#include <vector>

#include "base/base.h"
#include "store/slot.h"
#include "store/store.h"

namespace lockstep::store {

struct Chunk {
  struct Item {
    VolumeId volume;
    Epoch epoch;
    Block block;
    Slot slot;
    bool operator==(const Item&) const = default;
  };
  // Leaves [first, end) become zero: an interval costs the same whatever its length.
  struct Zero {
    VolumeId volume;
    Epoch epoch;
    std::uint64_t first = 0;
    std::uint64_t end = 0;
    bool operator==(const Zero&) const = default;
  };

  bool carried = false;         // rows moved to the end of the log: their zeroes erase nothing that was written after them
  std::vector<LeafId> folded;   // nothing earlier in the log counts for this leaf any more
  std::vector<Zero> cut;        // nothing earlier in the log makes these leaves zero any more
  std::vector<Zero> zeroes;     // erase earlier items of their epoch (items of this chunk come after)
  std::vector<Item> items;      // sorted by volume, epoch, block; no two for the same
  bool operator==(const Chunk&) const = default;
  [[nodiscard]] bool empty() const { return folded.empty() && cut.empty() && zeroes.empty() && items.empty(); }
};

[[nodiscard]] Buffer encode_chunk(const Chunk& chunk);
[[nodiscard]] Result<Chunk> decode_chunk(Span bytes);

// What a commit's changes come to: later ones win; long zero runs as intervals of whole leaves. `dropped`: places that were overwritten
// within the commit, so that nobody will name them.
struct Normalised {
  Chunk chunk;
  std::vector<Place> dropped;
};
[[nodiscard]] Result<Normalised> normalise(std::vector<MapChange> changes);

// Sorts both; leaves in `first`, once each, those that are not in `second`.
void keep_only_in_first(std::vector<Place>& first, std::vector<Place>& second);

}  // namespace lockstep::store
