// FileNode: a file on a simulated disk: what is read now, what is durable, and what lies between. Private to os/sim.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "base/base.h"
#include "os/sim/content.h"
#include "os/sim/options.h"
#include "os/sim/rng.h"

namespace lockstep::os::sim {

enum class Tear;

class FileNode {
 public:
  [[nodiscard]] const Content& content() const { return now_; }

  void write(std::uint64_t at, Buffer data);
  void truncate(std::uint64_t size);
  void allocate(std::uint64_t at, std::uint64_t length);
  void punch(std::uint64_t at, std::uint64_t length);

  // Everything so far is durable.
  void sync();
  // Each change so far became durable or is forgotten: still read, lost at the next power cut whatever is synced later.
  void sync_badly(Rng& rng);
  // Some of the writes in the range become durable now.
  void write_back(std::uint64_t at, std::uint64_t length, Rng& rng);
  // What is left after the power was cut is read and durable from here on.
  void power_cut(Tear tear, Rng& rng);
  [[nodiscard]] bool unsynced() const { return !pending_.empty(); }

  // Faults.
  void flip(std::uint64_t at, std::byte mask);   // in the medium and in the cache
  void fail_reads(std::uint64_t at, std::uint64_t length) { bad_.push_back({at, at + length}); }
  void heal_reads() { bad_.clear(); }
  [[nodiscard]] bool readable(std::uint64_t at, std::uint64_t length) const;

  int syncs_to_fail = 0;
  std::uint64_t syncs_failed = 0;   // so far
  int writes_to_fail = 0;
  std::uint64_t links = 0;      // names of it that are seen now (0 or 1)
  std::uint64_t handles = 0;    // open, and of a life that still lives
  std::uint64_t counted = 0;    // pages of it in the disk's count of used space

 private:
  struct Change {
    enum class Kind : std::uint8_t { write, truncate, allocate, punch } kind;
    std::uint64_t at;
    std::uint64_t length;
    Buffer data;            // of a write
    bool durable = false;   // written back early
  };
  struct BadRange {
    std::uint64_t from, to;
  };
  static void apply(const Change& change, Content& to);
  static void apply_torn(Change& change, Content& to, bool inside_sectors, Rng& rng);

  Content now_;
  Content durable_;
  std::vector<Change> pending_;
  std::vector<BadRange> bad_;
};

}  // namespace lockstep::os::sim
