// Plan: what it takes to bring a target to its source, decided from what both ends say of themselves and
// nothing else. Promises: never a stream onto a position that the source does not have behind it; never a
// full copy but onto a target that holds nothing. Lives: nowhere; a pure function, tested as text.
#pragma once

#include <optional>
#include <string>

#include "base/base.h"
#include "replica/model/history.h"
#include "store/store.h"

namespace lockstep::replica {

// What the source can still tell about the way from the target's position to its own. Asked for that very
// position.
enum class Memory : std::uint8_t {
  journal,  // every record after it
  map,      // which blocks changed after it
  nothing,
};

struct SourceSide {
  Past past;
  store::Role role = store::Role::source;
  Memory memory = Memory::nothing;  // of what came after the last common position
  bool map_covers = true;           // its follower claims all of that, in journal or map
  bool wrote_after_common =
      true;  // data, not only changes of the catalogue, lie after the last common position
  std::optional<Origin> pass_open;  // an unfinished resync pass is still held here: its snapshot's position
  bool pass_compares = false;       // and what it sends was found by comparing
};

struct TargetSide {
  Past past;
  store::Role role = store::Role::target;
  bool holds_nothing = false;       // it never held a state of any source: new, or its first copy never ended
  bool fresh = true;                // of such a one: no block of it was ever written
  bool wrote_after_common = true;   // as above
  std::optional<Origin> pass_open;  // inside of a resync towards this position
  bool tells_changes = false;       // can list the blocks it changed after the last common position
};

struct Plan {
  enum class Kind : std::uint8_t {
    stream,        // from `from` on
    resume_pass,   // the pass towards `from` goes on
    resync,        // blocks of the change map (with those the target changed, if `both`), then stream
    compare,       // leaf hashes make the map
    full,          // every allocated block: a target that holds nothing
    diverged,      // the target has writes of its own after `from`: somebody must choose
    ahead,         // the target has the source's own later writes: the source lost them
    unrelated,     // nothing in common, and the target is not empty
    two_writable,  // both ends take writes, both wrote after `from`
    taken_over,    // the target was made writable; the source wrote nothing after `from`
  };
  Kind kind = Kind::unrelated;
  Origin from;
  bool both = false;
  bool keep = false;  // what only the target has is to be kept as a snapshot first
  bool operator==(const Plan&) const = default;
};

// `choose_source`: an administrator chose that the source's state wins (resync, failback, restore).
[[nodiscard]] Plan make_plan(const SourceSide& source, const TargetSide& target, bool choose_source);

// "stream from 1a2b3c4d:77", "resync with change map from ...", "diverged after ..."
[[nodiscard]] std::string text_of(const Plan& plan);

}  // namespace lockstep::replica
