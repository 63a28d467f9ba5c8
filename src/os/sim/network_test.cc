#include "os/sim/network.h"

#include <gtest/gtest.h>

#include "os/sim/sim.h"
#include "os/sim/testing.h"

namespace lockstep::os::sim {
namespace {

using namespace std::chrono_literals;

Address address_of(std::string host, std::uint16_t port = 10) {
  Address address;
  address.host = std::move(host);
  address.port = port;
  return address;
}

struct Fixture {
  explicit Fixture(std::uint64_t salt = 0) : world(test_seed(salt)), a(world.add_host("a")), b(world.add_host("b")) {
    listener = must(world.run(b.loop(), b.net().listen(b.loop(), address_of("b"))));
  }
  Result<std::unique_ptr<Stream>> connect(Duration at_most = 5s) {
    return world.run(a.loop(), a.net().connect(a.loop(), address_of("b"), at_most));
  }
  void connect_pair() {
    near = must(connect());
    far = must(world.run(b.loop(), listener->accept()));
  }
  static rt::Task<Result<>> write_text(Stream* stream, std::string text) {
    std::vector<Span> parts{as_span(text)};
    co_return co_await stream->write(parts);
  }
  static rt::Task<Result<std::string>> read_text(Stream* stream, std::size_t size) {
    std::string text(size, '?');
    MutSpan into(reinterpret_cast<std::byte*>(text.data()), size);
    CO_TRY_VOID(co_await read_all(*stream, into));
    co_return text;
  }
  Result<> write(std::string text) { return world.run(a.loop(), write_text(near.get(), std::move(text))); }
  auto start_reading(std::size_t size) { return world.start(b.loop(), read_text(far.get(), size)); }

