// For tests of pools: a pool on a simulated host that can die, and patterns that tell whose bytes they are.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "os/sim/sim.h"
#include "os/sim/testing.h"
#include "pool/device/device_testing.h"
#include "pool/pool.h"

namespace lockstep::pool::testing {

using os::sim::must;
using os::sim::test_seed;

// Sizes at which a test sees many segments, checkpoints and folds.
inline Options small_options() {
  Options o;
  o.overlay = Bytes{1280 << 10};
  o.journal.segment_size = Bytes{512 << 10};
  o.journal.batch_max = Bytes{128 << 10};
  o.journal.slab = Bytes{128 << 10};
  o.journal.recent = Bytes{512 << 10};
  o.journal_budget = 4_MiB;
  o.store.leaf_cache = 4_MiB;
  o.store.delta_budget = Bytes{64 << 10};
  o.store.grow_step = 4_MiB;
  o.store.keep_back = 2_MiB;
  o.store.metadata_reserve = 4_MiB;
  return o;
}

// The same in an image file, in chunks of which a segment takes several.
inline Options image_options() {
  Options o = small_options();
  o.chunk = 64_KiB;
  return o;
}

// Bytes of one 512-byte sector that carry `tag` and where they belong. Tag 0: zeroes.
inline void fill_sector(std::uint64_t tag, std::uint64_t sector, MutSpan into) {
  for (std::size_t i = 0; i < sector_size; i += 16) {
    store_le(into.data() + i, tag);
    store_le(into.data() + i + 8, tag == 0 ? std::uint64_t{0} : sector * 64 + i);
  }
}
inline Buffer pattern(std::uint64_t tag, Bytes at, std::uint64_t length) {
  Buffer out(length);
  for (std::uint64_t i = 0; i < length; i += sector_size) fill_sector(tag, (at.value + i) / sector_size, MutSpan(out).subspan(i, sector_size));
  return out;
}
// The tag of a sector; ~0 when it is no pattern for this sector.
inline std::uint64_t tag_of(Span sector, std::uint64_t number) {
  std::uint64_t tag = load_le<std::uint64_t>(sector.data());
  Buffer expected(sector_size);
  fill_sector(tag, number, expected);
  return std::equal(expected.begin(), expected.end(), sector.begin()) ? tag : ~std::uint64_t{0};
}

class TestPool {
 public:
  explicit TestPool(os::sim::World& w, Options o = small_options(), std::string host_name = "a") : world(w), host(w.add_host(std::move(host_name))), options(std::move(o)) {
    if (options.chunk.value != 0) must(device::make_image(host.files(), "/pool", 64_MiB));
  }
  ~TestPool() {
    if (pool) die_and_stop();
  }

  Result<> open(bool create = true) {
    CHECK(!pool);
    auto opened = run(open_native(host, host.loop(), "/pool", "p", options, create));
    if (!opened) return fail(opened.error());
    pool = std::move(*opened);
    return {};
  }
  Result<> close() {
    Result<> closed = run(pool->close());
    if (closed || closed.error().code != Code::busy) pool.reset();
    return closed;
  }
  // The process dies; what it had answered is in the files.
  void kill() {
    host.kill();
    die_and_stop();
    host.restart();
  }
  void power_cut(os::sim::Tear tear = os::sim::Tear::any) {
    host.power_cut(tear);
    die_and_stop();
    host.restart();
  }
  template <class T>
  T run(rt::Task<T> task) { return world.run(host.loop(), std::move(task)); }

  VolumeRef volume(const std::string& name) { return must(pool->open_volume(pool->find_volume(name).value())); }
  // Written, answered and durable, or the error.
  Result<Lsn> write(const std::string& name, std::uint64_t tag, Bytes at, std::uint64_t length) { return run(write_task(volume(name), tag, at, length)); }
  Result<Lsn> zero(const std::string& name, Bytes at, std::uint64_t length, bool discard = false) {
    VolumeRef v = volume(name);
    return run(v->zero(at, Bytes{length}, discard));
  }
  Result<> flush(const std::string& name) {
    VolumeRef v = volume(name);
    return run(v->flush());
  }
  // The tags of all sectors in [at, at + length).
  Result<std::vector<std::uint64_t>> tags(VolumeRef v, Bytes at, std::uint64_t length) { return run(tags_task(std::move(v), at, length)); }
  std::vector<std::uint64_t> tags(const std::string& name, Bytes at, std::uint64_t length) { return must(tags(volume(name), at, length)); }

  static rt::Task<Result<Lsn>> write_task(VolumeRef v, std::uint64_t tag, Bytes at, std::uint64_t length) {
    Buffer data = pattern(tag, at, length);
    CO_TRY(auto quick, v->try_write(at, data));
    if (quick) {
      CO_TRY_VOID(co_await v->await_answerable(*quick));
      co_return *quick;
    }
    CO_TRY(Lsn lsn, co_await v->write(at, data));
    CO_TRY_VOID(co_await v->await_answerable(lsn));
    co_return lsn;
  }
  static rt::Task<Result<std::vector<std::uint64_t>>> tags_task(VolumeRef v, Bytes at, std::uint64_t length) {
    Buffer bytes(length);
    CO_TRY(bool quick, v->try_read(at, bytes));
    if (!quick) CO_TRY_VOID(co_await v->read(at, bytes));
    std::vector<std::uint64_t> out;
    for (std::uint64_t i = 0; i < length; i += sector_size)
      out.push_back(tag_of(Span(bytes).subspan(i, sector_size), (at.value + i) / sector_size));
    co_return out;
  }

  // The host is dead: what is left of its program runs to its end.
  void die_and_stop() {
    if (host.alive()) host.kill();
    if (!pool) return;
    host.finish(stop(*pool));
    pool.reset();
  }

  os::sim::World& world;
  os::sim::Host& host;
  Options options;
  std::unique_ptr<Pool> pool;

 private:
  static rt::Task<void> stop(Pool& pool) { ignore(co_await pool.close(), "the host is dead"); }
};

}  // namespace lockstep::pool::testing
