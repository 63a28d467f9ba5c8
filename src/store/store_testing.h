// For tests: a store on a simulated host, and short names for what tests do with it.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "os/sim/sim.h"
#include "os/sim/testing.h"
#include "store/impl.h"

namespace lockstep::store {

using os::sim::must;

class TestStore {
 public:
  explicit TestStore(std::uint64_t seed, Options options = small()) : world(seed), host(world.add_host("a")), options_(options) {
    pool_.bytes[0] = std::byte{7};
    must(world.run(host.loop(), blocking([this]() -> Result<> {
      TRY_VOID(host.files().make_directories("/pool"));
      return host.files().sync_directory("/");
    })));
    open();
  }
  ~TestStore() {
    if (store) close();
  }

  static Options small() {
    Options options;
    options.leaf_cache = 256_KiB;
    options.delta_budget = 32_KiB;
    options.grow_step = 4_MiB;
    options.capacity = 256_MiB;
    options.keep_back = 1_MiB;
    options.metadata_reserve = 1_MiB;
    options.readers = 2;
    return options;
  }

  Result<> try_open() {
    auto opened = world.run(host.loop(), store::open(host, host.loop(), "/pool", pool_, options_));
    if (!opened) return fail(opened.error());
    store = std::move(*opened);
    return {};
  }
  void open() { must(try_open()); }
  void close() {
    must(run(store->close()));
    store.reset();
  }
  void reopen() {
    close();
    open();
  }
  template <class T>
  T run(rt::Task<T> task) { return world.run(host.loop(), std::move(task)); }
  // Runs `job` as a worker job.
  rt::Task<Result<>> blocking(std::function<Result<>()> job) {
    auto awaiting = rt::work(host.loop(), std::move(job));
    co_return co_await awaiting;
  }
  Impl& impl() { return static_cast<Impl&>(*store); }

  std::vector<Entry> lookup(View view, std::uint64_t block, std::size_t count) {
    std::vector<Entry> out(count);
    must(run(store->lookup(view, Block{block}, out)));
    return out;
  }
  Entry lookup(View view, std::uint64_t block) { return lookup(view, block, 1)[0]; }
  View head(VolumeId volume) const { return {volume, store->catalog().epoch}; }

  // One place, reserved and allocated.
  Place place() {
    for (;;) {
      auto reserved = store->reserve(1, true);
      if (reserved) break;
      CHECK(reserved.error().code == Code::busy);
      must(run(store->room()));
    }
    return must(store->allocate(1))[0].first;
  }
  void tidy_all() {
    while (must(run(store->tidy()))) {
    }
  }
  void commit(Commit commit) {
    if (commit.checkpoint_lsn.value == 0) commit.checkpoint_lsn = Lsn{store->checkpoint_lsn().value + 1};
    must(run(store->commit(std::move(commit))));
  }
  void release() { store->journal_released(store->checkpoint_lsn()); }

  os::sim::World world;
  os::sim::Host& host;
  std::unique_ptr<Store> store;
  void set_pool(PoolId pool) { pool_ = pool; }
  Options& options() { return options_; }

 private:
  PoolId pool_;
  Options options_;
};

inline VolumeRow volume_row(std::uint64_t id, Bytes size = 1_GiB) {
  VolumeRow row;
  row.id = VolumeId{id};
  row.name = "v" + std::to_string(id);
  row.size = size;
  row.born = Epoch{1};
  return row;
}
inline SnapshotRow snapshot_row(std::uint64_t id, std::vector<VolumeId> volumes, Epoch epoch) {
  SnapshotRow row;
  store_le(row.id.bytes.data(), id);
  row.name = "s" + std::to_string(id);
  row.volumes = std::move(volumes);
  row.epoch = epoch;
  return row;
}
inline Entry placed(Place place, std::uint64_t sum) { return {EntryKind::placed, place, Checksum{sum}}; }
inline MapChange change(VolumeId volume, Epoch epoch, std::uint64_t block, std::vector<Entry> entries) {
  MapChange out;
  out.volume = volume;
  out.epoch = epoch;
  out.block = Block{block};
  out.entries = std::move(entries);
  return out;
}
inline MapChange zeroes(VolumeId volume, Epoch epoch, std::uint64_t block, std::uint64_t count) {
  MapChange out;
  out.volume = volume;
  out.epoch = epoch;
  out.block = Block{block};
  out.zero_count = count;
  return out;
}

}  // namespace lockstep::store
