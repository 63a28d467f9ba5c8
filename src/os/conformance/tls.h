// What every TLS keeps: no trust without a pin or a signature, and a fingerprint for whoever showed a
// certificate.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "os/conformance/ends.h"
#include "os/conformance/world.h"

namespace lockstep::os::conformance {

OS_TEST(TlsStreams, APinnedServerIsBelievedAndDataGoesBothWays) {
  OS_MUST(Identity identity, co_await identity_for(world, "server"));
  OS_MUST(Fingerprint print, world.host().tls().fingerprint_of(identity));
  TlsClient client;
  client.pinned = print;
  OS_MUST(TlsPair both, co_await handshake(world, client, server_with(identity)));
  OS_MUST(auto near, std::move(both.client));
  OS_MUST(auto far, std::move(both.server));
  EXPECT_EQ(near->peer_fingerprint(), std::optional(print));
  EXPECT_EQ(far->peer_fingerprint(), std::nullopt);
  co_await both_ways(world.loop(), *near, *far, 4 << 20, 100'000);
  co_await both_ways(world.loop(), *near, *far, 20'000, 7);
}

OS_TEST(TlsStreams, AnotherCertificateThanThePinnedOneIsDenied) {
  OS_MUST(Identity identity, co_await identity_for(world, "server"));
  OS_MUST(Identity other, co_await identity_for(world, "server"));
  OS_MUST(Fingerprint expected, world.host().tls().fingerprint_of(other));
  OS_MUST(Fingerprint came, world.host().tls().fingerprint_of(identity));
  EXPECT_NE(expected, came);
  TlsClient client;
  client.pinned = expected;
  OS_MUST(TlsPair both, co_await handshake(world, client, server_with(identity)));
  EXPECT_FALSE(both.client.has_value());
  if (both.client) co_return;
  EXPECT_EQ(both.client.error().code, Code::denied);
  EXPECT_NE(both.client.error().message.find(hex_of(expected.bytes)), std::string::npos)
      << both.client.error().message;
  EXPECT_NE(both.client.error().message.find(hex_of(came.bytes)), std::string::npos)
      << both.client.error().message;
}

OS_TEST(TlsStreams, AClientWithoutAnythingToTrustIsRefusedBeforeItSpeaks) {
  OS_MUST(Identity identity, co_await identity_for(world, "server"));
  TlsClient trusting_nothing;
  OS_MUST(TlsPair both, co_await handshake(world, trusting_nothing, server_with(identity)));
  EXPECT_EQ(both.client.error().code, Code::invalid);
  EXPECT_FALSE(both.server.has_value());
}

OS_TEST(TlsStreams, TheClientsCertificateIsKnownByItsFingerprint) {
  OS_MUST(Identity server, co_await identity_for(world, "server"));
  OS_MUST(Identity mine, co_await identity_for(world, "client"));
  OS_MUST(Fingerprint server_print, world.host().tls().fingerprint_of(server));
  OS_MUST(Fingerprint my_print, world.host().tls().fingerprint_of(mine));
  TlsClient client;
  client.pinned = server_print;
  client.identity = mine;
  OS_MUST(TlsPair both, co_await handshake(world, client, server_with(server, true)));
  OS_MUST(auto near, std::move(both.client));
  OS_MUST(auto far, std::move(both.server));
  EXPECT_EQ(far->peer_fingerprint(), std::optional(my_print));
  co_await both_ways(world.loop(), *near, *far, 100'000, 10'000);
}

OS_TEST(TlsStreams, AClientMayShowNoCertificateWhenAsked) {
  OS_MUST(Identity server, co_await identity_for(world, "server"));
  OS_MUST(Fingerprint print, world.host().tls().fingerprint_of(server));
  TlsClient client;
  client.pinned = print;
  OS_MUST(TlsPair both, co_await handshake(world, client, server_with(server, true)));
  OS_MUST(auto near, std::move(both.client));
  OS_MUST(auto far, std::move(both.server));
  EXPECT_EQ(far->peer_fingerprint(), std::nullopt);
  co_await both_ways(world.loop(), *near, *far, 1000, 1000);
}

OS_TEST(TlsStreams, TheEndAndACloseAreToldApart) {
  OS_MUST(Identity identity, co_await identity_for(world, "server"));
  OS_MUST(Fingerprint print, world.host().tls().fingerprint_of(identity));
  TlsClient client;
  client.pinned = print;
  OS_MUST(TlsPair both, co_await handshake(world, client, server_with(identity)));
  OS_MUST(auto near, std::move(both.client));
  OS_MUST(auto far, std::move(both.server));
  Buffer back(10);
  Result<std::size_t> read = 0;
  rt::Scope scope(world.loop());
  scope.spawn(read_some_into(*near, back, read));
  rt::Stop never;
  co_await rt::sleep_for(world.loop(), std::chrono::milliseconds(2), never);
  near->close();
  co_await scope.join();
  EXPECT_EQ(read.error().code, Code::cancelled);
  OS_MUST(std::size_t n, co_await far->read_some(back));  // the other end hears of an orderly end
  EXPECT_EQ(n, 0u);
}

OS_TEST(TlsStreams, TryWriteNeverWaitsAndLosesNothing) {
  OS_MUST(Identity identity, co_await identity_for(world, "server"));
  OS_MUST(Fingerprint print, world.host().tls().fingerprint_of(identity));
  TlsClient client;
  client.pinned = print;
  OS_MUST(TlsPair both, co_await handshake(world, client, server_with(identity)));
  OS_MUST(auto near, std::move(both.client));
  OS_MUST(auto far, std::move(both.server));
  Buffer nothing_yet(10);
  OS_MUST(auto nothing, far->try_read(nothing_yet));
  EXPECT_EQ(nothing, std::nullopt);
  Buffer bytes = pattern(16 << 20), back(16 << 20);
  std::size_t sent = 0;
  while (sent < bytes.size()) {
    std::vector<Span> parts = parts_of(Span(bytes).subspan(sent), 200'000);
    OS_MUST(std::size_t n, near->try_write(parts));
    if (n == 0) break;
    sent += n;
  }
  EXPECT_GT(sent, 0u);
  Result<> rest, read;
  rt::Scope scope(world.loop());
  scope.spawn(send_all(*near, Span(bytes).subspan(sent), 64 * 1024, rest));
  scope.spawn(read_into(*far, back, read));
  co_await scope.join();
  EXPECT_TRUE(rest && read && back == bytes);
}

OS_TEST(TlsStreams, ATlsStreamMovesToAnotherLoop) {
  OS_MUST(Identity identity, co_await identity_for(world, "server"));
  OS_MUST(Fingerprint print, world.host().tls().fingerprint_of(identity));
  TlsClient client;
  client.pinned = print;
  OS_MUST(TlsPair both, co_await handshake(world, client, server_with(identity)));
  OS_MUST(auto near, std::move(both.client));
  OS_MUST(auto far, std::move(both.server));
  rt::Loop& other = world.host().start_loop("other");
  far->move_to(other);
  rt::Scope scope(world.loop());
  auto run_echo = [](rt::Loop& there, Stream& stream) -> rt::Task<void> {
    co_await rt::run_on(there, echo(stream));
  };
  scope.spawn(run_echo(other, *far));
  Buffer bytes = pattern(1 << 20, 7), echoed(1 << 20);
  Result<> sent, read;
  rt::Scope transfer(world.loop());
  transfer.spawn(send_all(*near, bytes, 50'000, sent));
  transfer.spawn(read_into(*near, echoed, read));
  co_await transfer.join();
  EXPECT_TRUE(sent && read && echoed == bytes);
  near.reset();
  co_await scope.join();
  co_await rt::run_on(other, end_stream(std::move(far)));
  world.host().end_loop(other);
}

OS_TEST(TlsStreams, AnIdentityThatIsNoneIsInvalid) {
  Identity broken;
  broken.certificate_pem = "no certificate";
  broken.key_pem = "no key";
  EXPECT_EQ(world.host().tls().fingerprint_of(broken).error().code, Code::invalid);
  OS_MUST(Pair pair, co_await connect_pair(world, world.anywhere()));
  auto refused = co_await world.host().tls().server(std::move(pair.far), server_with(broken));
  EXPECT_EQ(refused.error().code, Code::invalid);
}

}  // namespace lockstep::os::conformance
