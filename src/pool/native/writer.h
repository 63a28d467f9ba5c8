// Writer: from a host's bytes to records of whole blocks. Small writes go into the journal; part-blocks are merged first, through the
// old block's checksum; big ones go to new space first and only their places into the journal.
#pragma once

#include "pool/native/admission.h"
#include "pool/native/buffers.h"
#include "pool/native/core.h"
#include "pool/native/reader.h"

namespace lockstep::pool::native {

inline constexpr std::uint64_t direct_from = 64 << 10;   // bytes of whole blocks

class Writer {
 public:
  Writer(Core& core, Admission& admission, Reader& reader);

  // Whole blocks, fewer than direct_from bytes, when nothing has to be waited for.
  Result<std::optional<Lsn>> try_blocks(VolumeState& volume, Block block, Span data);

  // `volume` and `source` stay while the call lasts, but may be rebound meanwhile.
  rt::Task<Result<Lsn>> write(const NativeVolume& volume, const Source& source, Bytes at, Span data);
  rt::Task<Result<Lsn>> zero(const NativeVolume& volume, const Source& source, Bytes at, Bytes length, bool discard);

  // What the blocks hold, as records once more; fewer than direct_from bytes. rewrite.cc
  // `mending`: no part of the group's stream, whoever may write the volume.
  rt::Task<Result<Lsn>> rewrite(const NativeVolume& volume, const Source& source, Block block, std::uint64_t count, bool mending = false);

  // Data of a big write at rest, its record not appended yet.
  struct Placed {
    Buffer places;      // 8 bytes each
    Buffer checksums;   // 8 bytes each
    std::vector<store::Run> runs;
  };
  // Whole blocks to new space, for which room has been reserved. On error nothing stays allocated.
  rt::Task<Result<Placed>> place(Span data);
  void forget(const Placed& placed);

 private:
  rt::Task<Result<Lsn>> small(const NativeVolume& volume, const Source& source, Bytes at, Span data);
  rt::Task<Result<Lsn>> direct(const NativeVolume& volume, const Source& source, Block block, Span data);
  rt::Task<void> place_part(Place place, Span data, std::byte* checksums, Result<>& result);
  // Waits for space and budget. Then, with nothing waited for since, the caller appends.
  rt::Task<Result<VolumeState*>> enter(const NativeVolume& volume, const Source& source, std::uint64_t blocks, std::uint64_t cost);
  Result<VolumeState*> still_writable(const NativeVolume& volume, const Source& source);

  Core& core_;
  Admission& admission_;
  Reader& reader_;
  rt::Budget in_flight_;   // bytes of big writes on their way to the data file
  Buffers buffers_;
};

}  // namespace lockstep::pool::native
