// Two ends of one connection, and what tests make them say to each other.
#pragma once

#include <algorithm>
#include <chrono>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "os/conformance/world.h"

namespace lockstep::os::conformance {

using namespace std::chrono_literals;

inline std::vector<Span> parts_of(Span bytes, std::size_t piece) {
  std::vector<Span> parts;
  for (; !bytes.empty(); bytes = bytes.subspan(std::min(piece, bytes.size())))
    parts.push_back(bytes.first(std::min(piece, bytes.size())));
  return parts;
}

// Two ends of one connection, both on the world's loop.
struct Pair {
  std::unique_ptr<Stream> near;  // connected
  std::unique_ptr<Stream> far;   // accepted
};

inline rt::Task<void> accept_into(Listener& listener, Result<std::unique_ptr<Stream>>& into) {
  into = co_await listener.accept();
}

inline rt::Task<Result<Pair>> connect_pair(TestWorld& world, Address at) {
  Net& net = world.host().net();
  CO_TRY(auto listener, co_await net.listen(world.loop(), at));
  Result<std::unique_ptr<Stream>> accepted = fail(Code::io, "nobody was accepted");
  rt::Scope scope(world.loop());
  scope.spawn(accept_into(*listener, accepted));
  auto connected = co_await net.connect(world.loop(), listener->address(), 5s);
  if (!connected) listener->close();
  co_await scope.join();
  Pair pair;
  CO_TRY(pair.near, std::move(connected));
  CO_TRY(pair.far, std::move(accepted));
  co_return pair;
}

inline rt::Task<void> send_all(Stream& stream, Span bytes, std::size_t piece, Result<>& result) {
  std::vector<Span> parts = parts_of(bytes, piece);
  result = co_await stream.write(parts);
}

inline rt::Task<void> read_into(Stream& stream, MutSpan into, Result<>& result) {
  result = co_await read_all(stream, into);
}

// Both ends send and read at once; more than any buffer between them holds.
inline rt::Task<void> both_ways(rt::Loop& loop, Stream& a, Stream& b, std::size_t size, std::size_t piece) {
  Buffer from_a = pattern(size, 1), from_b = pattern(size, 2), at_a(size), at_b(size);
  Result<> sent_a, sent_b, read_a, read_b;
  rt::Scope scope(loop);
  scope.spawn(send_all(a, from_a, piece, sent_a));
  scope.spawn(send_all(b, from_b, piece, sent_b));
  scope.spawn(read_into(a, at_a, read_a));
  scope.spawn(read_into(b, at_b, read_b));
  co_await scope.join();
  EXPECT_TRUE(sent_a && sent_b && read_a && read_b);
  EXPECT_TRUE(at_b == from_a);
  EXPECT_TRUE(at_a == from_b);
}

inline rt::Task<void> read_some_into(Stream& stream, MutSpan into, Result<std::size_t>& result) {
  result = co_await stream.read_some(into);
}

// Answers every byte it reads until the end, on the loop that it is started on.
inline rt::Task<void> echo(Stream& stream) {
  Buffer buffer(64 * 1024);
  while (true) {
    auto n = co_await stream.read_some(buffer);
    if (!n || *n == 0) co_return;
    std::vector<Span> parts{Span(buffer).first(*n)};
    auto sent = co_await stream.write(parts);
    if (!sent) co_return;
  }
}

inline rt::Task<void> end_stream(std::unique_ptr<Stream> stream) {
  stream.reset();
  co_return;
}

// --- TLS

inline rt::Task<Result<Identity>> identity_for(TestWorld& world, std::string name) {
  auto job = [&world, name] {
    std::vector<std::string> names{name, "127.0.0.1"};
    return world.host().tls().make_identity(name, names);
  };
  auto identity = co_await on_worker(world, job);
  co_return identity;
}

inline rt::Task<void> serve_tls(TestWorld& world, std::unique_ptr<Stream> under, TlsServer options,
                                Result<std::unique_ptr<Stream>>& into) {
  into = co_await world.host().tls().server(std::move(under), options);
}

// Both outcomes of one handshake.
struct TlsPair {
  Result<std::unique_ptr<Stream>> client = fail(Code::io, "no handshake");
  Result<std::unique_ptr<Stream>> server = fail(Code::io, "no handshake");
};

inline rt::Task<Result<TlsPair>> handshake(TestWorld& world, TlsClient client, TlsServer server) {
  CO_TRY(Pair pair, co_await connect_pair(world, world.anywhere()));
  TlsPair both;
  rt::Scope scope(world.loop());
  scope.spawn(serve_tls(world, std::move(pair.far), std::move(server), both.server));
  both.client = co_await world.host().tls().client(std::move(pair.near), std::move(client));
  co_await scope.join();
  co_return both;
}

inline TlsServer server_with(const Identity& identity, bool ask_client = false) {
  TlsServer options;
  options.identity = identity;
  options.ask_client = ask_client;
  return options;
}

}  // namespace lockstep::os::conformance
