// A connection that ends while a request is out: what does no harm when it is done twice is sent once more, everything else is not.
#include "replica/peers/link.h"

#include <gtest/gtest.h>

#include "os/sim/sim.h"
#include "os/sim/testing.h"
#include "replica/wire/convert.h"

namespace lockstep::replica {
namespace {

using os::sim::must;
using os::sim::test_seed;

class Unwatched final : public LinkWatch {
 public:
  void link_changed(SystemId /*peer*/, bool /*up*/, std::string /*cause*/) override {}
};

Self make_self(os::Host& host, const std::string& name) {
  Self self;
  self.id = host.random().id<SystemId>();
  self.name = name;
  self.identity = must(host.tls().make_identity(name, {name}));
  return self;
}

// The other system: it greets whoever comes, counts what it is asked, and hangs up instead of its first answers.
struct Other {
  explicit Other(os::sim::World& world) : host(world.add_host("b")), self(make_self(host, "b")), scope(host.loop()) {
    os::Address address;
    address.host = "b";
    address.port = 7300;
    listener = must(world.run(host.loop(), host.net().listen(host.loop(), address)));
    world.run(host.loop(), begin(*this));
  }
  static rt::Task<void> begin(Other& other) {
    other.scope.spawn(accept_all(other));
    co_return;
  }
  static rt::Task<void> accept_all(Other& other) {
    for (;;) {
      auto stream = co_await other.listener->accept();
      if (!stream) break;
      other.scope.spawn(serve(other, std::move(*stream)));
    }
  }
  static rt::Task<void> serve(Other& other, std::unique_ptr<os::Stream> stream) {
    os::TlsServer options;
    options.identity = other.self.identity;
    options.ask_client = true;
    auto secure = co_await other.host.tls().server(std::move(stream), options);
    if (!secure) co_return;
    Channel channel(other.host.loop(), std::move(*secure));
    Result<Frame> hello = co_await channel.receive(FrameType::hello);
    if (!hello) co_return;
    wire::Welcome welcome;
    welcome.set_version(protocol_newest);
    welcome.set_system(bytes_of(other.self.id));
    welcome.set_system_name(other.self.name);
    Result<> said = co_await channel.send(FrameType::welcome, welcome);
    if (!said) co_return;
    for (;;) {
      Result<Frame> frame = co_await channel.receive(FrameType::request);
      if (!frame) co_return;
      wire::Request request;
      EXPECT_TRUE(parse(*frame, request).has_value());
      ++other.asked;
      if (other.hang_ups > 0) {
        --other.hang_ups;
        channel.close({Code::cancelled, "the line is cut"});
        co_return;
      }
      wire::Reply reply;
      reply.set_id(request.id());
      Result<> sent = co_await channel.send(FrameType::reply, reply);
      if (!sent) co_return;
    }
  }
  void stop(os::sim::World& world) {
    listener->close();
    world.run(host.loop(), scope.stop_and_join());
  }

  os::sim::Host& host;
  Self self;
  rt::Scope scope;
  std::unique_ptr<os::Listener> listener;
  unsigned hang_ups = 0;
  unsigned asked = 0;
};

rt::Task<void> begin(Link& link) {
  link.start();
  co_return;
}

struct Links : ::testing::Test {
  Links() : world(test_seed(5100)), other(world), host(world.add_host("a")), ground{host, host.loop(), make_self(host, "a"), {}} {
    Peer peer;
    peer.id = other.self.id;
    peer.name = "b";
    peer.addresses.push_back(other.listener->address());
    peer.fingerprint = must(other.host.tls().fingerprint_of(other.self.identity));
    link = std::make_unique<Link>(ground, std::move(peer), watch);
    world.run(host.loop(), begin(*link));
  }
  ~Links() override {
    world.run(host.loop(), link->stop());
    other.stop(world);
  }
  Result<wire::Reply> call(wire::Request request) {
    return world.run(host.loop(), link->call(std::move(request), std::chrono::seconds(20)), std::chrono::minutes(2));
  }
  os::sim::World world;
  Other other;
  os::sim::Host& host;
  Ground ground;
  Unwatched watch;
  std::unique_ptr<Link> link;
};

struct Asked {
  const char* what;
  bool repeated;   // done twice, it does no harm
  void (*put)(wire::Request& into);
};
constexpr Asked requests[] = {
    {"a step of an operation", true, [](wire::Request& into) { into.mutable_act(); }},
    {"what pools there are", true, [](wire::Request& into) { into.mutable_pools(); }},
    {"where a target stands", true, [](wire::Request& into) { into.mutable_stand(); }},
    {"a block", true, [](wire::Request& into) { into.mutable_block(); }},
    {"a new target", false, [](wire::Request& into) { into.mutable_create_target(); }},
    {"that a target goes", false, [](wire::Request& into) { into.mutable_remove_target(); }},
    {"a failover", false, [](wire::Request& into) { into.mutable_operate(); }},
    {"the use of a token", false, [](wire::Request& into) { into.mutable_use_token(); }},
};

TEST_F(Links, WhatDoesNoHarmTwiceIsSentOnceMoreWhenTheConnectionEnds) {
  for (const Asked& asked : requests) {
    SCOPED_TRACE(asked.what);
    wire::Request request;
    asked.put(request);
    other.asked = 0;
    other.hang_ups = 1;
    Result<wire::Reply> reply = call(request);
    EXPECT_EQ(reply.has_value(), asked.repeated);
    EXPECT_EQ(other.asked, asked.repeated ? 2U : 1U);
    if (!reply) {
      EXPECT_EQ(reply.error().code, Code::unreachable);
    }
    other.asked = 0;
    other.hang_ups = 0;
    EXPECT_TRUE(call(request).has_value()) << "the next connection serves";
    EXPECT_EQ(other.asked, 1U);
  }
}

TEST_F(Links, ItIsSentOnceMoreAndNoOftener) {
  other.hang_ups = 5;
  wire::Request request;
  request.mutable_act();
  Result<wire::Reply> reply = call(request);
  ASSERT_FALSE(reply.has_value());
  EXPECT_EQ(reply.error().code, Code::unreachable);
  EXPECT_EQ(other.asked, 2U);
}

}  // namespace
}  // namespace lockstep::replica
