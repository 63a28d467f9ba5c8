// Requests in pieces, in heaps, from clients that stop reading or vanish; how replies leave and sessions end.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "nbd/testing/stage.h"

namespace lockstep::nbd {
namespace {

using namespace testing;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using ::testing::UnorderedElementsAre;

TEST(Flow, BadMagicEndsThisSessionAndNoOther) {
  Stage stage;
  Client good = stage.transmitting(), bad = stage.transmitting();
  bad.send_raw(filled(28, 3));
  EXPECT_TRUE(bad.dropped());
  EXPECT_FALSE(good.dropped());
  good.send(Cmd::flush, 1, 0, 0);
  EXPECT_TRUE(good.only_reply());
}

TEST(Flow, RequestsMayArriveInPiecesOfAnySize) {
  Stage stage;
  Buffer all;
  auto add = [&all](Buffer request) { all.insert(all.end(), request.begin(), request.end()); };
  add(Client::request(Cmd::write, 1, 0, 512, 0, filled(512, 1)));
  add(Client::request(Cmd::read, 2, 4096, 512));
  add(Client::request(Cmd::write, 3, 1 << 20, 1024, 0, filled(1024, 2)));  // refused: its payload is skipped
  add(Client::request(Cmd::flush, 4, 0, 0));
  for (std::size_t piece : {1u, 7u, 27u, 28u, 29u, 100u, 541u, 4096u}) {
    Client client = stage.transmitting();
    client.wire().read_most = piece;
    client.send_raw(all);
    EXPECT_THAT(cookies(client.replies()), UnorderedElementsAre(1, 2, 3, 4)) << piece;
  }
}

TEST(Flow, WhatWasSentWholeIsDoneAndWhatWasCutIsNot) {
  Buffer one = Client::request(Cmd::write, 1, 0, 512, 0, filled(512, 1));
  Buffer both = one;
  Buffer second = Client::request(Cmd::write, 2, 4096, 512, 0, filled(512, 2));
  both.insert(both.end(), second.begin(), second.end());
  Stage stage;
  for (std::size_t n = 0; n <= both.size(); ++n) {
    Client client = stage.transmitting();
    std::uint64_t before = stage.volume->writes;
    client.send_raw(Span(both).first(n));
    client.end();
    std::vector<std::uint64_t> answered = cookies(client.replies());
    EXPECT_EQ(answered.size(), n / one.size()) << n;
    EXPECT_EQ(stage.volume->writes - before, n / one.size()) << n;
    ASSERT_TRUE(client.dropped()) << n;
  }
  EXPECT_THAT(stage.server->sessions(), IsEmpty());
}

TEST(Flow, ABigWriteCutShortWritesNothing) {
  Stage stage;
  Client client = stage.transmitting();
  client.send(Cmd::write, 1, 0, 256 * 1024, 0, filled(200 * 1024, 1));
  client.end();
  EXPECT_TRUE(client.dropped());
  EXPECT_EQ(stage.volume->writes, 0u);
}

TEST(Flow, DisconnectWaitsForWhatIsOutstanding) {
  Stage stage;
  stage.volume->hold_answers = true;
  stage.volume->hold_tasks = true;
  Client client = stage.transmitting();
  client.send(Cmd::write, 1, 0, 4096, 0, filled(4096, 1));
  client.send(Cmd::flush, 2, 0, 0);
  client.send(Cmd::disc, 3, 0, 0);
  client.send(Cmd::flush, 4, 0, 0);  // nobody listens any more
  EXPECT_FALSE(client.dropped());
  stage.loops.pool.inside([&] { stage.volume->release_answers(); });
  stage.volume->release_tasks();
  EXPECT_THAT(cookies(client.replies()), ElementsAre(1, 2));
  EXPECT_TRUE(client.dropped());
}

TEST(Flow, AClientThatVanishesWithEverythingInFlightLeavesNoTrace) {
  Stage stage;
  stage.volume->hot = false;
  stage.volume->hold_tasks = true;
  Client client = stage.transmitting();
  for (std::uint64_t i = 0; i < 20; ++i) {
    client.send(Cmd::read, i, 0, 65536);
    client.send(Cmd::write, 100 + i, 0, 4096, 0, filled(4096, 1));
    client.send(Cmd::flush, 200 + i, 0, 0);
    client.send(Cmd::block_status, 300 + i, 0, 65536);
  }
  client.hang_up();
  EXPECT_FALSE(client.dropped());  // the volume still works for it
  stage.volume->release_tasks();
  EXPECT_TRUE(client.dropped());
  EXPECT_EQ(stage.volume.use_count(), 2);  // the stage and its exports
}

TEST(Flow, AClientThatDoesNotReadHoldsABoundedAmountAndNobodyElse) {
  Options options;
  options.session_memory = 1_MiB;
  Stage stage(options);
  std::fill(stage.volume->bytes().begin(), stage.volume->bytes().end(), std::byte{1});
  Client lazy = stage.transmitting(), brisk = stage.transmitting();
  lazy.wire().client_room = 0;
  for (std::uint64_t i = 0; i < 1000; ++i) lazy.send(Cmd::read, i, 0, 65536);
  stage.loops.settle();
  EXPECT_LE(stage.volume->reads, 17u);
  brisk.send(Cmd::read, 1, 0, 65536);
  EXPECT_TRUE(brisk.only_reply());
  lazy.wire().client_room = SIZE_MAX;
  lazy.wire().touch();
  EXPECT_THAT(lazy.replies(), SizeIs(1000));
}

TEST(Flow, RepliesInDribsAndDrabsStayWhole) {
  Stage stage;
  std::fill(stage.volume->bytes().begin(), stage.volume->bytes().end(), std::byte{7});
  Client client = stage.transmitting();
  client.wire().client_room = 10;
  for (std::uint64_t i = 0; i < 50; ++i) {
    client.send(Cmd::read, i, 0, 4096);
    client.send(Cmd::write, 100 + i, 8192, 512, 0, filled(512, 3));
  }
  for (int i = 0; i < 3000; ++i) {
    stage.loops.settle();
    client.wire().client_room = 97;
    client.wire().touch();
  }
  std::vector<std::uint64_t> seen = cookies(client.replies());
  EXPECT_THAT(seen, SizeIs(100));
  EXPECT_THAT(std::set<std::uint64_t>(seen.begin(), seen.end()), SizeIs(100));
}

TEST(Flow, NoMoreThanTheAgreedNumberOfRequestsIsTaken) {
  Options options;
  options.requests_most = 4;
  Stage stage(options);
  stage.volume->hold_tasks = true;
  Client client = stage.transmitting();
  for (std::uint64_t i = 0; i < 10; ++i) client.send(Cmd::flush, i, 0, 0);
  stage.loops.settle();
  EXPECT_EQ(stage.volume->tasks, 4u);
  stage.volume->release_tasks();
  EXPECT_THAT(client.replies(), SizeIs(10));
}

TEST(Flow, PacingDelaysWritesAndNeitherReadsNorFlushes) {
  Stage stage;
  stage.volume->pace_by = std::chrono::milliseconds(10);
  Client client = stage.transmitting();
  client.send(Cmd::read, 1, 0, 4096);
  client.send(Cmd::flush, 2, 0, 0);
  client.send(Cmd::write, 3, 0, 4096, 0, filled(4096, 1));
  client.send(Cmd::trim, 4, 0, 4096);
  EXPECT_THAT(cookies(client.replies()), UnorderedElementsAre(1, 2));
  stage.loops.advance(std::chrono::milliseconds(11));
  EXPECT_THAT(cookies(client.replies()), ElementsAre(3));
  stage.loops.advance(std::chrono::milliseconds(11));
  EXPECT_THAT(cookies(client.replies()), ElementsAre(4));
}

TEST(Flow, AHeapOfRequestsLetsOthersInBetween) {
  for (std::uint32_t length : {512u, 65536u}) {
    Options options;
    options.requests_most = 10000;
    Stage stage(options);
    std::fill(stage.volume->bytes().begin(), stage.volume->bytes().end(), std::byte{1});
    Client heap = stage.transmitting(), one = stage.transmitting();
    for (std::uint64_t i = 0; i < 1000; ++i) heap.send(Cmd::read, i, 0, length);
    one.send(Cmd::read, 1, 0, 4096);
    for (int i = 0; i < 3; ++i) stage.loops.pool.turn();
    EXPECT_FALSE(one.wire().to_client.empty());
    EXPECT_LT(heap.wire().to_client.size(), std::size_t{500} * (length + 28));
    EXPECT_THAT(heap.replies(), SizeIs(1000));
  }
}

TEST(Flow, RepliesOfOneTurnLeaveInOneCall) {
  Stage stage;
  std::fill(stage.volume->bytes().begin(), stage.volume->bytes().end(), std::byte{1});
  Client client = stage.transmitting();
  Buffer all;
  for (std::uint64_t i = 0; i < 16; ++i) {
    Buffer request = i % 2 == 0 ? Client::request(Cmd::write, i, 0, 4096, 0, filled(4096, 1))
                                : Client::request(Cmd::read, i, 8192, 4096);
    all.insert(all.end(), request.begin(), request.end());
  }
  client.send_raw(all);
  EXPECT_THAT(client.replies(), SizeIs(16));
  Metrics metrics = stage.server->metrics();
  EXPECT_EQ(metrics.receives_total, 1u);
  EXPECT_EQ(metrics.sends_total, 1u);
  EXPECT_EQ(metrics.read_bytes_total, Bytes{8 * 4096});
  EXPECT_EQ(metrics.written_bytes_total, Bytes{8 * 4096});
}

}  // namespace
}  // namespace lockstep::nbd
