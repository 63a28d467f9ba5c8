#include <memory>
#include <string>
#include <vector>

#include "os/real/real_testing.h"
#include "os/real/tls_context.h"
#include "os/real/tls_session.h"
#include "os/real/tls_stream.h"

namespace lockstep::os::real {
namespace {

rt::Task<Result<conformance::TlsPair>> ca_handshake(RealWorld& world, std::string trusted, std::string name,
                                                    Identity server) {
  TlsClient client;
  client.ca_pem = std::move(trusted);
  client.server_name = std::move(name);
  TlsServer options;
  options.identity = std::move(server);
  auto both = co_await conformance::handshake(world, std::move(client), std::move(options));
  co_return both;
}

REAL_TEST(ASignedServerIsBelievedForItsNameOnly) {
  OS_MUST(Identity server, co_await conformance::identity_for(world, "array-1.example"));
  OS_MUST(Identity other, co_await conformance::identity_for(world, "array-1.example"));
  for (std::string name : {"array-1.example", "127.0.0.1"}) {
    OS_MUST(auto good, co_await ca_handshake(world, server.certificate_pem, name, server));
    EXPECT_TRUE(good.client.has_value()) << name << ": " << good.client.error().message;
  }
  OS_MUST(auto wrong_name, co_await ca_handshake(world, server.certificate_pem, "array-2.example", server));
  EXPECT_EQ(wrong_name.client.error().code, Code::denied);
  EXPECT_NE(wrong_name.client.error().message.find("mismatch"), std::string::npos)
      << wrong_name.client.error().message;
  OS_MUST(auto wrong_ca, co_await ca_handshake(world, other.certificate_pem, "array-1.example", server));
  EXPECT_EQ(wrong_ca.client.error().code, Code::denied);
  EXPECT_FALSE(wrong_ca.server.has_value());
  OS_MUST(auto no_name, co_await ca_handshake(world, server.certificate_pem, "", server));
  EXPECT_EQ(no_name.client.error().code, Code::invalid);
}

REAL_TEST(AnEndThatSpeaksNoTlsIsToldApartFromOneThatIsGone) {
  OS_MUST(Identity identity, co_await conformance::identity_for(world, "server"));
  TlsServer options;
  options.identity = identity;
  {
    OS_MUST(conformance::Pair pair, co_await conformance::connect_pair(world, world.anywhere()));
    std::vector<Span> parts{as_span("GET / HTTP/1.1\r\n\r\n")};
    OS_MUST_VOID(co_await pair.near->write(std::move(parts)));
    auto refused = co_await world.host().tls().server(std::move(pair.far), options);
    EXPECT_EQ(refused.error().code, Code::corrupt) << refused.error().message;
  }
  {
    OS_MUST(conformance::Pair pair, co_await conformance::connect_pair(world, world.anywhere()));
    pair.near.reset();
    auto refused = co_await world.host().tls().server(std::move(pair.far), options);
    EXPECT_EQ(refused.error().code, Code::unreachable) << refused.error().message;
  }
}

REAL_TEST(AHandshakeWithASilentEndIsGivenUp) {
  OS_MUST(Identity identity, co_await conformance::identity_for(world, "server"));
  TlsServer options;
  options.identity = identity;
  OS_MUST(conformance::Pair pair, co_await conformance::connect_pair(world, world.anywhere()));
  OS_MUST(SslContext context, server_context(options));
  auto verdict = std::make_unique<Verdict>();
  OS_MUST(Ssl ssl, start_server(context.get(), *verdict));
  auto session = std::make_unique<TlsSession>(std::move(ssl), std::move(verdict));
  TlsStream stream(world.loop(), std::move(pair.far), std::move(session));
  auto given_up = co_await stream.shake_hands(world.loop().clock().now() + 5ms);
  EXPECT_EQ(given_up.error().code, Code::timeout);
}

REAL_TEST(ATlsStreamThatIsCutOffIsNotTakenForItsEnd) {
  OS_MUST(Identity identity, co_await conformance::identity_for(world, "server"));
  OS_MUST(Fingerprint print, world.host().tls().fingerprint_of(identity));
  OS_MUST(conformance::Pair pair, co_await conformance::connect_pair(world, world.anywhere()));
  // A relay that the test can cut in two: client - a b - server.
  OS_MUST(conformance::Pair cut, co_await conformance::connect_pair(world, world.anywhere()));
  auto relay = [](Stream& from, Stream& to) -> rt::Task<void> {
    Buffer buffer(4096);
    while (true) {
      auto n = co_await from.read_some(buffer);
      if (!n || *n == 0) co_return;
      std::vector<Span> parts{Span(buffer).first(*n)};
      auto sent = co_await to.write(std::move(parts));
      if (!sent) co_return;
    }
  };
  rt::Scope relays(world.loop()), server(world.loop());
  relays.spawn(relay(*pair.far, *cut.near));
  relays.spawn(relay(*cut.near, *pair.far));
  TlsServer options;
  options.identity = identity;
  Result<std::unique_ptr<Stream>> served = fail(Code::io, "");
  server.spawn(conformance::serve_tls(world, std::move(cut.far), options, served));
  TlsClient client;
  client.pinned = print;
  auto connected = co_await world.host().tls().client(std::move(pair.near), client);
  co_await server.join();
  cut.near->close();
  pair.far->close();
  co_await relays.join();
  OS_MUST(auto far, std::move(served));
  Buffer back(10);
  auto read = co_await far->read_some(back);
  EXPECT_EQ(read.error().code, Code::unreachable);
  EXPECT_TRUE(connected.has_value());
}

}  // namespace
}  // namespace lockstep::os::real
