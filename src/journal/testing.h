// For tests of the journal: records that can be told apart, and a journal on a simulated disk with a model
// beside it.
#pragma once

#include <coroutine>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "journal/journal.h"
#include "os/sim/sim.h"
#include "os/sim/testing.h"

namespace lockstep::journal {

inline constexpr PoolId test_pool{{std::byte{7}, std::byte{1}}};

// Small enough that a history of a hundred records goes through many segments.
inline Options small_options() {
  Options options;
  options.segment_size = 64_KiB;
  options.batch_max = 32_KiB;
  options.slab = 32_KiB;
  options.recent = 32_KiB;
  options.writeback_step = 8_KiB;
  options.spare_segments = 1;
  options.free_segments_max = 3;
  return options;
}

// A record that owns what it points to. Equal seeds make equal records; all kinds and sizes come up.
struct Sample {
  explicit Sample(std::uint64_t seed);
  static Sample write(std::uint64_t seed, std::uint64_t blocks);
  static Sample direct(std::uint64_t seed, std::uint64_t blocks);
  static Sample mark(std::string_view text, WallTime time = {});
  Sample(Sample&&) = default;
  Sample& operator=(Sample&&) = default;

  Record record;
  Buffer checksums, places, data;

 private:
  Sample() = default;
  void point();
};

// Everything that a record says, as text for messages; equal for equal records.
std::string print(const Record& record);

}  // namespace lockstep::journal
