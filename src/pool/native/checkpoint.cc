#include "pool/native/checkpoint.h"

#include <algorithm>
#include <cstring>

namespace lockstep::pool::native {

using store::Entry;
using store::EntryKind;
using store::MapChange;

namespace {
// What goes to the data file in one turn: where free space lies in small pieces, many of them in one call.
constexpr std::uint64_t load_blocks = Buffers::size / block_size;
constexpr std::size_t load_pieces = 32;
constexpr std::uint64_t loads_in_flight = 4;
constexpr std::uint64_t look_every = 1 << 20;   // bytes
}  // namespace

Checkpointer::Checkpointer(Core& core, Admission& admission, Followers& followers)
    : core_(core),
      admission_(admission),
      followers_(followers),
      due_at_(core.options.overlay.value / 2),
      in_flight_(core.loop, loads_in_flight),
      wake_(core.loop),
      tidy_wake_(core.loop) {}

void Checkpointer::start() {
  core_.on_growth = [this] {
    if (due_) return;
    const std::uint64_t grown = core_.overlay->bytes().value;
    if (grown < due_at_) {
      // Claims on the journal are looked at now and then: each look costs a few searches.
      if (grown >= looked_at_ && grown < looked_at_ + look_every) return;
      looked_at_ = grown;
      if (!followers_.over_budget()) return;
    }
    due_ = true;
    wake_.wake_all();
  };
  core_.want_checkpoint = [this] {
    due_ = true;
    wake_.wake_all();
  };
  core_.checkpoint_now = [this] { return now(); };
  // What is overwritten in the overlay frees its old place; what was deleted, all that only it held; a target that came further, what
  // only the records that it has now name.
  core_.checkpoint_frees = [this] { return !core_.overlay->empty() || !core_.unfolded.empty() || followers_.moved(); };
  core_.scope.spawn(run());
  core_.scope.spawn(tidy());
}

bool Checkpointer::anything() const {
  return !core_.overlay->empty() || !core_.unfolded.empty() || followers_.waiting() || followers_.moved() || core_.store->checkpoint_lsn() < core_.journal->appended();
}

rt::Task<void> Checkpointer::run() {
  rt::Stop& stop = core_.scope.stop();
  auto guard = stop.on_request([this] { wake_.wake_all(); });
  while (!stop.requested() && !core_.stopped) {
    auto timer = core_.loop.at(core_.loop.clock().now() + core_.options.checkpoint_every, [this] {
      due_ = due_ || anything();
      wake_.wake_all();
    });
    if (!due_) co_await wake_.wait();
    core_.loop.cancel(timer);
    if (!due_ || stop.requested()) continue;
    due_ = false;
    std::uint64_t number = ++began_;
    auto done = co_await once();
    if (!done) core_.stop(done.error().in("checkpoint"));
    ended_ = number;
    core_.changed.wake_all();
  }
  core_.changed.wake_all();
}

rt::Task<Result<>> Checkpointer::now() {
  std::uint64_t wanted = began_ + 1;
  due_ = true;
  wake_.wake_all();
  while (ended_ < wanted) {
    if (core_.stopped) co_return core_.writable();
    if (core_.scope.stop().requested()) co_return fail(Code::cancelled, "pool '" + core_.name + "' is being closed");
    co_await core_.changed.wait();
  }
  if (core_.stopped) co_return core_.writable();
  co_return Result<>{};
}

rt::Task<Result<>> Checkpointer::once() {
  const Instant began = core_.loop.clock().now();
  CO_TRY_VOID(core_.journal->push());
  const Lsn upto = core_.journal->appended();
  store::Commit commit;
  commit.checkpoint_lsn = upto;
  commit.catalog = std::exchange(core_.unfolded, {});
  add_rows(commit);
  const std::vector<const Layer*> frozen = core_.overlay->freeze(upto);
  std::set<VolumeId> alive;
  for (const auto& [id, volume] : core_.volumes) alive.insert(id);

  CO_TRY_VOID(co_await core_.make_durable(upto));

  auto job = [&frozen, &alive] { return gather(frozen, alive); };
  Gathered gathered = co_await rt::work(core_.loop, job);
  CO_TRY_VOID(co_await place(gathered, commit.map));
  CO_TRY_VOID(co_await core_.sync_data());
  CO_TRY_VOID(co_await followers_.prepare(upto, commit));
  CO_TRY_VOID(co_await core_.store->commit(std::move(commit)));

  followers_.committed();
  Bytes before = core_.overlay->bytes();
  auto dropped = core_.overlay->drop(frozen.size());
  Bytes freed = before - core_.overlay->bytes();
  core_.changed.wake_all();
  core_.scope.spawn(let_go(std::move(dropped)));

  const Lsn kept_after = followers_.trimmable(upto), released = followers_.released(upto);
  CO_TRY_VOID(co_await core_.journal->trim(kept_after, upto));
  core_.store->journal_released(released);
  followers_.forget_times(kept_after);
  admission_.drained(freed, core_.loop.clock().now() - began);
  tidy_due_ = true;
  tidy_wake_.wake_all();
  co_return Result<>{};
}

// What changed without a record of its own: positions, which move with every record of a group.
void Checkpointer::add_rows(store::Commit& commit) {
  for (const auto& [id, group] : core_.groups)
    if (group->row && group->last > core_.store->checkpoint_lsn()) commit.catalog.push_back(*group->row);
}

rt::Task<Result<>> Checkpointer::place(const Gathered& gathered, std::vector<MapChange>& map) {
  core_.store->unreserve(gathered.reserved - gathered.to_place);   // overwritten since, or zero
  std::vector<store::Run> runs;
  if (gathered.to_place > 0) {
    CO_TRY(runs, core_.store->allocate(gathered.to_place));
  }
  std::deque<Result<>> results;
  rt::Scope writes(core_.loop);
  std::size_t run = 0;
  std::uint64_t used = 0;   // of runs[run]
  Load load;
  for (const Gathered::Part& part : gathered.parts) {
    map.insert(map.end(), part.before.begin(), part.before.end());
    for (Block block : part.zeroes) map.push_back(MapChange{.volume = part.volume, .epoch = part.epoch, .block = block, .entries = {}, .zero_count = 1});
    for (std::size_t i = 0; i < part.cells.size();) {
      if (used == runs[run].count) {
        ++run;
        used = 0;
      }
      if (!load.memory) {
        co_await in_flight_.take(1);
        load.memory = buffers_.take();
      }
      std::uint64_t n = std::min({load_blocks - load.blocks, runs[run].count - used, part.cells.size() - i});
      Place place{runs[run].first.value + used};
      MutSpan bytes(load.memory.get() + load.blocks * block_size, n * block_size);
      for (std::uint64_t j = 0; j < n; ++j) {
        const Cell& cell = part.cells[i + j];
        MutSpan to = bytes.subspan(j * block_size, block_size);
        std::memcpy(to.data(), cell.data, block_size);
        // What memory has spoiled since it was taken in is not made good by a new checksum.
        EntryKind kind = checksum_of(to) == cell.checksum() ? EntryKind::placed : EntryKind::bad;
        Entry entry{kind, Place{place.value + j}, cell.checksum()};
        if (j > 0 && part.cells[i + j - 1].key + 1 == cell.key) {
          map.back().entries.push_back(entry);
          continue;
        }
        map.push_back(MapChange{.volume = part.volume, .epoch = part.epoch, .block = cell.block(), .entries = {}, .zero_count = 0});
        map.back().entries.push_back(entry);
      }
      load.pieces.push_back({place, bytes});
      load.blocks += n;
      used += n;
      i += n;
      if (load.blocks < load_blocks && load.pieces.size() < load_pieces) continue;
      results.emplace_back();
      writes.spawn(write_load(std::exchange(load, {}), results.back()));
      co_await rt::yield(core_.loop);
    }
  }
  if (load.memory) {
    results.emplace_back();
    writes.spawn(write_load(std::move(load), results.back()));
  }
  co_await writes.join();
  for (Result<>& result : results) CO_TRY_VOID(std::move(result));
  co_return Result<>{};
}

rt::Task<void> Checkpointer::write_load(Load load, Result<>& result) {
  rt::Scope writes(core_.loop);
  std::vector<Result<>> results(load.pieces.size());
  for (std::size_t i = 0; i < load.pieces.size(); ++i) writes.spawn(write_piece(load.pieces[i], results[i]));
  co_await writes.join();
  for (Result<>& one : results)
    if (!one) result = std::move(one);
  buffers_.give(std::move(load.memory));
  in_flight_.give(1);
}

rt::Task<void> Checkpointer::write_piece(Piece piece, Result<>& result) {
  std::vector<Span> spans{piece.bytes};
  result = co_await core_.store->write_data(piece.place, std::move(spans));
}

// Freeing thousands of batches at once would hold the loop.
rt::Task<void> Checkpointer::let_go(std::vector<std::unique_ptr<Layer>> layers) {
  for (auto& layer : layers) {
    while (!layer->holds.empty()) {
      for (int i = 0; i < 512 && !layer->holds.empty(); ++i) layer->holds.pop_back();
      co_await rt::yield(core_.loop);
    }
    layer.reset();
  }
}

rt::Task<void> Checkpointer::tidy() {
  rt::Stop& stop = core_.scope.stop();
  auto guard = stop.on_request([this] { tidy_wake_.wake_all(); });
  while (!stop.requested() && !core_.stopped) {
    if (!tidy_due_) {
      co_await tidy_wake_.wait();
      continue;
    }
    tidy_due_ = false;
    for (bool more = true; more && !stop.requested() && !core_.stopped;) {
      auto done = co_await core_.store->tidy();
      if (!done) core_.stop(done.error().in("tidying"));
      more = done.value_or(false);
      co_await rt::yield(core_.loop);
    }
  }
}

}  // namespace lockstep::pool::native
