// Status: what one end of a relationship knows on its pool's loop; copied to the control loop whenever it
// changes.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/base.h"
#include "replica/model/model.h"
#include "replica/wire/siblings.h"

namespace lockstep::replica {

struct Status {
  // What flows, whatever the administrator intends: initialized, unsynchronized, synchronized, broken or
  // failedover.
  CopyState flow = CopyState::initialized;
  Progress progress = Progress::initializing;
  std::optional<Mode> mode_in_force;
  std::string mode_cause;  // of its last change
  bool connected = false;
  std::optional<WallTime> last_contact;
  std::string cause;
  std::string conflict;
  bool taken_over = false;              // source end: the target was made writable
  bool point_reached = false;           // source end: the target holds the point, durably
  bool skewed = false;                  // target end: open to hosts, and written to
  std::optional<WallTime> lacks_since;  // time of the oldest write that the target lacks
  Duration lag_told{0};                 // target end: the last figure, at lag_told_at
  Instant lag_told_at;
  bool rpo_violated = false;
  bool pacing = false;  // hosts are being slowed, so that the objective is kept
  Bytes backlog{0}, to_copy{0}, copied{0};
  std::uint64_t bytes_per_second = 0;
  Bytes sent_total{0}, received_total{0};
  Origin position;
  std::vector<Sibling> siblings;     // target end: as the source last said
  bool was_synchronized = false;     // the target holds, or held, a consistent state
  std::optional<Settings> settings;  // target end: as the source last said
};

// Called on the pool's loop after anything in a status changed; at most once a turn and end.
using StatusSink = std::function<void()>;

}  // namespace lockstep::replica
