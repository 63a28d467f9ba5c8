// Reader: bytes of a volume or of a snapshot of one: overlay layers, newest first; then the block map; then the data file; and each
// block against its checksum. Bytes that do not match are never handed out.
#pragma once

#include <span>

#include "pool/native/core.h"

namespace lockstep::pool::native {

// What is read: the head of a volume, or what it was at the end of an epoch.
struct Source {
  VolumeId volume;
  Epoch upto = epoch_of_head;
  std::vector<Level> levels;
};

class Reader {
 public:
  explicit Reader(Core& core) : core_(core) {}

  // Whole blocks, `into` is count * 4096 bytes, `sums` of `count` or empty.
  // True when everything was at hand.
  Result<bool> try_blocks(const Source& source, Block block, MutSpan into, std::span<Checksum> sums);
  rt::Task<Result<>> blocks(const Source& source, Block block, MutSpan into, std::span<Checksum> sums);

  // Any bytes. More than try_max would hold the loop too long: false.
  static constexpr std::size_t try_max = 1 << 20;
  Result<bool> try_bytes(const Source& source, Bytes at, MutSpan into);
  rt::Task<Result<>> bytes(const Source& source, Bytes at, MutSpan into);

  // The bytes of a damaged block of what a record of the journal names, from a replica. Where none has them, the record stays unreadable.
  rt::Task<Result<>> mend_record(VolumeId volume, Block block, Place place, Checksum expected, std::string what, MutSpan into);

  [[nodiscard]] static Hit find(std::span<const Level> levels, Block block) {
    for (const Level& level : levels) {
      if (level.layers->layers.empty()) continue;
      Hit hit = level.layers->find(block, level.upto);
      if (hit.kind != Hit::Kind::none) return hit;
    }
    return {};
  }

 private:
  struct Slot {
    enum class State : std::uint8_t { done, lookup, placed, bad, remote } state = State::done;
    Place place;
    Checksum checksum;
  };
  static constexpr std::size_t batch = 64;   // blocks at a time: 256 KiB

  [[nodiscard]] store::View view_of(const Source& source) const {
    return {source.volume, source.upto == epoch_of_head ? core_.catalog.epoch : source.upto};
  }
  // Fills what the overlay has in memory and says what is left to do.
  Result<> from_overlay(const Source& source, Block block, MutSpan into, std::span<Slot> slots) const;
  // `filling`: nothing is known of what has no entry.
  static void settle(Slot& slot, const store::Entry& entry, bool filling, MutSpan into);
  [[nodiscard]] bool is_filling(const Source& source) const { return source.upto == epoch_of_head && core_.is_filling(source.volume); }
  rt::Task<Result<>> one_batch(const Source& source, Block block, MutSpan into, std::span<Checksum> sums);
  // `missed`: why blocks could not be fetched; set before, none is asked for.
  rt::Task<Result<>> one_round(const Source& source, Block block, MutSpan into, std::span<Checksum> sums, std::optional<Error>& missed);
  rt::Task<Result<>> fetch_remote(const Source& source, Block block, MutSpan into);
  rt::Task<void> read_run(Place place, MutSpan into, Result<>& result);
  // mend.cc
  struct Bad {
    Block block;
    Place place;         // 0: none
    Checksum expected;
    std::string what;
    Lsn as_of;           // when it was looked up
  };
  rt::Task<Result<>> mend(const Source& source, Bad bad, MutSpan into);
  rt::Task<Result<>> fetch_copy(VolumeId volume, Bad bad, MutSpan into);
  void write_back(const Source& source, const Bad& bad, Span data);
  [[nodiscard]] std::string where(const Source& source, Block block) const;
  [[nodiscard]] std::string where(VolumeId volume, const Bad& bad, std::string_view of) const;

  Core& core_;
};

}  // namespace lockstep::pool::native
