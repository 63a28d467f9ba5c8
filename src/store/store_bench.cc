// What the store costs: metadata written per byte of data, and time per operation, on a simulated disk (no time is spent waiting).
// LOCKSTEP_BENCH_FULL=1 measures 8 GiB as it is; 1 TiB is measured at a 64th of everything but the pages of SQLite.
#include <benchmark/benchmark.h>

#include <cstdlib>

#include "os/sim/rng.h"
#include "store/store_testing.h"

namespace lockstep::store {
namespace {

bool full() { return std::getenv("LOCKSTEP_BENCH_FULL") != nullptr; }

Options roomy() {
  Options options;
  options.keep_back = 1_MiB;
  options.metadata_reserve = 1_MiB;
  options.grow_step = 64_MiB;
  return options;
}

std::vector<Run> take(TestStore& s, std::uint64_t blocks) {
  while (!s.store->reserve(blocks, true)) must(s.run(s.store->room()));
  return must(s.store->allocate(blocks));
}

// One checkpoint of uniformly random 4 KiB writes, in address order at consecutive places.
void checkpoint(TestStore& s, os::sim::Rng& rng, std::uint64_t volume_blocks, std::uint64_t writes) {
  std::set<std::uint64_t> blocks;
  while (blocks.size() < writes) blocks.insert(rng.below(volume_blocks));
  auto runs = take(s, writes);
  std::size_t run = 0;
  std::uint64_t used = 0;
  Commit commit;
  for (std::uint64_t block : blocks) {
    if (used == runs[run].count) {
      ++run;
      used = 0;
    }
    commit.map.push_back(change(VolumeId{1}, Epoch{1}, block, {placed(Place{runs[run].first.value + used++}, rng.next())}));
  }
  s.commit(std::move(commit));
  s.release();
}

void metadata_per_data(benchmark::State& state, Bytes volume, Bytes delta_budget, std::uint64_t writes, std::uint64_t warm, std::uint64_t measured) {
  Options options = roomy();
  options.delta_budget = delta_budget;
  os::sim::Rng rng(1);
  os::sim::WorldOptions world;
  for (auto _ : state) {
    TestStore s(1, options);
    s.host.disk().set_capacity(Bytes{volume.value * 4});
    Commit first;
    first.catalog = {volume_row(1, volume)};
    s.commit(first);
    std::uint64_t blocks = volume.value / block_size;
    // Every leaf is there before the measuring begins.
    Commit fill;
    for (std::uint64_t leaf = 0; leaf < blocks / leaf_blocks; ++leaf) {
      std::vector<Entry> entries;
      for (const Run& run : take(s, leaf_blocks))
        for (std::uint64_t i = 0; i < run.count; ++i) entries.push_back(placed(Place{run.first.value + i}, rng.next()));
      fill.map.push_back(change(VolumeId{1}, Epoch{1}, leaf * leaf_blocks, std::move(entries)));
      if (fill.map.size() == 128) {
        s.commit(std::move(fill));
        fill = {};
        while (must(s.run(s.store->tidy()))) {
        }
      }
    }
    s.commit(std::move(fill));
    auto round = [&] {
      checkpoint(s, rng, blocks, writes);
      while (must(s.run(s.store->tidy()))) {
      }
    };
    for (std::uint64_t i = 0; i < warm; ++i) round();
    std::uint64_t before = s.store->metadata_bytes_written().value;
    auto start = std::chrono::steady_clock::now();
    for (std::uint64_t i = 0; i < measured; ++i) round();
    double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    auto data = static_cast<double>(measured * writes);
    state.counters["meta_per_data"] = static_cast<double>(s.store->metadata_bytes_written().value - before) / (data * block_size);
    state.counters["us_per_block"] = seconds / data * 1e6;
  }
}

void MetadataPerData8GiB(benchmark::State& state) {
  if (full()) metadata_per_data(state, 8_GiB, 64_MiB, 16384, 100, 200);
  else metadata_per_data(state, 128_MiB, 1_MiB, 2048, 20, 20);
}
BENCHMARK(MetadataPerData8GiB)->Iterations(1)->Unit(benchmark::kMillisecond);

void MetadataPerData1TiB(benchmark::State& state) {
  if (full()) metadata_per_data(state, 16_GiB, 1_MiB, 256, 600, 600);
  else metadata_per_data(state, 512_MiB, 32_KiB, 64, 40, 40);
}
BENCHMARK(MetadataPerData1TiB)->Iterations(1)->Unit(benchmark::kMillisecond);

void LookupOfACachedBlock(benchmark::State& state) {
  TestStore s(2, roomy());
  Commit commit;
  commit.catalog = {volume_row(1)};
  commit.map = {change(VolumeId{1}, Epoch{1}, 0, std::vector<Entry>(4096, placed(Place{1}, 7)))};
  s.commit(commit);
  std::vector<Entry> out(4096);
  must(s.run(s.store->lookup(s.head(VolumeId{1}), Block{0}, out)));
  View head = s.head(VolumeId{1});
  std::uint64_t block = 0;
  Entry one;
  for (auto _ : state) {
    block = (block + 1237) % 4096;
    benchmark::DoNotOptimize(s.store->try_lookup(head, Block{block}, {&one, 1}));
  }
}
BENCHMARK(LookupOfACachedBlock);

void ADiscardOfATebibyte(benchmark::State& state) {
  TestStore s(3, roomy());
  Commit commit;
  commit.catalog = {volume_row(1, Bytes{1ull << 40})};
  s.commit(commit);
  for (auto _ : state) {
    Commit discard;
    discard.map = {zeroes(VolumeId{1}, Epoch{1}, 0, (1ull << 40) / block_size)};
    s.commit(discard);
    while (must(s.run(s.store->tidy()))) {
    }
  }
}
BENCHMARK(ADiscardOfATebibyte)->Unit(benchmark::kMicrosecond);

void AllocatePlaces(benchmark::State& state) {
  Bitmap bitmap;
  bitmap.grow(1 << 22);
  os::sim::Rng rng(4);
  std::vector<Run> held = bitmap.allocate(3 << 20);
  std::vector<std::uint64_t> places;
  for (const Run& run : held)
    for (std::uint64_t i = 0; i < run.count; ++i) places.push_back(run.first.value + i);
  for (auto _ : state) {   // a checkpoint's worth, with as many random places given back
    for (int i = 0; i < 1024; ++i) {
      std::size_t at = rng.below(places.size());
      bitmap.clear({Place{places[at]}, 1});
      places[at] = places.back();
      places.pop_back();
    }
    for (const Run& run : bitmap.allocate(1024))
      for (std::uint64_t i = 0; i < run.count; ++i) places.push_back(run.first.value + i);
  }
  state.SetItemsProcessed(state.iterations() * 1024);
}
BENCHMARK(AllocatePlaces);

}  // namespace
}  // namespace lockstep::store
