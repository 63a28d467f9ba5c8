// Rewind: groups that keep their history for a window, and any point of it opened as a group of its own.
// Promises: a point opens as exactly what the group was there: every record up to it, none after it; what fails, is cancelled or dies on
//           the way leaves nothing behind; a window gives way before a write is refused for want of space.
// Refuses:  points that cannot be told exactly: outside of the range, inside a resync of a target, across a change of members.
// Lives on: the control loop; what it does to a pool, it does on the pool's loop.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/base.h"
#include "os/os.h"
#include "pool/pool.h"
#include "rt/rt.h"

namespace lockstep::replica {

class Pools;
class Watcher;

struct RewindWindow {
  Duration time{0};  // kept at least; 0: no window
  Bytes bytes{0};    // at most: of journal, or of blocks written where big writes pass the journal by; 0: the pool's journal budget
};

// Times on a target are its source's.
struct RecoveryPoint {
  WallTime time;
  Origin position;
  SnapshotId snapshot;
  std::string name;
  bool held = false;  // taken for the window: no snapshot of a user's
};

struct RecoveryPoints {
  RewindWindow window;  // as it was set; time 0: there is none
  struct Range {        // every point from one to the other can be opened, but for resyncs of a target
    WallTime from, to;
    Origin first, last;
  };
  std::optional<Range> range;
  Bytes held;                         // by the window, as its bytes are counted
  std::vector<RecoveryPoint> points;  // snapshots, oldest first: they need no replay
};

// One of them.
struct RewindTo {
  std::optional<WallTime> time;  // the state of that time: every record dated up to it
  std::string position;          // "@1a2b3c4d:77", as recovery points and snapshots show it
  bool latest = false;           // the end of the range
};

struct RewindRequest {
  PoolId pool;
  GroupId group;
  RewindTo to;
  std::string name;  // of the new group; its volumes are called NAME-VOLUME
};

struct RewindForecast {
  std::string snapshot;  // that it begins with
  WallTime snapshot_time;
  WallTime time;    // of the last record in the state asked for
  Origin position;  // of that state
  Bytes replay;     // blocks to be written again
  std::uint64_t records = 0;
  std::vector<std::string> volumes;  // that would be made
};

struct Rewound {
  std::string group;
  std::vector<std::string> volumes;
  Origin position;
  WallTime time;
};

struct RewindOptions {
  Bytes snapshot_every = 1_GiB;                    // counted as the window's bytes; never more than an eighth of the window's bytes
  Duration snapshot_after = std::chrono::minutes(10);  // at the latest, when anything was written; never more than an eighth of its time
  Duration look_every = std::chrono::milliseconds(500);
  Duration rest = std::chrono::seconds(30);        // after a window gave up everything for want of space
  Bytes piece = 1_MiB;                             // replayed as one unit
};

class Rewind {
 public:
  virtual ~Rewind() = default;

  // Takes up the windows of every pool that is open; undoes what a death interrupted.
  virtual rt::Task<Result<>> start() = 0;
  virtual rt::Task<void> stop() = 0;
  virtual rt::Task<Result<>> pool_opened(PoolId pool) = 0;
  virtual rt::Task<void> pool_closing(PoolId pool) = 0;

  // Durable before it returns. What a window kept is gone with it; one that is changed keeps what fits.
  virtual rt::Task<Result<>> set_window(PoolId pool, GroupId group, RewindWindow window) = 0;
  virtual rt::Task<Result<RecoveryPoints>> points(PoolId pool, GroupId group) = 0;
  // out_of_range, naming the window, where the point is not in it.
  virtual rt::Task<Result<RewindForecast>> forecast(RewindRequest request) = 0;
  // A group whose volumes may be written, at the state asked for, with the history that led there.
  virtual rt::Task<Result<Rewound>> open(RewindRequest request, Watcher& watcher) = 0;
};

[[nodiscard]] std::unique_ptr<Rewind> make_rewind(rt::Loop& control, Pools& pools, RewindOptions options);

}  // namespace lockstep::replica
