// For tests: hosts that write to a volume, flush now and then, wait as they are paced, and note how long it took.
#pragma once

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "replica/systems/replica_testing.h"

namespace lockstep::replica::testing {

struct LoadOptions {
  unsigned hosts = 4;                    // each one request at a time
  Bytes length{4096};
  Duration think = std::chrono::milliseconds(10);  // after an answer
  unsigned flush_every = 16;             // 0: never
};

class HostLoad {
 public:
  using Options = LoadOptions;
  HostLoad(rt::Loop& loop, pool::VolumeRef volume, Options options = Options())
      : loop_(loop), volume_(std::move(volume)), options_(options), scope_(loop) {}

  // On the pool's loop.
  rt::Task<void> start() {
    for (unsigned i = 0; i < options_.hosts; ++i) scope_.spawn(host(i));
    co_return;
  }
  rt::Task<void> stop() {
    stopping_ = true;
    co_await scope_.stop_and_join();
    volume_.reset();
  }
  void set_think(Duration think) { options_.think = think; }

  Duration longest_write{0}, longest_flush{0};
  std::uint64_t bytes = 0, failures = 0, writes = 0;
  Duration paced{0};

 private:
  rt::Task<void> host(unsigned number) {
    std::uint64_t blocks = volume_->size().value / options_.length.value;
    for (std::uint64_t i = 0; !stopping_; ++i) {
      Duration wait = volume_->pace();
      paced += wait;
      if (wait > Duration{0}) {
        bool slept = co_await rt::sleep_for(loop_, wait, scope_.stop());
        if (!slept) break;
      }
      Bytes at{(i * options_.hosts + number) % blocks * options_.length.value};
      Instant begun = loop_.clock().now();
      Result<Lsn> done = co_await pool::testing::TestPool::write_task(volume_, ++tag_, at, options_.length.value);
      longest_write = std::max(longest_write, loop_.clock().now() - begun);
      ++writes;
      if (!done) ++failures;
      bytes += options_.length.value;
      bool flushes = options_.flush_every > 0 && i % options_.flush_every == options_.flush_every - 1;
      if (flushes) {
        begun = loop_.clock().now();
        Result<> flushed = co_await volume_->flush();
        longest_flush = std::max(longest_flush, loop_.clock().now() - begun);
        if (!flushed) ++failures;
      }
      Duration think = options_.think;
      bool slept = co_await rt::sleep_for(loop_, think, scope_.stop());
      if (!slept) break;
    }
  }

  rt::Loop& loop_;
  pool::VolumeRef volume_;
  Options options_;
  std::uint64_t tag_ = 0;
  bool stopping_ = false;
  rt::Scope scope_;
};

// A load on a volume of a system, from now until it goes.
struct RunningLoad {
  RunningLoad(TestSystem& system, const std::string& volume, HostLoad::Options options = HostLoad::Options())
      : system_(system), load(*system.loops[0], system.volume(volume), options) {
    system.world.run(*system.loops[0], load.start());
  }
  ~RunningLoad() { stop(); }
  void stop() {
    if (std::exchange(stopped_, true)) return;
    system_.world.run(*system_.loops[0], load.stop());
  }
  HostLoad* operator->() { return &load; }

 private:
  TestSystem& system_;
  bool stopped_ = false;

 public:
  HostLoad load;
};

}  // namespace lockstep::replica::testing
