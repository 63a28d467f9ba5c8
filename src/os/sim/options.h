// Options of a world: how long things take and how it is to be unkind. Ranges are drawn from evenly, per event.
#pragma once

#include "base/base.h"
#include "os/sim/rng.h"

namespace lockstep::os::sim {

struct DiskOptions {
  Range read{std::chrono::microseconds(20), std::chrono::microseconds(300)};
  Range write{std::chrono::microseconds(10), std::chrono::microseconds(200)};
  Range sync{std::chrono::microseconds(100), std::chrono::milliseconds(3)};
  Bytes capacity = 64_GiB;
  unsigned cache_hit_per_mille = 500;   // of try_read
};

struct NetOptions {
  Range latency{std::chrono::microseconds(30), std::chrono::microseconds(300)};   // drawn once per pair of hosts
  Range jitter{std::chrono::microseconds(0), std::chrono::microseconds(100)};     // added per piece
  Bytes bandwidth = 1_GiB;                                                        // per second and direction
  Bytes window = 256_KiB;       // sent and not yet read, per direction; a writer waits beyond it
  Bytes piece_max = 64_KiB;     // pieces are of random size up to this
  Duration give_up = std::chrono::seconds(60);   // bytes that cannot be delivered for this long break the connection
};

struct WorldOptions {
  bool shuffle = true;   // events of one instant in an order of the seed's choosing, not in that of their making
  Range turn{std::chrono::nanoseconds(200), std::chrono::microseconds(3)};       // how long a turn keeps its loop busy
  Range job{std::chrono::microseconds(5), std::chrono::microseconds(500)};       // a worker job, from start to end
  Range wall_offset{std::chrono::seconds(0), std::chrono::seconds(2)};           // of each host's wall clock
  DiskOptions disk;
  NetOptions net;
};

}  // namespace lockstep::os::sim
