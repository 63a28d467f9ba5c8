// Versions: the algebra of one leaf's versions, as plain functions over values.
// A version written in epoch e serves views from e up to the next version's epoch, and is complete for its volume. It dies when nobody can
// look at any epoch it serves; what it alone named is freed.
#pragma once

#include <functional>
#include <vector>

#include "base/base.h"
#include "store/delta_map.h"
#include "store/slot.h"

namespace lockstep::store {

struct Version {
  Epoch epoch;
  LeafContent content;
};

// Somebody can look at an epoch in [from, before); before = Lineage::forever counts the head.
using IsVisible = std::function<bool(Epoch from, Epoch before)>;

struct VersionChange {
  std::vector<Version> put;        // written, or written over where the epoch was there
  std::vector<Epoch> removed;
  std::vector<Place> used;         // versions name them now and did not before
  std::vector<Place> freed;        // nobody names them any more
  std::vector<Epoch> listed;       // epochs that this leaf was newly written in while an older one can be looked at: for diffs
};

// Folds deltas into the newest versions. `newest` holds the newest version and the one before it, oldest first, as far as there are
// such; `groups` ascend and none is older than the newest version. `based`: the volume has an origin, so zero is not the same as absent.
[[nodiscard]] VersionChange fold(std::vector<Version> newest, std::vector<DeltaGroup> groups, const IsVisible& visible, bool based);

// What of all the versions of a leaf, ascending, nobody can see any more.
[[nodiscard]] VersionChange sweep(const std::vector<Version>& all, const IsVisible& visible);

}  // namespace lockstep::store
