#include "pool/native/reader.h"

#include <algorithm>
#include <array>
#include <cstring>

namespace lockstep::pool::native {

namespace {

MutSpan block_of(MutSpan bytes, std::size_t i) { return bytes.subspan(i * block_size, block_size); }

}  // namespace

std::string Reader::where(const Source& source, Block block) const {
  auto row = core_.catalog.volumes.find(source.volume);
  std::string volume = row == core_.catalog.volumes.end() ? std::to_string(source.volume.value) : row->second.name;
  return "pool '" + core_.name + "', volume '" + volume + "'" + (source.upto == epoch_of_head ? "" : " (snapshot)") + ", offset " +
         std::to_string(offset_of(block).value);
}

Result<> Reader::from_overlay(const Source& source, Block block, MutSpan into, std::span<Slot> slots) const {
  for (std::size_t i = 0; i < slots.size(); ++i) {
    Block at{block.value + i};
    Hit hit = find(source.levels, at);
    Slot& slot = slots[i];
    if (hit.kind == Hit::Kind::none) {
      slot.state = Slot::State::lookup;
      continue;
    }
    if (core_.stopped && hit.lsn > core_.journal->durable())
      return fail(Code::io, where(source, at) + ": the pool stopped before this write was safe; restart it");
    if (hit.kind == Hit::Kind::zero) {
      settle(slot, store::Entry{.kind = store::EntryKind::zero}, false, block_of(into, i));
    } else if (hit.kind == Hit::Kind::direct) {
      slot = {Slot::State::placed, hit.place, hit.checksum};
    } else {
      std::memcpy(block_of(into, i).data(), hit.data, block_size);
      slot = {Slot::State::done, {}, hit.checksum};
      if (checksum_of(block_of(into, i)) != hit.checksum) slot.state = Slot::State::bad;
    }
  }
  return {};
}

void Reader::settle(Slot& slot, const store::Entry& entry, bool filling, MutSpan into) {
  switch (entry.kind) {
    case store::EntryKind::absent:
      if (filling) {
        slot = {Slot::State::remote, {}, {}};
        return;
      }
      [[fallthrough]];
    case store::EntryKind::zero:
      std::memset(into.data(), 0, into.size());
      slot = {Slot::State::done, {}, checksum_of_zero_block()};
      return;
    case store::EntryKind::placed: slot = {Slot::State::placed, entry.place, entry.checksum}; return;
    case store::EntryKind::bad: slot = {Slot::State::bad, entry.place, entry.checksum}; return;
    case store::EntryKind::remote: slot = {Slot::State::remote, {}, entry.checksum}; return;
  }
}

Result<bool> Reader::try_blocks(const Source& source, Block block, MutSpan into, std::span<Checksum> sums) {
  std::array<Slot, batch> slots;
  std::array<store::Entry, batch> entries;
  std::size_t count = into.size() / block_size;
  const bool filling = is_filling(source);
  for (std::size_t done = 0; done < count;) {
    std::size_t n = std::min(batch, count - done);
    Block first{block.value + done};
    MutSpan part = into.subspan(done * block_size, n * block_size);
    TRY_VOID(from_overlay(source, first, part, std::span(slots).first(n)));
    for (std::size_t i = 0; i < n;) {
      std::size_t end = i;
      while (end < n && slots[end].state == Slot::State::lookup) ++end;
      if (end == i) {
        ++i;
        continue;
      }
      TRY(bool there, core_.store->try_lookup(view_of(source), Block{first.value + i}, std::span(entries).first(end - i)));
      if (!there) return false;
      for (std::size_t j = i; j < end; ++j) settle(slots[j], entries[j - i], filling, block_of(part, j));
      i = end;
    }
    for (std::size_t i = 0; i < n;) {
      if (slots[i].state == Slot::State::bad || slots[i].state == Slot::State::remote) return false;
      if (slots[i].state == Slot::State::done) {
        ++i;
        continue;
      }
      std::size_t end = i + 1;
      while (end < n && slots[end].state == Slot::State::placed && slots[end].place.value == slots[i].place.value + (end - i)) ++end;
      TRY(bool there, core_.store->try_read_data(slots[i].place, part.subspan(i * block_size, (end - i) * block_size)));
      if (!there) return false;
      for (; i < end; ++i)
        if (checksum_of(block_of(part, i)) != slots[i].checksum) return false;   // blocks() deals with it
    }
    if (!sums.empty())
      for (std::size_t i = 0; i < n; ++i) sums[done + i] = slots[i].checksum;
    done += n;
  }
  return true;
}

rt::Task<Result<>> Reader::blocks(const Source& source, Block block, MutSpan into, std::span<Checksum> sums) {
  std::size_t count = into.size() / block_size;
  for (std::size_t done = 0; done < count;) {
    if (done > 0 && done % (4 * batch) == 0) co_await rt::yield(core_.loop);   // others wait for the loop
    std::size_t n = std::min(batch, count - done);
    Block first{block.value + done};
    MutSpan part = into.subspan(done * block_size, n * block_size);
    std::span<Checksum> sums_here;
    if (!sums.empty()) sums_here = sums.subspan(done, n);
    CO_TRY(bool there, try_blocks(source, first, part, sums_here));
    if (!there) CO_TRY_VOID(co_await one_batch(source, first, part, sums_here));
    done += n;
  }
  co_return Result<>{};
}

rt::Task<void> Reader::read_run(Place place, MutSpan into, Result<>& result) { result = co_await core_.store->read_data(place, into); }

// What could not be fetched may have come by another way meanwhile: a write, the fill, or the end of it.
rt::Task<Result<>> Reader::one_batch(const Source& source, Block block, MutSpan into, std::span<Checksum> sums) {
  std::optional<Error> missed;
  Result<> done = co_await one_round(source, block, into, sums, missed);
  if (!done && missed) done = co_await one_round(source, block, into, sums, missed);
  co_return done;
}

rt::Task<Result<>> Reader::fetch_remote(const Source& source, Block block, MutSpan into) {
  VolumeState* volume = core_.find(source.volume);
  Fetch* fetch = volume && volume->group ? volume->group->fetch : nullptr;
  const std::string what = where(source, block) + ": the block is still on another system";
  if (!fetch) co_return fail(Code::unreachable, what + ", and nothing brings it: the copy that was to do so has ended or is not running");
  Result<> fetched = co_await fetch->fetch(source.volume, block, into.size() / block_size, into);
  if (!fetched) co_return fail(fetched.error().in(what));
  co_return Result<>{};
}

rt::Task<Result<>> Reader::one_round(const Source& source, Block block, MutSpan into, std::span<Checksum> sums, std::optional<Error>& missed) {
  std::size_t n = into.size() / block_size;
  std::vector<Slot> slots(n);
  const Lsn as_of = core_.journal->appended();
  const bool filling = is_filling(source);   // as of then, too: what is looked up below may be older than the end of the fill
  // Places that commits free while we wait are not reused before we are done.
  auto guard = core_.store->begin_read();
  CO_TRY_VOID(from_overlay(source, block, into, slots));
  for (std::size_t i = 0; i < n;) {
    std::size_t end = i;
    while (end < n && slots[end].state == Slot::State::lookup) ++end;
    if (end == i) {
      ++i;
      continue;
    }
    std::vector<store::Entry> entries(end - i);
    CO_TRY_VOID(co_await core_.store->lookup(view_of(source), Block{block.value + i}, entries));
    for (std::size_t j = i; j < end; ++j) settle(slots[j], entries[j - i], filling, block_of(into, j));
    i = end;
  }
  struct Run {
    std::size_t first = 0;
    std::size_t count = 0;
    Result<> result{};
  };
  std::vector<Run> runs;
  for (std::size_t i = 0; i < n; ++i) {
    if (slots[i].state != Slot::State::placed) continue;
    if (!runs.empty() && runs.back().first + runs.back().count == i && slots[i].place.value == slots[i - 1].place.value + 1) ++runs.back().count;
    else runs.push_back(Run{i, 1, {}});
  }
  if (runs.size() == 1) {
    runs[0].result = co_await core_.store->read_data(slots[runs[0].first].place, into.subspan(runs[0].first * block_size, runs[0].count * block_size));
  } else if (!runs.empty()) {
    rt::Scope together(core_.loop);
    for (Run& run : runs)
      together.spawn(read_run(slots[run.first].place, into.subspan(run.first * block_size, run.count * block_size), run.result));
    co_await together.join();
  }
  for (const Run& run : runs) {
    const std::string why = run.result ? "bytes do not match their checksum" : run.result.error().message;
    if (!run.result && run.result.error().code == Code::io && core_.stopped) co_return fail(run.result.error());
    for (std::size_t i = run.first; i < run.first + run.count; ++i) {
      if (run.result && checksum_of(block_of(into, i)) == slots[i].checksum) continue;
      Bad bad{Block{block.value + i}, slots[i].place, slots[i].checksum, why, as_of};
      CO_TRY_VOID(co_await mend(source, std::move(bad), block_of(into, i)));
    }
  }
  for (std::size_t i = 0; i < n; ++i) {
    if (slots[i].state == Slot::State::bad) {
      Bad bad{Block{block.value + i}, slots[i].place, slots[i].checksum, "known damage", as_of};
      CO_TRY_VOID(co_await mend(source, std::move(bad), block_of(into, i)));
    }
  }
  guard.reset();   // a fetch may take long
  for (std::size_t i = 0; i < n;) {
    std::size_t end = i;
    while (end < n && slots[end].state == Slot::State::remote) ++end;
    if (end == i) {
      ++i;
      continue;
    }
    if (missed) co_return fail(*missed);
    MutSpan part = into.subspan(i * block_size, (end - i) * block_size);
    Result<> fetched = co_await fetch_remote(source, Block{block.value + i}, part);
    if (!fetched) {
      missed = fetched.error();
      co_return fetched;
    }
    for (; i < end; ++i) slots[i].checksum = checksum_of(block_of(into, i));
  }
  for (std::size_t i = 0; i < n && !sums.empty(); ++i) sums[i] = slots[i].checksum;
  co_return Result<>{};
}

Result<bool> Reader::try_bytes(const Source& source, Bytes at, MutSpan into) {
  if (into.size() > try_max) return false;
  if (at.value % block_size == 0 && into.size() % block_size == 0) return try_blocks(source, block_at(at), into, {});
  std::array<std::byte, block_size> edge;
  while (!into.empty()) {
    std::uint64_t skip = at.value % block_size;
    if (skip == 0 && into.size() >= block_size) {
      std::size_t whole = into.size() / block_size * block_size;
      TRY(bool there, try_blocks(source, block_at(at), into.first(whole), {}));
      if (!there) return false;
      at.value += whole;
      into = into.subspan(whole);
      continue;
    }
    TRY(bool there, try_blocks(source, block_at(at), edge, {}));
    if (!there) return false;
    std::size_t n = std::min<std::size_t>(block_size - skip, into.size());
    std::memcpy(into.data(), edge.data() + skip, n);
    at.value += n;
    into = into.subspan(n);
  }
  return true;
}

rt::Task<Result<>> Reader::bytes(const Source& source, Bytes at, MutSpan into) {
  std::array<std::byte, block_size> edge;
  while (!into.empty()) {
    std::uint64_t skip = at.value % block_size;
    if (skip == 0 && into.size() >= block_size) {
      std::size_t whole = into.size() / block_size * block_size;
      CO_TRY_VOID(co_await blocks(source, block_at(at), into.first(whole), {}));
      at.value += whole;
      into = into.subspan(whole);
      continue;
    }
    CO_TRY_VOID(co_await blocks(source, block_at(at), edge, {}));
    std::size_t n = std::min<std::size_t>(block_size - skip, into.size());
    std::memcpy(into.data(), edge.data() + skip, n);
    at.value += n;
    into = into.subspan(n);
  }
  co_return Result<>{};
}

}  // namespace lockstep::pool::native
