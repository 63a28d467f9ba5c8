// What every stream keeps: order, both directions at once, and ends that are told apart.
#pragma once

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "os/conformance/ends.h"
#include "os/conformance/world.h"

namespace lockstep::os::conformance {

OS_TEST(Streams, LargeDataGoesBothWaysAtOnceOverTcp) {
  OS_MUST(Pair pair, co_await connect_pair(world, world.anywhere()));
  EXPECT_FALSE(pair.near->peer_name().empty());
  EXPECT_EQ(pair.near->peer_fingerprint(), std::nullopt);
  co_await both_ways(world.loop(), *pair.near, *pair.far, 8 << 20, 100'000);
  co_await both_ways(world.loop(), *pair.near, *pair.far, 20'000, 7);
}

OS_TEST(Streams, LargeDataGoesBothWaysAtOnceOverAUnixSocket) {
  OS_MUST(Pair pair, co_await connect_pair(world, world.unix_address("s")));
  EXPECT_TRUE(pair.far->peer_uid().has_value());
  co_await both_ways(world.loop(), *pair.near, *pair.far, 8 << 20, 1 << 20);
}

OS_TEST(Streams, TryReadAndTryWriteNeverWait) {
  OS_MUST(Pair pair, co_await connect_pair(world, world.anywhere()));
  Buffer back(100);
  OS_MUST(auto nothing, pair.far->try_read(back));
  EXPECT_EQ(nothing, std::nullopt);
  Buffer bytes = pattern(1 << 20);
  std::size_t sent = 0;
  while (true) {  // until what lies between is full
    std::vector<Span> parts{bytes};
    OS_MUST(std::size_t n, pair.near->try_write(parts));
    sent += n;
    if (n < bytes.size()) break;
  }
  EXPECT_GT(sent, 0u);
  Buffer all(sent);
  OS_MUST_VOID(co_await read_all(*pair.far, all));
  bool same = true;
  for (std::size_t i = 0; i < sent; ++i) same = same && all[i] == bytes[i % bytes.size()];
  EXPECT_TRUE(same);
}

OS_TEST(Streams, AGoneOtherEndReadsAsTheEnd) {
  OS_MUST(Pair pair, co_await connect_pair(world, world.anywhere()));
  Buffer bytes = pattern(10), back(100);
  std::vector<Span> parts{bytes};
  OS_MUST_VOID(co_await pair.far->write(parts));
  pair.far.reset();
  OS_MUST_VOID(co_await read_all(*pair.near, MutSpan(back).first(10)));
  OS_MUST(std::size_t n, co_await pair.near->read_some(back));
  EXPECT_EQ(n, 0u);
  OS_MUST(auto at_once, pair.near->try_read(back));
  EXPECT_EQ(at_once, std::optional<std::size_t>(0));
  auto rest = co_await read_all(*pair.near, back);
  EXPECT_EQ(rest.error().code, Code::unreachable);
}

OS_TEST(Streams, WritingToAGoneOtherEndIsUnreachable) {
  OS_MUST(Pair pair, co_await connect_pair(world, world.anywhere()));
  pair.far.reset();
  Buffer bytes = pattern(1 << 20);
  Result<> result;
  for (int i = 0; i < 100 && result; ++i) {
    std::vector<Span> parts{bytes};
    result = co_await pair.near->write(parts);
  }
  EXPECT_FALSE(result.has_value());
  if (!result) {
    EXPECT_EQ(result.error().code, Code::unreachable) << result.error().message;
  }
}

OS_TEST(Streams, CloseWakesAReaderAndAWriter) {
  OS_MUST(Pair pair, co_await connect_pair(world, world.anywhere()));
  Buffer back(100), much = pattern(64 << 20);
  Result<std::size_t> read = 0;
  Result<> written;
  rt::Scope scope(world.loop());
  scope.spawn(read_some_into(*pair.near, back, read));
  scope.spawn(send_all(*pair.near, much, much.size(), written));
  rt::Stop never;
  co_await rt::sleep_for(world.loop(), 5ms, never);
  EXPECT_EQ(scope.running(), 2u);
  pair.near->close();
  pair.near->close();
  co_await scope.join();
  EXPECT_EQ(read.error().code, Code::cancelled);
  EXPECT_EQ(written.error().code, Code::cancelled);
  auto later = co_await pair.near->read_some(back);
  EXPECT_EQ(later.error().code, Code::cancelled);
  std::vector<Span> parts{Span(much).first(10)};
  EXPECT_EQ(pair.near->try_write(parts).error().code, Code::cancelled);
}

OS_TEST(Streams, ConnectingWhereNobodyListensIsUnreachable) {
  auto refused = co_await world.host().net().connect(world.loop(), world.nowhere(), 5s);
  EXPECT_EQ(refused.error().code, Code::unreachable) << refused.error().message;
  EXPECT_NE(refused.error().message.find(text_of(world.nowhere())), std::string::npos)
      << refused.error().message;
  auto nobody = co_await world.host().net().connect(world.loop(), world.unix_address("nobody"), 5s);
  EXPECT_FALSE(nobody.has_value());
}

OS_TEST(Streams, AcceptAfterCloseIsCancelled) {
  OS_MUST(auto listener, co_await world.host().net().listen(world.loop(), world.anywhere()));
  EXPECT_NE(listener->address().port, 0);
  Result<std::unique_ptr<Stream>> waiting = fail(Code::io, "");
  rt::Scope scope(world.loop());
  scope.spawn(accept_into(*listener, waiting));
  co_await rt::yield(world.loop());
  listener->close();
  listener->close();
  co_await scope.join();
  EXPECT_EQ(waiting.error().code, Code::cancelled);
  auto later = co_await listener->accept();
  EXPECT_EQ(later.error().code, Code::cancelled);
}

OS_TEST(Streams, AClosedListenerRefusesAndItsAddressIsFreeAgain) {
  Net& net = world.host().net();
  OS_MUST(auto first, co_await net.listen(world.loop(), world.anywhere()));
  Address at = first->address();
  first.reset();
  auto refused = co_await net.connect(world.loop(), at, 5s);
  EXPECT_EQ(refused.error().code, Code::unreachable);
  OS_MUST(auto second, co_await net.listen(world.loop(), at));
  EXPECT_EQ(second->address(), at);

  OS_MUST(auto unix_first, co_await net.listen(world.loop(), world.unix_address("s")));
  auto taken = co_await net.listen(world.loop(), world.unix_address("s"));
  EXPECT_FALSE(taken.has_value());  // somebody accepts there
  unix_first.reset();
  OS_MUST(auto unix_second, co_await net.listen(world.loop(), world.unix_address("s")));
}

OS_TEST(Streams, AStreamMovesToAnotherLoop) {
  OS_MUST(Pair pair, co_await connect_pair(world, world.anywhere()));
  rt::Loop& other = world.host().start_loop("other");
  Buffer hello = pattern(10), back(10);
  std::vector<Span> parts{hello};
  OS_MUST_VOID(co_await pair.near->write(parts));
  OS_MUST_VOID(co_await read_all(*pair.far, back));  // in use on the first loop before it moves
  Result<std::size_t> none = 0;
  OS_MUST(auto nothing, pair.far->try_read(back));
  EXPECT_EQ(nothing, std::nullopt);

  OS_MUST_VOID(co_await pair.near->write(parts));  // arrives while nobody reads
  pair.far->move_to(other);
  Buffer bytes = pattern(1 << 20, 7), echoed(1 << 20);
  Result<> sent, read;
  rt::Scope scope(world.loop());
  auto run_echo = [](rt::Loop& there, Stream& stream) -> rt::Task<void> {
    co_await rt::run_on(there, echo(stream));
  };
  scope.spawn(run_echo(other, *pair.far));
  OS_MUST_VOID(co_await read_all(*pair.near, back));
  EXPECT_TRUE(back == hello);
  rt::Scope transfer(world.loop());
  transfer.spawn(send_all(*pair.near, bytes, 50'000, sent));
  transfer.spawn(read_into(*pair.near, echoed, read));
  co_await transfer.join();
  EXPECT_TRUE(sent && read && echoed == bytes);
  pair.near.reset();
  co_await scope.join();
  co_await rt::run_on(other, end_stream(std::move(pair.far)));
  world.host().end_loop(other);
}

inline rt::Task<void> echo_owned(std::unique_ptr<Stream> stream) { co_await echo(*stream); }

inline rt::Task<void> serve_echo(Listener& listener, rt::Scope& sessions) {
  while (true) {
    auto stream = co_await listener.accept();
    if (!stream) co_return;
    sessions.spawn(echo_owned(*std::move(stream)));
  }
}

inline rt::Task<void> ask_echo(TestWorld& world, Address at, unsigned seed, int& good) {
  auto stream = co_await world.host().net().connect(world.loop(), at, 10s);
  EXPECT_TRUE(stream.has_value()) << stream.error().message;
  if (!stream) co_return;
  for (unsigned round = 0; round < 5; ++round) {
    Buffer bytes = pattern(1000 + seed, seed + round), back(1000 + seed);
    std::vector<Span> parts = parts_of(bytes, 333);
    auto sent = co_await (*stream)->write(parts);
    auto read = co_await read_all(**stream, back);
    if (sent && read && back == bytes) ++good;
  }
}

OS_TEST(Streams, ManyStreamsAtOnceDoNotMixUp) {
  OS_MUST(auto listener, co_await world.host().net().listen(world.loop(), world.anywhere()));
  rt::Scope server(world.loop()), clients(world.loop());
  server.spawn(serve_echo(*listener, server));
  int good = 0;
  for (unsigned i = 0; i < 100; ++i) clients.spawn(ask_echo(world, listener->address(), i, good));
  co_await clients.join();
  listener->close();
  co_await server.join();
  EXPECT_EQ(good, 500);
}

inline rt::Task<void> count_turns(rt::Loop& loop, rt::Stop& stop, int& turns) {
  while (!stop.requested()) {
    ++turns;
    co_await rt::sleep_for(loop, 0ns, stop);
  }
}

inline rt::Task<void> drain(Stream& stream, std::size_t size) {
  Buffer small(64);
  for (std::size_t left = size; left > 0;) {
    auto n = co_await stream.read_some(small);
    if (!n || *n == 0) co_return;
    left -= *n;
  }
}

OS_TEST(Streams, AReaderThatAlwaysFindsBytesLetsOthersRun) {
  OS_MUST(Pair pair, co_await connect_pair(world, world.unix_address("s")));
  Buffer much = pattern(1 << 20);
  Result<> sent;
  int turns = 0;
  rt::Stop stop;
  rt::Scope scope(world.loop()), others(world.loop());
  others.spawn(count_turns(world.loop(), stop, turns));
  scope.spawn(send_all(*pair.near, much, much.size(), sent));
  scope.spawn(drain(*pair.far, much.size()));
  co_await scope.join();
  EXPECT_GT(turns, 10);
  stop.request();
  co_await others.join();
}

}  // namespace lockstep::os::conformance