  World world;
  Host &a, &b;
  std::unique_ptr<Listener> listener;
  std::unique_ptr<Stream> near, far;
};

TEST(Network, BytesOfAPartitionArriveAfterItIsHealed) {
  Fixture f;
  f.connect_pair();
  f.world.network().partition(f.a, f.b);
  must(f.write("hello"));
  auto text = f.start_reading(5);
  f.world.run_for(10s);
  EXPECT_FALSE(text->has_value());
  f.world.network().heal(f.a, f.b);
  EXPECT_TRUE(f.world.run_until([&] { return text->has_value(); }, 1s));
  EXPECT_EQ(must(**text), "hello");
}

TEST(Network, APartitionThatIsTooLongBreaksTheSenderAndNotTheReader) {
  Fixture f;
  f.connect_pair();
  f.world.network().partition(f.a, f.b);
  must(f.write("hello"));
  auto text = f.start_reading(5);
  f.world.run_for(200s);
  EXPECT_EQ(f.write("more").error().code, Code::timeout);
  EXPECT_FALSE(text->has_value());   // it never sent anything: nobody told it
  f.world.network().heal_all();
  f.far->close();
  f.world.run_for(1s);
  EXPECT_EQ((**text).error().code, Code::cancelled);
}

TEST(Network, AOneWayCutStopsOneWay) {
  Fixture f;
  f.connect_pair();
  f.world.network().cut(f.b, f.a);
  must(f.write("hello"));
  auto text = f.start_reading(5);
  f.world.run_for(1s);
  EXPECT_EQ(must(**text), "hello");
  auto answered = f.world.start(f.b.loop(), Fixture::write_text(f.far.get(), "answer"));
  auto answer = f.world.start(f.a.loop(), Fixture::read_text(f.near.get(), 6));
  f.world.run_for(1s);
  EXPECT_TRUE(answered->has_value());
  EXPECT_FALSE(answer->has_value());
  f.world.network().heal_all();
  f.world.run_for(1s);
  EXPECT_EQ(must(**answer), "answer");
}

TEST(Network, ConnectingThroughAPartitionTimesOutOrWaitsForItsEnd) {
  Fixture f;
  f.world.network().partition(f.a, f.b);
  Instant before = f.world.now();
  EXPECT_EQ(f.connect(3s).error().code, Code::timeout);
  EXPECT_GE(f.world.now() - before, 3s);
  auto late = f.world.start(f.a.loop(), f.a.net().connect(f.a.loop(), address_of("b"), 20s));
  f.world.run_for(2s);
  f.world.network().heal_all();
  f.world.run_for(15s);
  EXPECT_TRUE((**late).has_value());
}

TEST(Network, AKilledProcessEndsItsStreamsAndRefusesNewOnes) {
  bool ended = false, reset = false;
  for (std::uint64_t salt = 0; salt < 20; ++salt) {
    Fixture f(salt);
    f.connect_pair();
    auto text = f.world.start(f.a.loop(), Fixture::read_text(f.near.get(), 5));
    must(f.world.run(f.b.loop(), Fixture::write_text(f.far.get(), "hello")));
    f.b.kill();
    f.world.run_for(1s);
    ASSERT_EQ(must(**text), "hello");   // the system still sends what the process has written
    std::byte more[1];
    auto rest = f.world.run(f.a.loop(), f.near->read_some(more));
    if (rest) ended |= *rest == 0;
    else reset |= rest.error().code == Code::unreachable;
    ASSERT_EQ(f.connect().error().code, Code::unreachable);
  }
  EXPECT_TRUE(ended && reset);
}

TEST(Network, APowerCutIsSilentAndTheRestartedHostKnowsNoOldConnection) {
  Fixture f;
  f.connect_pair();
  std::byte byte[1];
  auto text = f.world.start(f.a.loop(), Fixture::read_text(f.near.get(), 5));
  f.b.power_cut(Tear::any);
  f.world.run_for(600s);
  EXPECT_FALSE(text->has_value());   // half open: nothing was sent, nothing was heard
  EXPECT_EQ(f.connect(2s).error().code, Code::timeout);
  f.listener.reset();
  f.far.reset();
  f.b.restart();
  EXPECT_EQ(f.connect(2s).error().code, Code::unreachable);
  must(f.write("anybody there?"));
  f.world.run_for(1s);
  EXPECT_EQ((**text).error().code, Code::unreachable);
  EXPECT_EQ(f.world.run(f.a.loop(), f.near->read_some(byte)).error().code, Code::unreachable);
}

TEST(Network, AResetIsHeardByBothEnds) {
  Fixture f;
  f.connect_pair();
  auto text = f.start_reading(5);
  f.world.network().reset_connections(f.a, f.b);
  EXPECT_EQ(f.write("x").error().code, Code::unreachable);
  f.world.run_for(1s);
  EXPECT_EQ((**text).error().code, Code::unreachable);
}

TEST(Network, ASilentConnectionBreaksOnlyForWhomItMatters) {
  Fixture f;
  f.connect_pair();
  f.world.network().go_silent(f.a, f.b);
  must(f.write("x"));
  EXPECT_TRUE(f.connect().has_value());
  f.world.run_for(100s);
  EXPECT_EQ(f.write("y").error().code, Code::timeout);
}

TEST(Network, ADelayIsAddedToEveryPiece) {
  Fixture f;
  f.connect_pair();
  f.world.network().delay(f.a, f.b, 500ms);
  Instant before = f.world.now();
  must(f.write("x"));
  auto text = f.start_reading(1);
  EXPECT_TRUE(f.world.run_until([&] { return text->has_value(); }, 10s));
  EXPECT_GE(f.world.now() - before, 500ms);
}

TEST(Network, EverythingOfADeadHostIsCancelled) {
  Fixture f;
  f.connect_pair();
  std::byte byte[1];
  auto accepting = f.world.start(f.b.loop(), f.listener->accept());
  auto reading = f.start_reading(1);
  auto connecting = f.world.start(f.b.loop(), f.b.net().connect(f.b.loop(), address_of("a"), 100s));
  f.world.network().partition(f.a, f.b);
  f.world.run_for(10us);
  f.b.kill();
  f.b.finish([&] { return accepting->has_value() && reading->has_value() && connecting->has_value(); });
  EXPECT_EQ((**accepting).error().code, Code::cancelled);
  EXPECT_EQ((**reading).error().code, Code::cancelled);
  EXPECT_EQ((**connecting).error().code, Code::cancelled);
  EXPECT_EQ(f.far->try_read(byte).error().code, Code::cancelled);
  auto more = f.world.start(f.b.loop(), f.b.net().connect(f.b.loop(), address_of("b"), 100s));
  f.b.finish([&] { return more->has_value(); });
  EXPECT_EQ((**more).error().code, Code::cancelled);
}

TEST(Network, ALoopbackListenerIsForItsOwnHost) {
  Fixture f;
  auto local = must(f.world.run(f.b.loop(), f.b.net().listen(f.b.loop(), address_of("127.0.0.1", 77))));
  EXPECT_TRUE(f.world.run(f.b.loop(), f.b.net().connect(f.b.loop(), address_of("localhost", 77), 1s)).has_value());
  auto remote = f.world.run(f.a.loop(), f.a.net().connect(f.a.loop(), address_of("b", 77), 1s));
  EXPECT_EQ(remote.error().code, Code::unreachable);
  auto taken = f.world.run(f.b.loop(), f.b.net().listen(f.b.loop(), address_of("b", 77)));
  EXPECT_EQ(taken.error().code, Code::busy);
}

}  // namespace
}  // namespace lockstep::os::sim
