// Pass: one sweep of a resync: the blocks of a set, as of one snapshot of the source group.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "base/base.h"
#include "replica/wire/batch.h"

namespace lockstep::replica {

struct Pass {
  enum class Set : std::uint8_t {
    allocated,  // every block that holds data (and zeroes for holes, unless the target is fresh)
    masks,      // those of `masks`
  };
  Set set = Set::allocated;
  bool clears_map = false;  // its end answers for the follower's change map
  bool compared = false;    // the masks come from comparing
  SnapshotId snapshot;
  Instant begun;
  Bytes written_before;  // to the group, at its beginning
  Origin towards;  // the snapshot's position
  Lsn lsn;
  std::vector<LeafMask> masks;  // by member, then leaf
  std::vector<LeafMask> held;   // likewise: the target has these, they are not sent
  bool fresh = false;
  std::uint32_t number = 0;
  Bytes total, sent;
  std::uint32_t cursor_member = 0;  // the target is durable with everything before
  Block cursor_block;
};

struct PassRun {
  std::uint32_t member = 0;
  Block block;
  std::uint64_t count = 0;
  bool zero = false;
};

// Masks as runs in address order, from (member, block) on, each at most `most` blocks.
class MaskRuns {
 public:
  MaskRuns(const std::vector<LeafMask>& masks, std::uint32_t member, Block from, std::uint64_t most);
  [[nodiscard]] std::optional<PassRun> next();

 private:
  [[nodiscard]] std::optional<PassRun> next_block();  // the next single block
  const std::vector<LeafMask>& masks_;
  std::size_t at_ = 0;
  std::uint64_t bit_ = 0;
  std::uint64_t most_;
  std::optional<PassRun> ahead_;
};
[[nodiscard]] std::uint64_t blocks_of(const std::vector<LeafMask>& masks);
// Both sets, sorted, each leaf once.
[[nodiscard]] std::vector<LeafMask> united(std::vector<LeafMask> a, std::vector<LeafMask> b);

// What is left of the run without the blocks of `held` (sorted, each leaf once), in order.
[[nodiscard]] std::vector<PassRun> without(PassRun run, const std::vector<LeafMask>& held);
// A record that brings the run's blocks as of `towards`: without bytes and checksums yet, where it is not zero.
[[nodiscard]] journal::Record record_of(const PassRun& run, Origin towards, WallTime now);

// How a pass under way is known again after a restart: the purpose of its snapshot begins with one of these.
inline constexpr std::string_view full_pass = "resync-full";
inline constexpr std::string_view map_pass = "resync-map";
inline constexpr std::string_view compare_pass = "resync-compare";
// Held from before the group's volumes go elsewhere until a comparison is done after they have come back.
inline constexpr std::string_view moved_away = "moved-away";

}  // namespace lockstep::replica
