// What a wake-up, a message and a durable write cost, with either kind of loop.
#include "os/real/real.h"

#include <benchmark/benchmark.h>
#include <sys/resource.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>

namespace lockstep::os::real {
namespace {

using namespace std::chrono_literals;

// One host, and a way to run a task on its control loop.
class World {
 public:
  explicit World(Io io, Duration busy_poll = Duration{0}) : host(options_with(io, busy_poll)) {
    directory = (std::filesystem::temp_directory_path() / "lockstep-bench-XXXXXX").string();
    CHECK(::mkdtemp(directory.data()) != nullptr);
  }
  ~World() {
    std::error_code error;
    std::filesystem::remove_all(directory, error);
  }
  void run(rt::Task<void> task) {
    rt::Scope scope(host.control_loop());
    host.control_loop().post(rt::Callback([&] { scope.spawn(finish(host, std::move(task))); }));
    host.run_control();
  }

 private:
  static RealOptions options_with(Io io, Duration busy_poll) {
    RealOptions options;
    options.io = io;
    options.busy_poll = busy_poll;
    return options;
  }
  static rt::Task<void> finish(RealHost& host, rt::Task<void> task) {
    co_await task;
    host.stop_control();
  }

 public:
  RealHost host;
  std::string directory;
};

Io io_of_run(benchmark::State& state) {
  const Io io = state.range(0) == 0 ? Io::threads : Io::uring;
  state.SetLabel(std::string(name_of(io)));
  return io;
}

Duration cpu_used() {
  rusage use{};
  ::getrusage(RUSAGE_SELF, &use);
  auto of = [](timeval t) { return std::chrono::seconds(t.tv_sec) + std::chrono::microseconds(t.tv_usec); };
  return of(use.ru_utime) + of(use.ru_stime);
}

// Counts processor time of all threads, user and system, per iteration.
class CpuPerIteration {
 public:
  explicit CpuPerIteration(benchmark::State& state) : state_(state), before_(cpu_used()) {}
  ~CpuPerIteration() {
    const double ns = static_cast<double>((cpu_used() - before_).count());
    state_.counters["cpu_ns"] = benchmark::Counter(ns, benchmark::Counter::kAvgIterations);
  }

