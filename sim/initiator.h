// Initiator: a host's applications. Writes numbered blocks to a group's volumes, flushes now and then, notes every answer.
#pragma once

#include <set>
#include <utility>
#include <vector>

#include "os/sim/sim.h"
#include "pool/pool.h"
#include "rt/rt.h"
#include "sim/history.h"

namespace lockstep::sim {

struct Load {
  std::size_t in_flight = 6;
  std::uint64_t blocks = 48;         // of each volume
  Duration pause{0};                 // between two writes of one hand
  unsigned flush_per_mille = 60;
  unsigned big_per_mille = 15;       // 16 blocks and more: past the journal
  bool paced = false;                // waits before a write as it is asked to, as NBD does
};

class Initiator {
 public:
  // Lives on the pool's loop. `history` outlives it.
  Initiator(rt::Loop& loop, std::vector<pool::VolumeRef> volumes, History& history, os::sim::Rng rng, Load load);

  void start();
  // What is in flight comes to its end; then the volumes are let go.
  rt::Task<void> stop();
  // Volumes that hosts may not write any more are let go by those hosts for good: what is written there later is another history's.
  void retire_if_closed();
  // The machine is no more: nobody hears what is answered from here on, nothing is noted.
  void mute() { heard_ = false; }

  [[nodiscard]] std::uint64_t refused() const { return refused_; }
  // Of writes, from the moment they were appended until they were answered, since the last call.
  [[nodiscard]] Duration longest_wait() { return std::exchange(longest_wait_, Duration{0}); }

 private:
  rt::Task<void> hand();
  rt::Task<void> write_one();
  [[nodiscard]] bool claim(Spot at, std::uint64_t count);
  void give_back(Spot at, std::uint64_t count);

  rt::Scope scope_;
  std::vector<pool::VolumeRef> volumes_;
  History& history_;
  os::sim::Rng rng_;
  Load load_;
  std::set<Spot> busy_;
  std::uint64_t refused_ = 0;
  bool heard_ = true;
  bool retired_ = false;
  Duration longest_wait_{0};
};

// Every block of every volume, read and judged. An error when one cannot be read or holds what nobody wrote.
rt::Task<Result<Found>> look(std::vector<pool::VolumeRef> volumes, std::uint64_t blocks);

}  // namespace lockstep::sim
