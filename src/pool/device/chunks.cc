#include "pool/device/chunks.h"

namespace lockstep::pool::device {

void Chunks::set(ChunkRun run, bool taken) {
  for (std::uint32_t c = run.first; c < run.first + run.count; ++c) {
    CHECK(taken_[c] != taken);
    taken_[c] = taken;
  }
  free_ = taken ? free_ - run.count : free_ + run.count;
}

void Chunks::mark_taken(ChunkRun run) { set(run, true); }

std::optional<std::vector<ChunkRun>> Chunks::take(std::uint64_t count, std::optional<std::uint32_t> behind) {
  if (count > free_) return std::nullopt;
  std::vector<ChunkRun> runs;
  auto take_from = [&](std::uint64_t at) {   // as many as are free and wanted from there on
    ChunkRun run{static_cast<std::uint32_t>(at), 0};
    while (count > 0 && at < taken_.size() && !taken_[at]) {
      ++run.count;
      ++at;
      --count;
    }
    if (run.count > 0) {
      set(run, true);
      runs.push_back(run);
    }
    return at;
  };
  if (behind) take_from(*behind);
  for (std::uint64_t at = 0; at < taken_.size() && count > 0; ++at) at = take_from(at);
  return runs;
}

void Chunks::untake(const std::vector<ChunkRun>& runs) {
  for (const ChunkRun& run : runs) set(run, false);
}

void Chunks::give_back(const std::vector<ChunkRun>& runs, std::uint64_t version) {
  for (const ChunkRun& run : runs) {
    waiting_.push_back({version, run});
    waiting_chunks_ += run.count;
  }
}

void Chunks::saved(std::uint64_t version) {
  while (!waiting_.empty() && waiting_.front().version <= version) {
    set(waiting_.front().run, false);
    waiting_chunks_ -= waiting_.front().run.count;
    waiting_.pop_front();
  }
}

}  // namespace lockstep::pool::device
