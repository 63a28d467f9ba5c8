// Chunks: which chunks of the device are nobody's. Pure; guarded by its owner.
// A chunk that was given back is not handed out again before a superblock without it is durable: until then a power cut may bring back
// the file that had it.
#pragma once

#include <deque>
#include <optional>
#include <vector>

#include "pool/device/superblock.h"

namespace lockstep::pool::device {

class Chunks {
 public:
  explicit Chunks(std::uint64_t count) : taken_(count), free_(count) {}

  void mark_taken(ChunkRun run);   // at open
  // `count` chunks, after `behind` where that is free, in as few runs as come first. Nothing when there are not that many.
  std::optional<std::vector<ChunkRun>> take(std::uint64_t count, std::optional<std::uint32_t> behind);
  void untake(const std::vector<ChunkRun>& runs);                            // no superblock ever named them
  void give_back(const std::vector<ChunkRun>& runs, std::uint64_t version);  // free once that version is durable
  void saved(std::uint64_t version);

  [[nodiscard]] std::uint64_t free() const { return free_; }
  [[nodiscard]] std::uint64_t free_soon() const { return waiting_chunks_; }

 private:
  struct Waiting {
    std::uint64_t version;
    ChunkRun run;
  };
  void set(ChunkRun run, bool taken);
  std::vector<bool> taken_;
  std::uint64_t free_;
  std::deque<Waiting> waiting_;
  std::uint64_t waiting_chunks_ = 0;
};

}  // namespace lockstep::pool::device