 private:
  benchmark::State& state_;
  const Duration before_;
};

// --- one loop

rt::Task<void> yield_often(rt::Loop& loop, benchmark::State& state) {
  for (auto _ : state) co_await rt::yield(loop);
}
void Yield(benchmark::State& state) {
  World world(io_of_run(state));
  CpuPerIteration cpu(state);
  world.run(yield_often(world.host.control_loop(), state));
}
BENCHMARK(Yield)->Arg(0)->Arg(1)->UseRealTime();

rt::Task<void> sleep_often(rt::Loop& loop, benchmark::State& state) {
  rt::Stop never;
  for (auto _ : state) co_await rt::sleep_for(loop, 0ns, never);
}
void Turn(benchmark::State& state) {
  World world(io_of_run(state));
  CpuPerIteration cpu(state);
  world.run(sleep_often(world.host.control_loop(), state));
}
BENCHMARK(Turn)->Arg(0)->Arg(1)->UseRealTime();

// --- two loops

rt::Task<void> nothing() { co_return; }
rt::Task<void> cross_often(rt::Loop& other, benchmark::State& state) {
  for (auto _ : state) co_await rt::run_on(other, nothing());
}
void WakeUpRoundTrip(benchmark::State& state) {
  World world(io_of_run(state), std::chrono::microseconds(state.range(1)));
  rt::Loop& other = world.host.start_loop("other");
  CpuPerIteration cpu(state);
  world.run(cross_often(other, state));
}
BENCHMARK(WakeUpRoundTrip)->ArgsProduct({{0, 1}, {0, 50}})->ArgNames({"io", "busy_us"})->UseRealTime();

rt::Task<void> work_often(rt::Loop& loop, benchmark::State& state) {
  auto job = [] {};
  for (auto _ : state) co_await rt::work(loop, job);
}
void WorkerJob(benchmark::State& state) {
  World world(io_of_run(state));
  CpuPerIteration cpu(state);
  world.run(work_often(world.host.control_loop(), state));
}
BENCHMARK(WorkerJob)->Arg(0)->Arg(1)->UseRealTime();

// --- streams

rt::Task<void> echo_one(Listener& listener) {
  auto stream = co_await listener.accept();
  Buffer buffer(256 * 1024);
  while (true) {
    auto n = co_await (*stream)->read_some(buffer);
    if (!n || *n == 0) break;
    std::vector<Span> parts{Span(buffer).first(*n)};
    auto sent = (*stream)->try_write(parts);
    if (sent && *sent == *n) continue;
    parts = {Span(buffer).first(*n).subspan(sent.value_or(0))};
    if (!co_await (*stream)->write(std::move(parts))) break;
  }
}

// `depth` messages of `size` bytes are on their way at any time; an iteration is one message.
rt::Task<void> ask_often(World& world, Address at, std::size_t size, std::size_t depth,
                         benchmark::State& state) {
  rt::Loop& server = world.host.start_loop("server");
  auto listener = co_await rt::run_on(server, world.host.net().listen(server, at));
  rt::Scope scope(world.host.control_loop());
  auto serve = [](rt::Loop& there, Listener& on) -> rt::Task<void> {
    co_await rt::run_on(there, echo_one(on));
  };
  scope.spawn(serve(server, **listener));
  auto stream = co_await world.host.net().connect(world.host.control_loop(), (*listener)->address(), 5s);
  Buffer out(size * depth), in(size * depth);
  std::size_t left = 0;
  for (auto _ : state) {
    if (left == 0) {
      std::vector<Span> parts{out};
      ignore(co_await (*stream)->write(std::move(parts)), "shows below");
      auto back = co_await read_all(**stream, in);
      if (!back) state.SkipWithError(back.error().message.c_str());
      left = depth;
    }
    --left;
  }
  stream->reset();
  co_await scope.join();
  auto forget = [](std::unique_ptr<Listener> gone) -> rt::Task<void> {
    gone.reset();
    co_return;
  };
  co_await rt::run_on(server, forget(*std::move(listener)));
}

void EchoUnix(benchmark::State& state) {
  World world(io_of_run(state));
  Address at;
  at.path = world.directory + "/s";
  CpuPerIteration cpu(state);
  world.run(ask_often(world, at, static_cast<std::size_t>(state.range(1)),
                      static_cast<std::size_t>(state.range(2)), state));
  state.SetBytesProcessed(state.iterations() * state.range(1));
}
BENCHMARK(EchoUnix)
    ->ArgsProduct({{0, 1}, {64, 4096}, {1, 16}})
    ->ArgNames({"io", "bytes", "depth"})
    ->UseRealTime();

// --- TLS: both ends on one loop, so that what is counted is all the work there is

struct TlsEnds {
  std::unique_ptr<Stream> near, far;
};

rt::Task<void> accept_tls(World& world, Listener& listener, const TlsServer& options, TlsEnds& ends) {
  auto under = co_await listener.accept();
  auto far = co_await world.host.tls().server(*std::move(under), options);
  ends.far = *std::move(far);
}

rt::Task<void> meet(World& world, const Identity& identity, TlsEnds& ends) {
  rt::Loop& loop = world.host.control_loop();
  Address at;
  at.path = world.directory + "/s" + std::to_string(world.host.random().u64());
  auto listener = co_await world.host.net().listen(loop, at);
  TlsServer server;
  server.identity = identity;
  TlsClient client;
  client.pinned = world.host.tls().fingerprint_of(identity).value();
  rt::Scope scope(loop);
  scope.spawn(accept_tls(world, **listener, server, ends));
  auto under = co_await world.host.net().connect(loop, at, 5s);
  auto near = co_await world.host.tls().client(*std::move(under), client);
  ends.near = *std::move(near);
  co_await scope.join();
}

rt::Task<void> send_tls(Stream& stream, Span bytes, std::size_t times) {
  for (std::size_t i = 0; i < times; ++i) {
    std::vector<Span> parts{bytes};
    auto sent = co_await stream.write(std::move(parts));
    if (!sent) co_return;
  }
}

rt::Task<void> stream_tls(World& world, std::size_t size, benchmark::State& state) {
  const Identity identity = world.host.tls().make_identity("bench", {}).value();
  TlsEnds ends;
  co_await meet(world, identity, ends);
  Buffer out(size, std::byte{1}), in(size);
  for (auto _ : state) {
    rt::Scope scope(world.host.control_loop());
    scope.spawn(send_tls(*ends.near, out, 1));
    auto back = co_await read_all(*ends.far, in);
    if (!back) state.SkipWithError(back.error().message.c_str());
    co_await scope.join();
  }
}
void TlsTransfer(benchmark::State& state) {
  World world(io_of_run(state));
  CpuPerIteration cpu(state);
  world.run(stream_tls(world, static_cast<std::size_t>(state.range(1)), state));
  state.SetBytesProcessed(state.iterations() * state.range(1));
}
BENCHMARK(TlsTransfer)->ArgsProduct({{0, 1}, {4096, 1 << 20}})->ArgNames({"io", "bytes"})->UseRealTime();

rt::Task<void> shake_often(World& world, benchmark::State& state) {
  const Identity identity = world.host.tls().make_identity("bench", {}).value();
  for (auto _ : state) {
    TlsEnds ends;
    co_await meet(world, identity, ends);
  }
}
void TlsHandshake(benchmark::State& state) {
  World world(io_of_run(state));
  world.run(shake_often(world, state));
}
BENCHMARK(TlsHandshake)->Arg(0)->Arg(1)->UseRealTime();

// --- files

rt::Task<void> write_often(World& world, bool sync, benchmark::State& state) {
  OpenOptions options;
  options.create = Create::must_be_new;
  auto file = co_await world.host.files().open(world.host.control_loop(), world.directory + "/f", options);
  constexpr std::uint64_t blocks = 4096;
  Buffer block(block_size, std::byte{1}), all(blocks * block_size, std::byte{2});
  const Span whole = all, one = block;
  ignore((*file)->write_now(0_B, std::span(&whole, 1)), "shows below");
  ignore(co_await (*file)->sync(), "shows below");
  std::uint64_t at = 0;
  for (auto _ : state) {
    auto written = (*file)->write_now(Bytes{at % blocks * block_size}, std::span(&one, 1));
    if (written && sync) written = co_await (*file)->sync();
    if (!written) state.SkipWithError(written.error().message.c_str());
    ++at;
  }
}
void WriteNow(benchmark::State& state) {
  World world(io_of_run(state));
  CpuPerIteration cpu(state);
  world.run(write_often(world, false, state));
}
BENCHMARK(WriteNow)->Arg(0)->Arg(1)->UseRealTime();
void WriteNowAndSync(benchmark::State& state) {
  World world(io_of_run(state));
  CpuPerIteration cpu(state);
  world.run(write_often(world, true, state));
}
BENCHMARK(WriteNowAndSync)->Arg(0)->Arg(1)->UseRealTime();

rt::Task<void> read_often(World& world, bool direct, benchmark::State& state) {
  OpenOptions options;
  options.create = Create::must_be_new;
  options.direct = direct;
  auto file = co_await world.host.files().open(world.host.control_loop(), world.directory + "/f", options);
  constexpr std::uint64_t blocks = 4096;
  std::unique_ptr<std::byte, void (*)(void*)> memory(
      static_cast<std::byte*>(std::aligned_alloc(block_size, block_size)), &std::free);
  const MutSpan block(memory.get(), block_size);
  std::fill(block.begin(), block.end(), std::byte{3});
  for (std::uint64_t i = 0; i < blocks; ++i) {
    std::vector<Span> parts{block};
    ignore(co_await (*file)->write(Bytes{i * block_size}, std::move(parts)), "shows below");
  }
  std::uint64_t at = 0;
  for (auto _ : state) {
    auto read = co_await (*file)->read(Bytes{at * 7 % blocks * block_size}, block);
    if (!read) state.SkipWithError(read.error().message.c_str());
    ++at;
  }
}
void ReadCached(benchmark::State& state) {
  World world(io_of_run(state));
  CpuPerIteration cpu(state);
  world.run(read_often(world, false, state));
}
BENCHMARK(ReadCached)->Arg(0)->Arg(1)->UseRealTime();
void ReadDirect(benchmark::State& state) {
  World world(io_of_run(state));
  CpuPerIteration cpu(state);
  world.run(read_often(world, true, state));
}
BENCHMARK(ReadDirect)->Arg(0)->Arg(1)->UseRealTime();

}  // namespace
}  // namespace lockstep::os::real
