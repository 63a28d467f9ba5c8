// DeltaMap: what the delta log says, in RAM: entries committed and not yet folded into leaves.
// Promises: at most one delta per block and epoch; none that a later delta hides from everybody; each knows the log row it is in, so that
//           a row can go when nothing in it counts. Costs about 32 bytes a delta and 100 a leaf.
// Lives on: one loop.
#pragma once

#include <array>
#include <map>
#include <unordered_map>
#include <vector>

#include "base/base.h"
#include "store/chunk.h"
#include "store/intervals.h"
#include "store/lineage.h"
#include "store/slot.h"

namespace lockstep::store {

struct Delta {
  Slot slot;
  Epoch epoch;
  std::uint64_t row_and_index = 0;   // index in the low byte
  [[nodiscard]] std::uint64_t row() const { return row_and_index >> 8; }
  [[nodiscard]] std::size_t index() const { return row_and_index & 0xff; }
};

// One epoch's deltas of one leaf, as the fold takes them.
struct DeltaGroup {
  Epoch epoch;
  bool zero = false;   // the whole leaf, before the items
  std::vector<std::pair<std::uint8_t, Slot>> items;
};

class DeltaMap {
 public:
  explicit DeltaMap(const Lineage& lineage) : lineage_(lineage) {}

  // Places that nobody can see any more are appended to `freed`.
  void put(const Chunk::Item& item, std::uint64_t row, std::vector<Place>& freed);
  // First the interval, whole; then the deltas under it, at most `most` leaves a call, from `from` on. Returns where to go on, or zero.end.
  void put_zero(const Chunk::Zero& zero, std::uint64_t row);
  std::uint64_t erase_under(const Chunk::Zero& zero, std::uint64_t from, std::size_t most, std::vector<Place>& freed);

  // The leaf was folded: everything about it goes, its places live on in leaves.
  void forget(LeafId id);
  void cut(const Chunk::Zero& zero);
  // A volume nobody can look at: at most `most` leaves a call; true when nothing is left.
  bool drop_volume(VolumeId volume, std::size_t most, std::vector<Place>& freed);

  // A later epoch says something about the block.
  [[nodiscard]] bool is_hidden(LeafId id, std::size_t index, Epoch epoch) const;
  // Applies to `content`, the state of the version of epoch `base`, what epochs up to `upto` changed.
  void overlay(LeafId id, Epoch base, Epoch upto, LeafContent& content) const;
  [[nodiscard]] std::vector<DeltaGroup> groups(LeafId id) const;

  // The first leaf from `from` on that has deltas (intervals not counted); nullptr-like: false.
  [[nodiscard]] bool next_leaf(LeafId& from) const;
  [[nodiscard]] bool touched(LeafId id, Epoch after, Epoch upto) const;   // by deltas or intervals
  [[nodiscard]] std::size_t count(LeafId id) const;
  // The first interval of `volume` that ends after `leaf`, of any epoch up to `upto`: the least first leaf.
  [[nodiscard]] bool next_zero(VolumeId volume, Epoch upto, std::uint64_t leaf, Chunk::Zero& out) const;
  // Any interval; false when there is none.
  [[nodiscard]] bool first_zero(Chunk::Zero& out) const;
  [[nodiscard]] bool has_zeroes(VolumeId volume) const { return zeroes_.contains(volume); }

  [[nodiscard]] std::uint64_t entries() const { return entries_; }
  [[nodiscard]] std::uint64_t intervals() const { return intervals_; }
  [[nodiscard]] Bytes memory() const { return Bytes{entries_ * 40 + leaves_.size() * 96 + intervals_ * 64}; }
  // Leaves with exactly n deltas; the last counts those with more blocks' worth.
  [[nodiscard]] const std::array<std::uint64_t, leaf_blocks + 1>& histogram() const { return histogram_; }

  // How much of a log row still counts.
  [[nodiscard]] std::uint64_t live(std::uint64_t row) const;
  // If the item is still what row `row` says, it is in row `to` from now on.
  bool move(const Chunk::Item& item, std::uint64_t row, std::uint64_t to);
  // All intervals of row `row`; they are in row `to` from now on.
  std::vector<Chunk::Zero> move_zeroes(std::uint64_t row, std::uint64_t to);

  template <class Visit>
  void each_place(Visit visit) const {
    for (const auto& [id, deltas] : leaves_)
      for (const Delta& delta : deltas)
        if (delta.slot.place().value != 0) visit(delta.slot.place());
  }

 private:
  using Leaves = std::map<LeafId, std::vector<Delta>>;   // deltas sorted by epoch, index
  void gone(const Delta& delta, std::vector<Place>* freed);
  void recount(std::size_t before, std::size_t after);
  Leaves::iterator erase_if_empty(Leaves::iterator it, std::size_t before);
  void change_zeroes(const Chunk::Zero& zero, const std::uint64_t* row);

  const Lineage& lineage_;
  Leaves leaves_;
  std::map<VolumeId, std::map<Epoch, Intervals<std::uint64_t>>> zeroes_;   // value: the log row
  std::unordered_map<std::uint64_t, std::uint64_t> live_;
  std::array<std::uint64_t, leaf_blocks + 1> histogram_{};
  std::uint64_t entries_ = 0;
  std::uint64_t intervals_ = 0;
};

}  // namespace lockstep::store
