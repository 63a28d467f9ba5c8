// Requests one by one, proper and improper, and their replies.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "nbd/testing/stage.h"

namespace lockstep::nbd {
namespace {

using namespace testing;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using ::testing::UnorderedElementsAre;

TEST(Request, WhatIsWrittenIsReadBackHotAndCold) {
  for (bool hot : {true, false}) {
    for (bool structured : {true, false}) {
      for (std::uint32_t length : {512u, 4096u, 65536u, 262144u}) {
        Stage stage;
        stage.volume->hot = hot;
        Client client = stage.transmitting(structured);
        client.send(Cmd::write, 1, 4096, length, 0, filled(length, 0xab));
        auto written = client.only_reply();
        ASSERT_TRUE(written);
        EXPECT_EQ(written->error, Errno::none);
        client.send(Cmd::read, 2, 4096, length);
        auto read = client.only_reply(length, 2);
        ASSERT_TRUE(read) << hot << structured << length;
        EXPECT_EQ(read->type, structured ? reply_offset_data : Chunk::simple);
        Span data = read->data;
        if (structured) {
          EXPECT_EQ(load_be<std::uint64_t>(data.data()), 4096u);
          data = data.subspan(8);
        }
        EXPECT_EQ(to_buffer(data), filled(length, 0xab));
      }
    }
  }
}

TEST(Request, EveryImproperRequestGetsItsErrorAndTheNextIsServed) {
  constexpr std::uint64_t size = 1 << 20;
  struct Row {
    const char* what;
    Cmd cmd;
    std::uint64_t offset;
    std::uint32_t length;
    std::uint16_t flags;
    Errno error;
  };
  const Row rows[] = {
      {"read past the end", Cmd::read, size, 512, 0, Errno::einval},
      {"read across the end", Cmd::read, size - 512, 1024, 0, Errno::einval},
      {"read far past the end", Cmd::read, ~0ull - 511, 512, 0, Errno::einval},
      {"read of nothing", Cmd::read, 0, 0, 0, Errno::einval},
      {"read unaligned", Cmd::read, 1, 512, 0, Errno::einval},
      {"read of 100 bytes", Cmd::read, 0, 100, 0, Errno::einval},
      {"read of more than 32 MiB", Cmd::read, 0, (32u << 20) + 512, 0, Errno::einval},
      {"read with a write's flag", Cmd::read, 0, 512, cmd_no_hole, Errno::einval},
      {"read with FUA, which means nothing", Cmd::read, 0, 512, cmd_fua, Errno::none},
      {"read, not to be fragmented", Cmd::read, 0, 512, cmd_df, Errno::none},
      {"write past the end", Cmd::write, size, 512, 0, Errno::enospc},
      {"write across the end", Cmd::write, size - 512, 1024, 0, Errno::enospc},
      {"big write past the end", Cmd::write, size, 256 * 1024, 0, Errno::enospc},
      {"write unaligned", Cmd::write, 100, 512, 0, Errno::einval},
      {"write of nothing", Cmd::write, 0, 0, 0, Errno::einval},
      {"write with a read's flag", Cmd::write, 0, 512, cmd_df, Errno::einval},
      {"trim past the end", Cmd::trim, size, 512, 0, Errno::enospc},
      {"trim unaligned", Cmd::trim, 1, 512, 0, Errno::einval},
      {"trim with NO_HOLE", Cmd::trim, 0, 512, cmd_no_hole, Errno::einval},
      {"zeroes past the end", Cmd::write_zeroes, size - 512, 1024, 0, Errno::enospc},
      {"zeroes with everything allowed", Cmd::write_zeroes, 0, 4096, cmd_fua | cmd_no_hole | cmd_fast_zero,
       Errno::none},
      {"zeroes with DF", Cmd::write_zeroes, 0, 4096, cmd_df, Errno::einval},
      {"flush with a length", Cmd::flush, 0, 512, 0, Errno::einval},
      {"flush with an offset", Cmd::flush, 512, 0, 0, Errno::einval},
      {"flush with FUA", Cmd::flush, 0, 0, cmd_fua, Errno::none},
      {"flush with another flag", Cmd::flush, 0, 0, cmd_df, Errno::einval},
      {"cache past the end", Cmd::cache, size, 512, 0, Errno::einval},
      {"cache", Cmd::cache, 0, 1 << 20, 0, Errno::none},
      {"status past the end", Cmd::block_status, size - 512, 1024, 0, Errno::einval},
      {"status of nothing", Cmd::block_status, 0, 0, 0, Errno::einval},
      {"status with a write's flag", Cmd::block_status, 0, 512, cmd_no_hole, Errno::einval},
      {"unknown command 8", Cmd{8}, 0, 0, 0, Errno::einval},
      {"unknown command 65535", Cmd{65535}, 12345, 4096, 0xffff, Errno::einval},
  };
  Stage stage;
  Client client = stage.transmitting();
  std::uint64_t errors = 0;
  for (const Row& row : rows) {
    client.send(row.cmd, 5, row.offset, row.length, row.flags,
                row.cmd == Cmd::write ? filled(row.length, 1) : Buffer());
    auto reply = client.only_reply();
    ASSERT_TRUE(reply) << row.what;
    EXPECT_EQ(reply->error, row.error) << row.what;
    if (row.error != Errno::none) {
      EXPECT_EQ(reply->type, reply_error_type) << row.what;
      EXPECT_FALSE(text_of_error(*reply).empty()) << row.what;
      ++errors;
    }
    client.send(Cmd::flush, 6, 0, 0);
    auto next = client.only_reply();
    ASSERT_TRUE(next) << "after: " << row.what;
    EXPECT_EQ(next->cookie, 6u);
  }
  EXPECT_EQ(stage.server->metrics().errors_total, errors);
}

TEST(Request, AWriteOfMoreThan32MiBIsSwallowedAndRefused) {
  Stage stage;
  Client client = stage.transmitting();
  client.send(Cmd::write, 1, 0, (32u << 20) + 4096);
  Buffer part(1 << 20);
  for (int i = 0; i < 32; ++i) {
    client.send_raw(part);
    stage.loops.settle();
  }
  client.send_raw(filled(4096, 0));
  client.send(Cmd::flush, 2, 0, 0);
  std::vector<Chunk> replies = client.replies();
  ASSERT_THAT(cookies(replies), ElementsAre(1, 2));
  EXPECT_EQ(replies[0].error, Errno::einval);
  EXPECT_EQ(stage.volume->writes, 0u);
}

TEST(Request, SimpleClientsHearErrorsToo) {
  Stage stage;
  Client client = stage.transmitting(false);
  client.send(Cmd::read, 1, 1 << 20, 4096);
  auto reply = client.only_reply(4096, 1);
  ASSERT_TRUE(reply);
  EXPECT_EQ(reply->error, Errno::einval);
  EXPECT_EQ(reply->type, Chunk::simple);
  client.send(Cmd::read, 1, 0, 4096, cmd_df);  // not offered to this client
  EXPECT_EQ(client.only_reply(4096, 1)->error, Errno::einval);
}

TEST(Request, ZeroesTravelAsAHole) {
  Stage stage;
  for (bool hot : {true, false}) {
    stage.volume->hot = hot;
    Client client = stage.transmitting();
    client.send(Cmd::read, 1, 8192, 65536, cmd_df);
    auto reply = client.only_reply();
    ASSERT_TRUE(reply);
    EXPECT_EQ(reply->type, reply_offset_hole);
    EXPECT_EQ(load_be<std::uint64_t>(reply->data.data()), 8192u);
    EXPECT_EQ(load_be<std::uint32_t>(reply->data.data() + 8), 65536u);
  }
}

TEST(Request, BlockStatusTellsHolesFromData) {
  Stage stage;
  Client client = stage.transmitting();
  client.send(Cmd::write, 1, 8192, 4096, 0, filled(4096, 1));
  client.only_reply();
  for (bool one : {false, true}) {
    client.send(Cmd::block_status, 2, 4096, 16384, one ? cmd_req_one : 0);
    auto reply = client.only_reply();
    ASSERT_TRUE(reply);
    ASSERT_EQ(reply->type, reply_block_status);
    std::vector<std::uint32_t> words;
    Take take(reply->data);
    while (!take.at_end()) words.push_back(take.be<std::uint32_t>());
    if (one) {
      EXPECT_THAT(words, ElementsAre(context_base_allocation_id, 4096, 3));
    } else {
      EXPECT_THAT(words, ElementsAre(context_base_allocation_id, 4096, 3, 4096, 0, 8192, 3));
    }
  }
}

TEST(Request, AWriteIsAnsweredWhenItsVolumeSaysSoAndNotBefore) {
  Stage stage;
  stage.volume->hold_answers = true;
  Client client = stage.transmitting();
  for (std::uint64_t i = 0; i < 3; ++i) client.send(Cmd::write, i, i * 4096, 4096, 0, filled(4096, 1));
  EXPECT_THAT(client.replies(), IsEmpty());
  EXPECT_EQ(stage.volume->appended(), Lsn{3});
  client.send(Cmd::read, 9, 0, 4096);  // reads do not wait for writes
  EXPECT_THAT(cookies(client.replies()), ElementsAre(9));
  stage.loops.pool.inside([&] { stage.volume->release_answers(); });
  EXPECT_THAT(cookies(client.replies()), ElementsAre(0, 1, 2));
}

TEST(Request, WritesThatCannotBeAnsweredAnyMoreFail) {
  Stage stage;
  stage.volume->hold_answers = true;
  Client client = stage.transmitting();
  client.send(Cmd::write, 1, 0, 4096, 0, filled(4096, 1));
  stage.loops.settle();
  stage.loops.pool.inside([&] { stage.volume->fail_waiting({Code::io, "pool p: journal: sync failed"}); });
  auto reply = client.only_reply();
  ASSERT_TRUE(reply);
  EXPECT_EQ(reply->error, Errno::eio);
  EXPECT_THAT(text_of_error(*reply), HasSubstr("sync failed"));
}

TEST(Request, FuaAndFlushWaitForDurability) {
  Stage stage;
  stage.volume->hold_tasks = true;
  Client client = stage.transmitting();
  client.send(Cmd::write, 1, 0, 4096, cmd_fua, filled(4096, 1));
  client.send(Cmd::flush, 2, 0, 0);
  client.send(Cmd::write, 3, 0, 4096, 0, filled(4096, 2));
  EXPECT_THAT(cookies(client.replies()), ElementsAre(3));
  stage.volume->release_tasks();
  EXPECT_THAT(cookies(client.replies()), UnorderedElementsAre(1, 2));
  EXPECT_EQ(stage.volume->flushes, 2u);
}

TEST(Request, TrimDiscardsAndNoHoleKeeps) {
  Stage stage;
  Client client = stage.transmitting();
  client.send(Cmd::trim, 1, 0, 4096);
  EXPECT_EQ(client.only_reply()->error, Errno::none);
  EXPECT_TRUE(stage.volume->discarded);
  client.send(Cmd::write_zeroes, 1, 0, 4096, cmd_no_hole);
  EXPECT_EQ(client.only_reply()->error, Errno::none);
  EXPECT_FALSE(stage.volume->discarded);
}

TEST(Request, AVolumeThatMayNoLongerBeWrittenSaysWhy) {
  Stage stage;
  Client client = stage.transmitting();
  stage.volume->may_write = false;
  for (bool hot : {true, false}) {
    stage.volume->hot = hot;
    client.send(Cmd::write, 1, 0, 4096, 0, filled(4096, 1));
    auto reply = client.only_reply();
    ASSERT_TRUE(reply);
    EXPECT_EQ(reply->error, Errno::eperm);
    EXPECT_THAT(text_of_error(*reply), HasSubstr("may not be written now"));
  }
  client.send(Cmd::trim, 1, 0, 4096);
  EXPECT_EQ(client.only_reply()->error, Errno::eperm);
  client.send(Cmd::read, 2, 0, 4096);
  EXPECT_EQ(client.only_reply()->error, Errno::none);
}

TEST(Request, ASessionThatBeganReadOnlyStaysSo) {
  Stage stage;
  stage.volume->may_write = false;
  Client client = stage.transmitting();
  stage.volume->may_write = true;
  for (Cmd cmd : {Cmd::write, Cmd::trim, Cmd::write_zeroes}) {
    client.send(cmd, 1, 0, 4096, 0, cmd == Cmd::write ? filled(4096, 1) : Buffer());
    EXPECT_EQ(client.only_reply()->error, Errno::eperm);
  }
}

TEST(Request, NothingIsReadWhileHostAccessIsClosed) {
  Stage stage;
  Client client = stage.transmitting();
  stage.volume->shut = Error{Code::busy, "volume 'p/vol' is being restored"};
  for (Cmd cmd : {Cmd::read, Cmd::cache, Cmd::block_status}) {
    client.send(cmd, 1, 0, 4096);
    auto reply = client.only_reply();
    ASSERT_TRUE(reply);
    EXPECT_EQ(reply->error, Errno::eperm);
    EXPECT_THAT(text_of_error(*reply), HasSubstr("being restored"));
  }
  stage.volume->shut.reset();
  client.send(Cmd::read, 2, 0, 4096);
  EXPECT_EQ(client.only_reply()->error, Errno::none);
}

TEST(Request, EveryCodeOfAVolumeBecomesItsNbdError) {
  const std::pair<Code, Errno> rows[] = {
      {Code::invalid, Errno::einval},  {Code::not_found, Errno::eshutdown},
      {Code::exists, Errno::einval},   {Code::busy, Errno::eperm},
      {Code::denied, Errno::eperm},    {Code::unsupported, Errno::enotsup},
      {Code::read_only, Errno::eperm}, {Code::out_of_range, Errno::einval},
      {Code::no_space, Errno::enospc}, {Code::unreachable, Errno::eio},
      {Code::timeout, Errno::eio},     {Code::cancelled, Errno::eshutdown},
      {Code::corrupt, Errno::eio},     {Code::io, Errno::eio},
      {Code::changed, Errno::eio},
  };
  Stage stage;
  Client client = stage.transmitting();
  for (auto [code, error] : rows) {
    stage.volume->refuse = Error{code, "as ordered"};
    client.send(Cmd::read, 1, 0, 4096);
    EXPECT_EQ(client.only_reply()->error, error) << name_of(code);
    client.send(Cmd::write, 1, 0, 4096, 0, filled(4096, 1));
    EXPECT_EQ(client.only_reply()->error, code == Code::out_of_range ? Errno::enospc : error)
        << name_of(code);
    client.send(Cmd::block_status, 1, 0, 4096);
    EXPECT_EQ(client.only_reply()->error, error) << name_of(code);
  }
}

TEST(Request, AResizeCountsFromTheNextRequestOn) {
  Stage stage;
  Client client = stage.transmitting();
  stage.volume->resize_to(512_KiB);
  client.send(Cmd::write, 1, 512 * 1024, 4096, 0, filled(4096, 1));
  EXPECT_EQ(client.only_reply()->error, Errno::enospc);
}

}  // namespace
}  // namespace lockstep::nbd
