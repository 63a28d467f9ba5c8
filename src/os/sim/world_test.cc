#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "os/sim/sim.h"
#include "os/sim/testing.h"

namespace lockstep::os::sim {
namespace {

using namespace std::chrono_literals;

// A program that does a bit of everything until it is stopped: a journal of sorts, and a peer that it talks to.
class Program {
 public:
  explicit Program(Host& host) : host_(host), loop_(host.loop()), scope_(loop_) {}

  rt::Task<void> start(std::string peer) {
    OpenOptions options;
    options.create = Create::if_missing;
    auto file = co_await host_.files().open(loop_, "/log", options);
    if (!file) co_return;
    file_ = std::move(*file);
    Address here;
    here.host = host_.name();
    here.port = 10;
    auto listener = co_await host_.net().listen(loop_, here);
    if (listener) {
      listener_ = std::move(*listener);
      scope_.spawn(serve());
    }
    scope_.spawn(write_log());
    scope_.spawn(talk(std::move(peer)));
  }
  rt::Task<void> stop() {
    if (listener_) listener_->close();
    for (Stream* stream : streams_) stream->close();
    co_await scope_.stop_and_join();
    stopped = true;
  }

  int writes = 0, answers = 0;
  bool stopped = false;

 private:
  rt::Task<void> write_log() {
    while (!scope_.stop().requested()) {
      std::string line = "line " + std::to_string(writes) + "\n";
      std::vector<Span> parts{as_span(line)};
      auto written = co_await file_->write(file_->size(), parts);
      auto synced = co_await file_->sync();
      if (!written || !synced) co_return;
      ++writes;
      auto job = [this] { return host_.files().sync_directory("/").has_value(); };
      co_await rt::work(loop_, job);
      co_await rt::sleep_for(loop_, 1ms, scope_.stop());
    }
  }
  rt::Task<void> serve() {
    for (;;) {
      auto stream = co_await listener_->accept();
      if (!stream) co_return;
      scope_.spawn(echo(std::move(*stream)));
    }
  }
  rt::Task<void> echo(std::unique_ptr<Stream> stream) {
    streams_.push_back(stream.get());
    std::byte buffer[100];
    for (;;) {
      auto n = co_await stream->read_some(buffer);
      if (!n || *n == 0) break;
      std::vector<Span> parts{Span(buffer).first(*n)};
      if (!co_await stream->write(parts)) break;
    }
    std::erase(streams_, stream.get());
  }
  rt::Task<void> talk(std::string peer) {
    while (!scope_.stop().requested()) {
      Address there;
      there.host = peer;
      there.port = 10;
      auto stream = co_await host_.net().connect(loop_, there, 50ms);
      if (!stream) {
        co_await rt::sleep_for(loop_, 10ms, scope_.stop());
        continue;
      }
      streams_.push_back(stream->get());
      std::byte answer[5];
      for (;;) {
        std::vector<Span> parts{as_span("hello")};
        if (!co_await (*stream)->write(parts)) break;
        if (!co_await read_all(**stream, answer)) break;
        ++answers;
        co_await rt::sleep_for(loop_, 1ms, scope_.stop());
      }
      std::erase(streams_, stream->get());
    }
  }

