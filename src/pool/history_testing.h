// History: a pool under random use by several writers at once, and the model that knows what must be there.
#pragma once

#include <string>
#include <vector>

#include "pool/model_testing.h"

namespace lockstep::pool::testing {

class History {
 public:
  explicit History(std::uint64_t seed, Options options = small_options());

  // Makes volumes and groups. An error is the death of the host (if it was told to die).
  Result<> set_up();
  // `count` random steps. Stops early, with an error, when the host dies.
  Result<> steps(int count);
  // One thing that happens; `io`: only reads, writes, flushes and checkpoints.
  Result<> step(bool io = false);

  // The host dies somewhere in a burst of writes, comes back, and is compared with the model. Empty: all is well.
  std::string die(bool power_cut);
  // The host has died by itself, as by a power cut.
  std::string died();
  std::string restart_cleanly();
  // Everything that can be seen, as it is now.
  State look();

  os::sim::World world;
  TestPool p;
  Model model;
  std::string trouble;   // a read that was wrong

 private:
  using Rng = os::sim::Rng;
  struct Range {
    Bytes at;
    std::uint64_t length = 0;
  };
  rt::Task<void> one_write(std::string name, Range range, std::uint64_t tag, int& left);
  Result<> burst(int writers, Duration at_most);
  Result<> long_write();
  Result<> zero();
  Result<> flush();
  Result<> read_back();
  Result<> catalogue();
  Result<> changed(Result<> done);                        // a catalogue change has ended
  Result<> dead_or(Error error);
  std::string reopen();
  std::string any_volume();
  Range any_range(std::uint64_t size, std::uint64_t most, bool whole_blocks);
  static Model::Effect writes(std::string name, Range range, std::uint64_t tag);

  Rng rng_;
  Lsn flushed_;
  std::uint64_t tag_ = 0;
  int named_ = 0;
  bool died_ = false;
};

}  // namespace lockstep::pool::testing
