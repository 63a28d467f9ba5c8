// What a 4 KiB operation costs in the pool, on this machine: the loop's share, without NBD.
#include <benchmark/benchmark.h>

#include <filesystem>
#include <future>

#include "os/real/real.h"
#include "pool/pool.h"

namespace lockstep::pool {
namespace {

constexpr std::uint64_t volume_size = 1 << 30;

template <class T>
T must(Result<T> result) {
  if (!result) {
    std::fprintf(stderr, "pool_bench: %s\n", result.error().message.c_str());
    std::abort();
  }
  if constexpr (!std::is_void_v<T>) return *std::move(result);
}

// One pool on this machine, and tasks run on its loop from the benchmark's thread.
class Rig {
 public:
  Rig() {
    const char* directory = std::getenv("LOCKSTEP_BENCH_DIR");
    path_ = (directory ? std::filesystem::path(directory) : std::filesystem::temp_directory_path()) / "lockstep-pool-bench";
    std::filesystem::remove_all(path_);
    run(open(this));
  }
  ~Rig() {
    run(close(this));
    host_->end_loop(*loop_);
    std::filesystem::remove_all(path_);
  }
  void run(rt::Task<void> task) {
    std::promise<void> ended;
    loop_->post(rt::Callback([this, &ended, task = std::move(task)]() mutable { scope_->spawn(then(std::move(task), &ended)); }));
    ended.get_future().wait();
  }
  Pool& pool() { return *pool_; }
  Volume& volume() { return *volume_; }
  rt::Loop& loop() { return *loop_; }

 private:
  static rt::Task<void> then(rt::Task<void> task, std::promise<void>* ended) {
    co_await task;
    ended->set_value();
  }
  static rt::Task<void> open(Rig* self) {
    std::string path = self->path_.string();
    Options options;
    auto opened = co_await open_native(*self->host_, *self->loop_, path, "bench", options, true);
    self->pool_ = must(std::move(opened));
    auto made = co_await self->pool_->create_volume("v", Bytes{volume_size});
    self->volume_ = must(self->pool_->open_volume(must(std::move(made))));
  }
  static rt::Task<void> close(Rig* self) {
    self->volume_.reset();
    must(co_await self->pool_->close());
    self->pool_.reset();
  }
  std::filesystem::path path_;
  std::unique_ptr<os::real::RealHost> host_ = std::make_unique<os::real::RealHost>(os::real::RealOptions{});
  rt::Loop* loop_ = &host_->start_loop("bench");
  std::unique_ptr<rt::Scope> scope_ = std::make_unique<rt::Scope>(*loop_);
  std::unique_ptr<Pool> pool_;
  VolumeRef volume_;
};

std::uint64_t next_random(std::uint64_t& state) {
  state = state * 6364136223846793005ull + 1442695040888963407ull;
  return state >> 20;
}

// `batch` writes a turn, answered together; checkpoints go on behind.
rt::Task<void> write_turns(Rig* rig, benchmark::State* state, std::uint64_t batch, std::uint64_t span) {
  Buffer data(4096);
  std::uint64_t random = 1;
  for (auto& byte : data) byte = static_cast<std::byte>(next_random(random));
  std::uint64_t slow = 0;
  for (auto _ : *state) {
    Lsn last;
    for (std::uint64_t i = 0; i < batch; ++i) {
      Bytes at{next_random(random) % (span / 4096) * 4096};
      store_le(data.data(), random);
      auto quick = must(rig->volume().try_write(at, data));
      if (quick) {
        last = *quick;
      } else {
        ++slow;
        auto written = co_await rig->volume().write(at, data);
        last = must(std::move(written));
      }
    }
    must(co_await rig->volume().await_answerable(last));
  }
  state->SetItemsProcessed(static_cast<std::int64_t>(state->iterations() * batch));
  state->counters["slow"] = static_cast<double>(slow) / static_cast<double>(state->iterations() * batch);
}
void write_4k(benchmark::State& state) {
  Rig rig;
  rig.run(write_turns(&rig, &state, static_cast<std::uint64_t>(state.range(0)), static_cast<std::uint64_t>(state.range(1))));
}
BENCHMARK(write_4k)->ArgNames({"batch", "span"})->Args({1, volume_size})->Args({32, volume_size})->Args({32, 16 << 20})->UseRealTime()->MeasureProcessCPUTime();

rt::Task<void> read_turns(Rig* rig, benchmark::State* state, bool at_rest) {
  constexpr std::uint64_t span = 64 << 20;
  Buffer data(1 << 20);
  std::uint64_t random = 1;
  for (std::uint64_t at = 0; at < span; at += data.size()) {
    for (std::uint64_t i = 0; i < data.size(); i += 8) store_le(data.data() + i, next_random(random));
    // Small ones stay in the overlay until a checkpoint.
    for (std::uint64_t i = 0; i < data.size(); i += 32 << 10) {
      Span part = Span(data).subspan(i, 32 << 10);
      auto written = co_await rig->volume().write(Bytes{at + i}, part);
      must(std::move(written));
    }
  }
  if (at_rest) must(co_await rig->pool().checkpoint());
  Buffer block(4096);
  std::uint64_t slow = 0;
  for (auto _ : *state) {
    Bytes at{next_random(random) % (span / 4096) * 4096};
    if (must(rig->volume().try_read(at, block))) continue;
    ++slow;
    must(co_await rig->volume().read(at, block));
  }
  state->SetItemsProcessed(static_cast<std::int64_t>(state->iterations()));
  state->counters["slow"] = static_cast<double>(slow) / static_cast<double>(state->iterations());
}
void read_4k_from_overlay(benchmark::State& state) {
  Rig rig;
  rig.run(read_turns(&rig, &state, false));
}
void read_4k_at_rest(benchmark::State& state) {
  Rig rig;
  rig.run(read_turns(&rig, &state, true));
}
BENCHMARK(read_4k_from_overlay)->UseRealTime();
BENCHMARK(read_4k_at_rest)->UseRealTime();

rt::Task<void> write_big(Rig* rig, benchmark::State* state) {
  Buffer data(1 << 20);
  std::uint64_t random = 1, at = 0;
  for (std::uint64_t i = 0; i < data.size(); i += 8) store_le(data.data() + i, next_random(random));
  for (auto _ : *state) {
    auto written = co_await rig->volume().write(Bytes{at}, data);
    must(std::move(written));
    at = (at + data.size()) % volume_size;
  }
  state->SetBytesProcessed(static_cast<std::int64_t>(state->iterations() * data.size()));
}
void write_1_mib_in_turn(benchmark::State& state) {
  Rig rig;
  rig.run(write_big(&rig, &state));
}
BENCHMARK(write_1_mib_in_turn)->UseRealTime()->MeasureProcessCPUTime();

}  // namespace
}  // namespace lockstep::pool
