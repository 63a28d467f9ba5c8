// Rewriting: the bytes that blocks hold become records once more, between one host's write and the next.
#include "pool/native/reservation.h"
#include "pool/native/volume.h"
#include "pool/native/writer.h"

namespace lockstep::pool::native {

rt::Task<Result<Lsn>> Writer::rewrite(const NativeVolume& volume, const Source& source, Block block, std::uint64_t count, bool mending) {
  const std::uint64_t cost = Overlay::cost_of_data(count);
  Buffer bytes(count * block_size);
  std::vector<Checksum> sums(count);
  auto still = [&]() -> Result<VolumeState*> {
    VolumeState* state = mending ? core_.find(source.volume) : nullptr;
    if (!mending) return still_writable(volume, source);
    TRY_VOID(core_.writable());
    if (!state || state->row->hidden) return fail(Code::not_found, "the volume is gone");
    return state;
  };
  for (;;) {
    CO_TRY_VOID(co_await admission_.reserve(count));
    Reservation reservation(*core_.store, count);
    if (!admission_.now(cost)) CO_TRY_VOID(co_await admission_.enter(cost, Entrant::local));
    CO_TRY(VolumeState * state, still());
    // Read and appended with nothing in between; what is not at hand is brought near first.
    CO_TRY(bool there, reader_.try_blocks(source, block, bytes, sums));
    if (!there) {
      const Lsn as_of = core_.journal->appended();
      const VolumeId of = source.volume;
      CO_TRY_VOID(co_await reader_.blocks(source, block, bytes, sums));
      CO_TRY(state, still());
      bool same = of == source.volume && core_.overlay->dropped() <= as_of;
      for (std::uint64_t i = 0; i < count && same; ++i) same = Reader::find(source.levels, block + Block{i}).lsn <= as_of;
      if (!same) continue;   // overwritten meanwhile
    }
    Buffer packed(8 * count);
    for (std::uint64_t i = 0; i < count; ++i) store_le(packed.data() + 8 * i, sums[i].value);
    journal::Record record;
    record.kind = is_zero(bytes) ? journal::Kind::zero : journal::Kind::write;
    record.block = block;
    record.count = count;
    if (record.kind == journal::Kind::write) {
      record.checksums = packed;
      record.data = bytes;
      reservation.taken();
    }
    co_return core_.append_blocks(*state, record, mending);
  }
}

}  // namespace lockstep::pool::native
