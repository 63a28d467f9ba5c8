// What an append costs: the record's share of header, copy and checksum, without a file; and with one, a
// batch at a time.
#include <benchmark/benchmark.h>

#include <filesystem>
#include <future>

#include "journal/batch.h"
#include "journal/journal.h"
#include "os/real/real.h"

namespace lockstep::journal {
namespace {

struct Block4k {
  Buffer data = Buffer(block_size, std::byte{3});
  Buffer checksums;
  Record record;
  Block4k() {
    Writer(checksums).checksum(checksum_of(data));
    record.kind = Kind::write;
    record.volume = VolumeId{1};
    record.count = 1;
    record.checksums = checksums;
    record.data = data;
  }
};

// Into memory only.
void append_4k_to_batch(benchmark::State& state) {
  Block4k block;
  auto pool = std::make_shared<SlabPool>(1 << 20, 8 << 20);
  auto batch = std::make_unique<Batch>(pool->take(), 0, Lsn{1});
  for (auto _ : state) {
    if (!batch->fits(encoded_size(block.record))) batch = std::make_unique<Batch>(pool->take(), 0, Lsn{1});
    benchmark::DoNotOptimize(batch->add(block.record));
  }
  state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations()) * 4096);
}
BENCHMARK(append_4k_to_batch);

void decode_and_verify_1_mib(benchmark::State& state) {
  Block4k block;
  auto pool = std::make_shared<SlabPool>(1 << 20, 8 << 20);
  Batch batch(pool->take(), 0, Lsn{1});
  while (batch.fits(encoded_size(block.record))) batch.add(block.record);
  BatchHeader header;
  batch.seal(header);
  for (auto _ : state) benchmark::DoNotOptimize(decode_records(header, batch.bytes(), Verify::all, nullptr));
  state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations()) *
                          static_cast<std::int64_t>(batch.length()));
}
BENCHMARK(decode_and_verify_1_mib);

// One journal on this machine, and jobs run on its loop from the benchmark's thread.
class Rig {
 public:
  explicit Rig(Options options) {
    path_ = std::filesystem::temp_directory_path() /
            ("lockstep-journal-bench-" +
             std::to_string(std::filesystem::hash_value(std::filesystem::current_path())));
    std::filesystem::remove_all(path_);
    run(open(this, options));
  }
  ~Rig() {
    run(close(this));
    host_->end_loop(*loop_);
    std::filesystem::remove_all(path_);
  }
  Journal& journal() { return *journal_; }
  rt::Loop& loop() { return *loop_; }
  // Until the task, on the loop, has ended.
  void run(rt::Task<void> task) {
    std::promise<void> ended;
    loop_->post(rt::Callback(
        [this, &ended, task = std::move(task)]() mutable { scope_->spawn(then(std::move(task), &ended)); }));
    ended.get_future().wait();
  }

 private:
  static rt::Task<void> then(rt::Task<void> task, std::promise<void>* ended) {
    co_await task;
    ended->set_value();
  }
  static rt::Task<void> open(Rig* self, Options options) {
    OnRecord ignore_it = [](const Record&) -> Result<> { return {}; };
    PoolId pool;
    pool.bytes[0] = std::byte{1};
    std::string path = self->path_.string();
    auto opened = co_await journal::open(*self->host_, *self->loop_, path, pool, options, Lsn{0}, Lsn{0},
                                         ignore_it, Believe{});
    CHECK(opened.has_value());
    self->journal_ = std::move(opened->journal);
  }
  static rt::Task<void> close(Rig* self) {
    ignore(co_await self->journal_->close(), "over");
    self->journal_.reset();
  }

  std::unique_ptr<os::Host> host_ = std::make_unique<os::real::RealHost>(os::real::RealOptions{});
  rt::Loop* loop_ = &host_->start_loop("journal");
  std::unique_ptr<rt::Scope> scope_ = std::make_unique<rt::Scope>(*loop_);
  std::unique_ptr<Journal> journal_;
  std::filesystem::path path_;
};

// One batch of range(0) records of 4 KiB per write; trimmed as it goes, so that segments are used again.
rt::Task<void> write_batches(Journal* journal, std::int64_t records, std::int64_t batches, bool commit) {
  Block4k block;
  for (std::int64_t i = 0; i < batches; ++i) {
    for (std::int64_t n = 0; n < records; ++n) CHECK(journal->append(block.record).has_value());
    CHECK(journal->push().has_value());
    if (commit) CHECK((co_await journal->commit(journal->appended())).has_value());
    if (journal->bytes_after(journal->first()) > 100_MiB) {
      CHECK((co_await journal->commit(journal->appended())).has_value());
      CHECK((co_await journal->trim(journal->appended(), journal->appended())).has_value());
    }
  }
}

void write_to_file(benchmark::State& state) {
  Options options;
  options.segment_size = 16_MiB;
  options.writeback_step = Bytes{static_cast<std::uint64_t>(state.range(1)) << 10};
  options.spare_segments = 8;
  Rig rig(options);
  for (auto _ : state) rig.run(write_batches(&rig.journal(), state.range(0), 256, false));
  state.SetItemsProcessed(static_cast<std::int64_t>(state.iterations()) * 256 * state.range(0));
}
BENCHMARK(write_to_file)
    ->ArgNames({"records", "writeback_KiB"})
    ->Args({1, 1024})
    ->Args({8, 1024})
    ->Args({32, 256})
    ->Args({32, 1024})
    ->Args({32, 4096})
    ->UseRealTime();

void commit_each_batch(benchmark::State& state) {
  Options options;
  options.segment_size = 16_MiB;
  Rig rig(options);
  for (auto _ : state) rig.run(write_batches(&rig.journal(), state.range(0), 16, true));
  state.SetItemsProcessed(static_cast<std::int64_t>(state.iterations()) * 16 * state.range(0));
}
BENCHMARK(commit_each_batch)->ArgNames({"records"})->Arg(1)->Arg(32)->UseRealTime();

}  // namespace
}  // namespace lockstep::journal