  Host& host_;
  rt::Loop& loop_;
  rt::Scope scope_;
  std::unique_ptr<File> file_;
  std::unique_ptr<Listener> listener_;
  std::vector<Stream*> streams_;
};

struct TwoHosts {
  explicit TwoHosts(std::uint64_t seed, WorldOptions options = {})
      : world(seed, options), a(world.add_host("a")), b(world.add_host("b")) {
    start_a();
    program_b = std::make_unique<Program>(b);
    world.run(b.loop(), program_b->start("a"));
  }
  ~TwoHosts() {
    world.run(a.loop(), program_a->stop());
    world.run(b.loop(), program_b->stop());
  }
  void start_a() {
    program_a = std::make_unique<Program>(a);
    world.run(a.loop(), program_a->start("b"));
  }
  void bury_a() {
    a.finish(program_a->stop());
    program_a.reset();
    a.restart();
    start_a();
  }
  World world;
  Host &a, &b;
  std::unique_ptr<Program> program_a, program_b;
};

std::uint64_t hash_of_a_run(std::uint64_t seed) {
  TwoHosts two(seed);
  two.world.run_for(200ms);
  two.a.power_cut(Tear::any);
  two.bury_a();
  two.world.network().partition(two.a, two.b);
  two.world.run_for(100ms);
  two.world.network().heal_all();
  two.world.run_for(200ms);
  EXPECT_GT(two.program_a->writes, 10);
  EXPECT_GT(two.program_b->answers, 10);
  return two.world.event_hash();
}

TEST(World, OneSeedIsOneRun) {
  for (std::uint64_t salt = 0; salt < 5; ++salt) EXPECT_EQ(hash_of_a_run(test_seed(salt)), hash_of_a_run(test_seed(salt)));
}

TEST(World, AnotherSeedIsAnotherRun) { EXPECT_NE(hash_of_a_run(test_seed(1)), hash_of_a_run(test_seed(2))); }

TEST(World, ADeadProgramRunsToItsEndInNoTimeAndChangesNothing) {
  for (bool by_power : {false, true}) {
    TwoHosts two(test_seed());
    two.world.run_for(100ms);
    if (by_power) two.a.power_cut(Tear::any);
    else two.a.kill();
    EXPECT_FALSE(two.a.alive());
    std::uint64_t disk = two.a.disk().fingerprint();
    Instant now = two.world.now();
    int b_writes = two.program_b->writes;
    two.a.finish(two.program_a->stop());
    EXPECT_TRUE(two.program_a->stopped);
    EXPECT_EQ(two.world.now(), now);
    EXPECT_EQ(two.program_b->writes, b_writes);
    EXPECT_EQ(two.a.disk().fingerprint(), disk);
    two.program_a.reset();
    two.a.restart();
    EXPECT_TRUE(two.a.alive());
    two.start_a();
    two.world.run_for(100ms);
    EXPECT_GT(two.program_a->writes, 10);
  }
}

TEST(World, AHostThatDiesByItselfAtAnOperationIsRestartedAsAnyOther) {
  TwoHosts two(test_seed());
  two.a.disk().die_before(two.a.disk().operations() + 20);
  EXPECT_TRUE(two.world.run_until([&] { return !two.a.alive(); }, 10s));
  two.world.run_for(10ms);   // the others go on; the dead fail at everything
  two.a.power_cut(Tear::any);
  two.bury_a();
  two.world.run_for(100ms);
  EXPECT_GT(two.program_a->writes, 10);
}

TEST(World, TimeIsVirtualAndClocksDisagree) {
  World world{test_seed()};
  Host &a = world.add_host("a"), &b = world.add_host("b");
  EXPECT_NE(a.clock().now(), b.clock().now());
  Instant before = a.clock().now();
  WallTime wall = a.clock().wall();
  world.run_for(24h);
  EXPECT_EQ(a.clock().now() - before, 24h);
  a.jump_wall(-1h);
  EXPECT_EQ(a.clock().wall().us - wall.us, 23ll * 3600 * 1000 * 1000);
  EXPECT_EQ(a.clock().now() - before, 24h);
}

TEST(World, AJobRunsWholeBetweenItsCallAndItsEnd) {
  World world{test_seed()};
  Host& host = world.add_host("a");
  Instant start = host.clock().now(), inside{};
  auto run = [](Host* h, Instant* at) -> rt::Task<void> {
    auto job = [h, at] {
      CHECK(rt::Loop::current() == nullptr);
      *at = h->clock().now();
      return h->files().make_directories("/x").has_value();
    };
    EXPECT_TRUE(co_await rt::work(h->loop(), job));
  };
  world.run(host.loop(), run(&host, &inside));
  EXPECT_GE(inside, start);
  EXPECT_LE(inside, host.clock().now());
  EXPECT_GT(host.clock().now(), start);
}

TEST(World, TasksThatOnlyYieldLetTimePass) {
  World world{test_seed()};
  Host& host = world.add_host("a");
  auto spin = [](Host* h) -> rt::Task<void> {
    Instant end = h->clock().now() + 1ms;
    while (h->clock().now() < end) co_await rt::yield(h->loop());
  };
  world.run(host.loop(), spin(&host));
}

using WorldDeathTest = ::testing::Test;

TEST(WorldDeathTest, ABlockingCallOnALoopIsOurOwnMistake) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  World world{test_seed()};
  Host& host = world.add_host("a");
  auto run = [](Host* h) -> rt::Task<void> {
    ignore(h->files().make_directories("/x"), "never");
    co_return;
  };
  EXPECT_DEATH(world.run(host.loop(), run(&host)), "on_loop");
}

TEST(WorldDeathTest, DirectFilesRefuseWhatIsNotAligned) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  World world{test_seed()};
  Host& host = world.add_host("a");
  OpenOptions options;
  options.create = Create::if_missing;
  options.direct = true;
  auto file = must(host.files().open_blocking("/f", options));
  alignas(4096) static std::byte memory[8192];
  must(file->write(0_B, Span(memory).first(4096)));
  EXPECT_DEATH(ignore(file->write(512_B, Span(memory).first(4096)), ""), "4096");
  EXPECT_DEATH(ignore(file->write(0_B, Span(memory).subspan(8, 4096)), ""), "4096");
}

}  // namespace
}  // namespace lockstep::os::sim
