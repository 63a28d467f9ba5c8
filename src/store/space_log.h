// Space log: how leaves changed the use of places, a row a commit or fold; pages: the sum of the rows that are no longer needed one by one.
// docs/formats/store.md, "Space".
#pragma once

#include <vector>

#include "base/base.h"
#include "store/store.h"

namespace lockstep::store {

inline constexpr std::uint64_t page_places = 16384;   // places per page of the map: 2 KiB

struct SpaceRow {
  Lsn lsn;                   // checkpoint_lsn at that time: what was freed may be named by records up to it
  std::vector<Run> used;     // leaves name them from now on; sorted, disjoint
  std::vector<Run> freed;    // and these no longer: applied after `used`
  bool operator==(const SpaceRow& other) const;
};

[[nodiscard]] Buffer encode_space(const SpaceRow& row);
[[nodiscard]] Result<SpaceRow> decode_space(Span bytes);

// Sorted, once each, neighbours joined.
[[nodiscard]] std::vector<Run> runs_of(std::vector<Place> places);

}  // namespace lockstep::store
