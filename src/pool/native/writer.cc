#include "pool/native/writer.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

#include "pool/native/reservation.h"
#include "pool/native/volume.h"

namespace lockstep::pool::native {

using journal::Kind;
using journal::Record;

namespace {

void checksums_of(Span data, std::byte* into) {
  for (std::size_t i = 0; i * block_size < data.size(); ++i) store_le(into + 8 * i, checksum_of(data.subspan(i * block_size, block_size)).value);
}

}  // namespace

Writer::Writer(Core& core, Admission& admission, Reader& reader)
    : core_(core), admission_(admission), reader_(reader), in_flight_(core.loop, std::max<std::uint64_t>(core.options.overlay.value / 8, 1 << 20)) {}

Result<std::optional<Lsn>> Writer::try_blocks(VolumeState& volume, Block block, Span data) {
  std::uint64_t count = data.size() / block_size;
  if (!admission_.now(Overlay::cost_of_data(count))) return std::nullopt;
  if (!core_.store->reserve(count)) return std::nullopt;
  std::array<std::byte, direct_from / block_size * 8> sums;
  checksums_of(data, sums.data());
  Record record;
  record.kind = Kind::write;
  record.block = block;
  record.count = count;
  record.checksums = Span(sums).first(8 * count);
  record.data = data;
  TRY(Lsn lsn, core_.append_blocks(volume, record));
  return lsn;
}

Result<VolumeState*> Writer::still_writable(const NativeVolume& volume, const Source& source) {
  VolumeState* state = core_.find(source.volume);
  if (!state || !volume.writable()) {
    if (state)
      if (auto error = core_.refuses(*state)) return fail(std::move(*error));
    return fail(Code::read_only, "the volume may not be written any more");
  }
  if (state->group && state->group->acks)
    if (auto error = state->group->acks->refuses_writes()) return fail(std::move(*error));
  return state;
}

rt::Task<Result<Lsn>> Writer::write(const NativeVolume& volume, const Source& source, Bytes at, Span data) {
  std::uint64_t head = (block_size - at.value % block_size) % block_size;
  if (data.size() < direct_from + head) co_return co_await small(volume, source, at, data);
  Lsn last;
  if (head > 0) {
    CO_TRY(last, co_await small(volume, source, at, data.first(head)));
    data = data.subspan(head);
    at.value += head;
  }
  // A record's places and checksums fit in one batch.
  const std::uint64_t most = std::max<std::uint64_t>(core_.options.journal.batch_max.value / 32, direct_from / block_size) * block_size;
  while (data.size() >= direct_from) {
    std::uint64_t part = std::min<std::uint64_t>(data.size() / block_size * block_size, most);
    CO_TRY(last, co_await direct(volume, source, block_at(at), data.first(part)));
    data = data.subspan(part);
    at.value += part;
  }
  if (!data.empty()) {
    CO_TRY(last, co_await small(volume, source, at, data));
  }
  co_return last;
}

rt::Task<Result<Lsn>> Writer::small(const NativeVolume& volume, const Source& source, Bytes at, Span data) {
  const Block first = block_at(at);
  const std::uint64_t skip = at.value % block_size;
  const std::uint64_t count = blocks_in(Bytes{skip + data.size()});
  const std::uint64_t rest = count * block_size - skip - data.size();
  // Bytes behind the end of a volume are zero, now and after it has grown.
  const bool old_tail = rest > 0 && at.value + data.size() < volume.size().value;
  const bool old_head = skip > 0 && !(count == 1 && old_tail);   // one block serves both
  const std::uint64_t cost = Overlay::cost_of_data(count);

  CO_TRY_VOID(co_await admission_.reserve(count));
  Reservation reservation(*core_.store, count);

  Buffer merged;
  if (skip > 0 || rest > 0) merged.resize(count * block_size);
  MutSpan edges[2] = {old_head ? MutSpan(merged).first(block_size) : MutSpan{}, old_tail ? MutSpan(merged).last(block_size) : MutSpan{}};
  const Block edge_at[2] = {first, Block{first.value + count - 1}};

  bool entered = false;
  bool have = false;       // the old blocks are in `merged`, as of record `as_of`
  Lsn as_of;
  VolumeId of;
  for (;;) {
    if (!entered && !admission_.now(cost)) {
      CO_TRY_VOID(co_await admission_.enter(cost, Entrant::local));
      entered = true;
    }
    CO_TRY(VolumeState * state, still_writable(volume, source));
    if (have) {   // is that still what the merge must start from?
      have = of == source.volume && core_.overlay->dropped() <= as_of;
      for (int i = 0; i < 2 && have; ++i)
        if (!edges[i].empty() && Reader::find(source.levels, edge_at[i]).lsn > as_of) have = false;
    }
    if (!have && (old_head || old_tail)) {
      as_of = core_.journal->appended();
      of = source.volume;
      bool waited = false;
      for (int i = 0; i < 2; ++i) {
        if (edges[i].empty()) continue;
        CO_TRY(bool there, reader_.try_blocks(source, edge_at[i], edges[i], {}));
        if (there) continue;
        waited = true;
        CO_TRY_VOID(co_await reader_.blocks(source, edge_at[i], edges[i], {}));
      }
      have = true;
      if (waited) {
        entered = false;
        continue;
      }
    }
    Span whole = data;
    if (!merged.empty()) {
      if (rest > 0 && !old_tail) std::memset(merged.data() + skip + data.size(), 0, rest);
      std::memcpy(merged.data() + skip, data.data(), data.size());
      whole = merged;
    }
    Buffer sums(8 * count);
    checksums_of(whole, sums.data());
    Record record;
    record.kind = Kind::write;
    record.block = first;
    record.count = count;
    record.checksums = sums;
    record.data = whole;
    reservation.taken();
    co_return core_.append_blocks(*state, record);
  }
}

rt::Task<Result<Lsn>> Writer::direct(const NativeVolume& volume, const Source& source, Block block, Span data) {
  const std::uint64_t count = data.size() / block_size;
  const std::uint64_t cost = Overlay::cost_of_direct(count);
  CO_TRY_VOID(co_await admission_.reserve(count));
  CO_TRY(Placed placed, co_await place(data));
  auto give_up = [&](Error error) {
    forget(placed);
    return fail(std::move(error));
  };
  if (!admission_.now(cost)) {
    auto entered = co_await admission_.enter(cost, Entrant::local);
    if (!entered) co_return give_up(std::move(entered).error());
  }
  auto state = still_writable(volume, source);
  if (!state) co_return give_up(std::move(state).error());
  Record record;
  record.kind = Kind::direct;
  record.block = block;
  record.count = count;
  record.checksums = placed.checksums;
  record.places = placed.places;
  auto lsn = core_.append_blocks(**state, record);
  if (!lsn) co_return give_up(std::move(lsn).error());
  co_return lsn;
}

rt::Task<Result<Writer::Placed>> Writer::place(Span data) {
  constexpr std::uint64_t part_max = Buffers::size;
  const std::uint64_t count = data.size() / block_size;
  Placed placed;
  auto runs = core_.store->allocate(count);
  if (!runs) {
    core_.store->unreserve(count);
    co_return fail(std::move(runs).error());
  }
  placed.runs = std::move(*runs);
  placed.checksums.resize(8 * count);
  placed.places.reserve(8 * count);
  Writer::Placed* out = &placed;
  lockstep::Writer places(out->places);
  for (const store::Run& run : placed.runs)
    for (std::uint64_t i = 0; i < run.count; ++i) places.number(Place{run.first.value + i});

  std::deque<Result<>> results;
  rt::Scope parts(core_.loop);
  std::uint64_t done = 0;
  for (const store::Run& run : placed.runs) {
    for (std::uint64_t i = 0; i < run.count;) {
      std::uint64_t n = std::min(run.count - i, part_max / block_size);
      co_await in_flight_.take(n * block_size);
      results.emplace_back();
      parts.spawn(place_part(Place{run.first.value + i}, data.subspan(done * block_size, n * block_size), placed.checksums.data() + 8 * done, results.back()));
      i += n;
      done += n;
      if (done < count) co_await rt::yield(core_.loop);
    }
  }
  co_await parts.join();
  for (Result<>& result : results) {
    if (result) continue;
    core_.store->release_unused(placed.runs);
    co_return fail(std::move(result).error());
  }
  co_return placed;
}

rt::Task<void> Writer::place_part(Place place, Span data, std::byte* checksums, Result<>& result) {
  checksums_of(data, checksums);
  Buffers::Memory copy;
  std::vector<Span> spans{data};
  if (reinterpret_cast<std::uintptr_t>(data.data()) % block_size != 0) {
    copy = buffers_.take();
    std::memcpy(copy.get(), data.data(), data.size());
    spans[0] = Span(copy.get(), data.size());
  }
  result = co_await core_.store->write_data(place, std::move(spans));
  if (copy) buffers_.give(std::move(copy));
  in_flight_.give(data.size());
}

void Writer::forget(const Placed& placed) { core_.store->release_unused(placed.runs); }

rt::Task<Result<Lsn>> Writer::zero(const NativeVolume& volume, const Source& source, Bytes at, Bytes length, bool discard) {
  const std::uint64_t begin = at.value;
  const std::uint64_t end = at.value + length.value;
  const std::uint64_t first = blocks_in(at);   // whole blocks [first, last)
  const std::uint64_t last = end == volume.size().value ? blocks_in(volume.size()) : end / block_size;
  const Buffer zeroes(block_size);
  if (first >= last) {   // at most parts of two blocks
    Buffer all(length.value);
    co_return co_await small(volume, source, at, all);
  }
  Lsn lsn;
  if (begin < first * block_size) {
    CO_TRY(lsn, co_await small(volume, source, at, Span(zeroes).first(first * block_size - begin)));
  }
  if (last * block_size < end) {
    CO_TRY(lsn, co_await small(volume, source, Bytes{last * block_size}, Span(zeroes).first(end - last * block_size)));
  }
  if (!admission_.now(Overlay::cost_of_data(0))) CO_TRY_VOID(co_await admission_.enter(Overlay::cost_of_data(0), Entrant::local));
  CO_TRY(VolumeState * state, still_writable(volume, source));
  Record record;
  record.kind = Kind::zero;
  record.flags = discard ? journal::flag_discard : std::uint8_t{0};
  record.block = Block{first};
  record.count = last - first;
  co_return core_.append_blocks(*state, record);
}

}  // namespace lockstep::pool::native
