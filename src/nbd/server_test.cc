// Listeners, limits, lists, and ends.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "nbd/testing/stage.h"

namespace lockstep::nbd {
namespace {

using namespace testing;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

Buffer page() { return Buffer(4096, std::byte{1}); }

TEST(Server, TooManyConnectionsAreClosedAtOnceAndPlacesComeFree) {
  Options options;
  options.connections_most = 2;
  Stage stage(options);
  Client one = stage.transmitting();
  {
    Client two = stage.transmitting();
    Client three = stage.connect();
    EXPECT_TRUE(three.dropped());
    EXPECT_FALSE(two.dropped());
  }
  Client four = stage.transmitting();
  EXPECT_FALSE(four.dropped());
  EXPECT_EQ(stage.server->metrics().refused_total, 1u);
}

TEST(Server, ManySessionsShareOneVolume) {
  Stage stage;
  std::vector<Client> clients;
  for (int i = 0; i < 100; ++i) clients.push_back(stage.transmitting());
  for (std::size_t i = 0; i < clients.size(); ++i) clients[i].send(Cmd::write, i, i * 4096, 4096, 0, page());
  for (std::size_t i = 0; i < clients.size(); ++i) EXPECT_EQ(clients[i].only_reply()->cookie, i);
  EXPECT_THAT(stage.server->sessions(), SizeIs(100));
}

TEST(Server, TheListNamesExportVolumePeerAndWork) {
  Stage stage;
  stage.loops.advance(std::chrono::seconds(7));
  Client client = stage.transmitting();
  client.send(Cmd::write, 1, 0, 4096, 0, page());
  client.only_reply();
  std::vector<SessionInfo> sessions = stage.server->sessions();
  ASSERT_THAT(sessions, SizeIs(1));
  EXPECT_EQ(sessions[0].export_name, "p/vol");
  EXPECT_EQ(sessions[0].peer, "client");
  EXPECT_EQ(sessions[0].since, WallTime{7'000'000});
  EXPECT_EQ(sessions[0].requests, 1u);
  EXPECT_EQ(sessions[0].written_bytes, 4_KiB);
  EXPECT_FALSE(sessions[0].read_only);
}

TEST(Server, FiguresOfEndedSessionsAreKept) {
  Stage stage;
  {
    Client client = stage.transmitting();
    client.send(Cmd::read, 1, 0, 4096);
    client.only_reply();
  }
  Metrics metrics = stage.server->metrics();
  EXPECT_EQ(metrics.sessions, 0u);
  EXPECT_EQ(metrics.sessions_total, 1u);
  EXPECT_EQ(metrics.requests_total[0], 1u);
  EXPECT_EQ(metrics.read_bytes_total, 4_KiB);
}

rt::Task<void> close_and_say(Server& server, VolumeUuid volume, bool& said) {
  co_await server.close_sessions(volume);
  said = true;
}

TEST(Server, ClosingAVolumesSessionsAnswersWhatIsInFlightAndReleasesIt) {
  Stage stage;
  auto other_volume = std::make_shared<MemoryVolume>(stage.loops.pool, "other", 1_MiB, 2);
  stage.exports.volumes["p/other"] = other_volume;
  stage.volume->hold_answers = true;
  Client client = stage.transmitting(), other = stage.transmitting(true, "p/other");
  client.send(Cmd::write, 1, 0, 4096, 0, page());
  stage.loops.settle();
  VolumeUuid uuid = stage.server->sessions().at(0).volume;
  bool closed = false;
  stage.start(close_and_say(*stage.server, uuid, closed));
  EXPECT_FALSE(closed);
  client.send(Cmd::write, 2, 0, 4096, 0, page());
  client.send(Cmd::read, 3, 0, 4096);
  std::vector<Chunk> refused = client.replies();
  ASSERT_THAT(refused, SizeIs(2));
  EXPECT_EQ(refused[0].error, Errno::eshutdown);
  EXPECT_EQ(refused[1].error, Errno::eshutdown);
  stage.loops.pool.inside([&] { stage.volume->release_answers(); });
  auto reply = client.only_reply();
  ASSERT_TRUE(reply);
  EXPECT_EQ(reply->cookie, 1u);
  EXPECT_EQ(reply->error, Errno::none);
  EXPECT_TRUE(client.dropped());
  EXPECT_TRUE(closed);
  EXPECT_EQ(stage.volume.use_count(), 2);  // the stage and its exports
  EXPECT_FALSE(other.dropped());
}

TEST(Server, StopDoesNotWaitForEverForAnswersThatDoNotCome) {
  Stage stage;
  stage.volume->hold_answers = true;
  Client client = stage.transmitting(), haggler = stage.greeted();
  client.send(Cmd::write, 1, 0, 4096, 0, page());
  stage.loops.settle();
  stage.stop();
  EXPECT_TRUE(client.dropped());
  EXPECT_TRUE(haggler.dropped());
  EXPECT_THAT(stage.server->sessions(), IsEmpty());
  EXPECT_EQ(stage.volume.use_count(), 2);
}

TEST(Server, InfoOpensAVolumeForAMomentOnly) {
  Stage stage;
  Client client = stage.greeted();
  client.ask(Opt::info, Client::info_data("p/vol"));
  EXPECT_EQ(stage.volume.use_count(), 2);
}

TEST(Server, TlsWithoutACertificateIsRefused) {
  Loops loops;
  FakeHost host(loops.clock);
  FakeExports exports(loops.pool);
  Server server(host, loops.control, exports, {});
  rt::Scope scope(loops.control);
  auto attempt = [](Server& on, bool& refused) -> rt::Task<void> {
    os::Address address;
    address.path = "/sock";
    auto listening = co_await on.listen(std::move(address), TlsPolicy::require);
    refused = !listening && listening.error().code == Code::invalid;
  };
  bool refused = false;
  loops.control.inside([&] { scope.spawn(attempt(server, refused)); });
  loops.settle();
  EXPECT_TRUE(refused);
}

}  // namespace
}  // namespace lockstep::nbd
