// Option haggling, byte by byte, as NBD clients of every temper do it.
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

// "ack", "server", "error 6": replies as a line of text.
std::string text_of(const std::vector<OptionReply>& replies) {
  std::string out;
  for (const OptionReply& reply : replies) {
    if (!out.empty()) out += ' ';
    auto type = static_cast<std::uint32_t>(reply.type);
    switch (reply.type) {
      case Rep::ack: out += "ack"; break;
      case Rep::server: out += "server"; break;
      case Rep::info:
        out += "info" + std::to_string(load_be<std::uint16_t>(as_span(reply.data).data()));
        break;
      case Rep::meta_context: out += "context"; break;
      default: out += "error" + std::to_string(type & 0x7fffffff);
    }
  }
  return out;
}

TEST(Handshake, GreetsAsTheSpecificationSays) {
  Stage stage;
  Client client = stage.connect();
  Buffer greeting = client.take_all();
  ASSERT_THAT(greeting, SizeIs(18));
  EXPECT_EQ(load_be<std::uint64_t>(greeting.data()), magic_server);
  EXPECT_EQ(load_be<std::uint64_t>(greeting.data() + 8), magic_option);
  EXPECT_EQ(load_be<std::uint16_t>(greeting.data() + 16), flag_fixed_newstyle | flag_no_zeroes);
}

TEST(Handshake, AnUnknownClientFlagEndsTheConnection) {
  Stage stage;
  for (std::uint32_t flags : {4u, 7u, 0x80000003u}) {
    Client client = stage.greeted(flags);
    EXPECT_TRUE(client.dropped()) << flags;
  }
  EXPECT_EQ(stage.server->metrics().handshakes_failed_total, 3u);
}

TEST(Handshake, EveryOptionWithWellAndBadlyMadeDataIsAnsweredAsItShould) {
  Buffer none;
  Buffer junk(3, std::byte{1});
  Buffer long_name = Client::info_data(std::string(5000, 'x'));
  Buffer short_count = Client::info_data("p/vol", {3});
  short_count.pop_back();
  Buffer trailing = Client::info_data("p/vol");
  trailing.push_back(std::byte{0});
  struct Row {
    const char* what;
    bool structured;
    Opt option;
    Buffer data;
    const char* answer;
  };
  const Row rows[] = {
      {"list", false, Opt::list, none, "server ack"},
      {"list with data", false, Opt::list, junk, "error3"},
      {"structured reply", false, Opt::structured_reply, none, "ack"},
      {"structured reply with data", false, Opt::structured_reply, junk, "error3"},
      {"starttls where TLS is off", false, Opt::starttls, none, "error2"},
      {"starttls with data", false, Opt::starttls, junk, "error3"},
      {"peek export", false, Opt{4}, none, "error1"},
      {"extended headers", false, Opt{11}, none, "error1"},
      {"unknown option with data", false, Opt{77}, Buffer(1000), "error1"},
      {"info", false, Opt::info, Client::info_data("p/vol"), "info0 info3 ack"},
      {"info with all kinds and an unknown one", false, Opt::info,
       Client::info_data("p/vol", {0, 1, 2, 3, 99}), "info0 info3 info1 info2 ack"},
      {"info about nothing", false, Opt::info, Client::info_data("p/none"), "error6"},
      {"info about the default export", false, Opt::info, Client::info_data(""), "error6"},
      {"info without data", false, Opt::info, none, "error3"},
      {"info with junk", false, Opt::info, junk, "error3"},
      {"info one byte short", false, Opt::info, short_count, "error3"},
      {"info one byte long", false, Opt::info, trailing, "error3"},
      {"info with a name beyond 4096", false, Opt::info, long_name, "error9"},
      {"go to nothing", false, Opt::go, Client::info_data("p/none"), "error6"},
      {"list contexts without structured replies", false, Opt::list_meta_context,
       Client::context_data("p/vol", {}), "error3"},
      {"set contexts without structured replies", false, Opt::set_meta_context,
       Client::context_data("p/vol", {}), "error3"},
      {"list all contexts", true, Opt::list_meta_context, Client::context_data("p/vol", {}), "context ack"},
      {"list a namespace", true, Opt::list_meta_context, Client::context_data("p/vol", {"base:"}),
       "context ack"},
      {"list twice the same", true, Opt::list_meta_context,
       Client::context_data("p/vol", {"base:", "base:allocation"}), "context ack"},
      {"list other contexts", true, Opt::list_meta_context, Client::context_data("p/vol", {"qemu:", "x-y:z"}),
       "ack"},
      {"list contexts of nothing", true, Opt::list_meta_context, Client::context_data("p/none", {}),
       "error6"},
      {"set none", true, Opt::set_meta_context, Client::context_data("p/vol", {}), "ack"},
      {"set one", true, Opt::set_meta_context, Client::context_data("p/vol", {"base:allocation"}),
       "context ack"},
      {"set a namespace: no wildcard", true, Opt::set_meta_context, Client::context_data("p/vol", {"base:"}),
       "ack"},
      {"set one of two", true, Opt::set_meta_context,
       Client::context_data("p/vol", {"qemu:x", "base:allocation"}), "context ack"},
      {"a query without namespace", true, Opt::set_meta_context,
       Client::context_data("p/vol", {"allocation"}), "error3"},
      {"a query beyond 4096", true, Opt::set_meta_context,
       Client::context_data("p/vol", {"base:" + std::string(5000, 'x')}), "error9"},
      {"contexts with junk", true, Opt::set_meta_context, junk, "error3"},
      {"abort", false, Opt::abort, none, "ack"},
  };
  Stage stage;
  for (const Row& row : rows) {
    Client client = stage.greeted();
    if (row.structured) client.ask(Opt::structured_reply);
    EXPECT_EQ(text_of(client.ask(row.option, row.data)), row.answer) << row.what;
    if (row.option == Opt::abort) {
      EXPECT_TRUE(client.dropped());
    } else {
      EXPECT_EQ(text_of(client.ask(Opt::list)), "server ack")
          << "after: " << row.what;  // no refusal ends the haggling
    }
  }
  EXPECT_THAT(stage.server->sessions(), IsEmpty());
}

TEST(Handshake, OptionDataBeyondAllReasonAreSkippedAndRefused) {
  Stage stage;
  Client client = stage.greeted();
  EXPECT_EQ(text_of(client.ask(Opt{4242}, Buffer(300 * 1024))), "error9");
  EXPECT_EQ(text_of(client.ask(Opt::list)), "server ack");
}

TEST(Handshake, BadMagicEndsTheConnection) {
  Stage stage;
  Client client = stage.greeted();
  client.send_raw(Buffer(16, std::byte{7}));
  EXPECT_TRUE(client.dropped());
}

TEST(Handshake, InfoTellsSizeFlagsBlockSizesNameAndDescription) {
  Stage stage;
  stage.volume->may_write = false;
  Client client = stage.greeted();
  client.ask(Opt::structured_reply);
  std::vector<OptionReply> replies = client.ask(Opt::info, Client::info_data("p/vol", {1, 2}));
  ASSERT_EQ(text_of(replies), "info0 info3 info1 info2 ack");
  Take about(as_span(replies[0].data));
  about.be<std::uint16_t>();
  EXPECT_EQ(about.be<std::uint64_t>(), 1u << 20);
  EXPECT_EQ(about.be<std::uint16_t>(), flag_has_flags | flag_read_only | flag_send_flush | flag_send_fua |
                                           flag_send_trim | flag_send_write_zeroes | flag_send_df |
                                           flag_can_multi_conn | flag_send_cache | flag_send_fast_zero);
  Take sizes(as_span(replies[1].data));
  sizes.be<std::uint16_t>();
  EXPECT_EQ(sizes.be<std::uint32_t>(), 512u);
  EXPECT_EQ(sizes.be<std::uint32_t>(), 4096u);
  EXPECT_EQ(sizes.be<std::uint32_t>(), 32u << 20);
  EXPECT_EQ(replies[2].data.substr(2), "p/vol");
  EXPECT_EQ(replies[3].data.substr(2), "about p/vol");
}

TEST(Handshake, DontFragmentIsOfferedWithStructuredRepliesOnly) {
  Stage stage;
  Client client = stage.greeted();
  std::vector<OptionReply> replies = client.ask(Opt::info, Client::info_data("p/vol"));
  EXPECT_EQ(load_be<std::uint16_t>(as_span(replies[0].data).data() + 10) & flag_send_df, 0);
}

TEST(Handshake, ExportNameEntersTransmissionWithAndWithoutZeroes) {
  Stage stage;
  for (bool zeroes : {true, false}) {
    Client client = stage.greeted(zeroes ? 1 : 3);
    client.send_option(Opt::export_name, as_span("p/vol"));
    EXPECT_THAT(client.take_all(), SizeIs(zeroes ? 134 : 10));
    client.send(Cmd::flush, 9, 0, 0);
    auto reply = client.only_reply();
    ASSERT_TRUE(reply);
    EXPECT_EQ(reply->cookie, 9u);
  }
}

TEST(Handshake, AnOldClientMaySendExportNameAndNothingElse) {
  Stage stage;
  Client old = stage.greeted(0);
  old.send_option(Opt::export_name, as_span("p/vol"));
  EXPECT_THAT(old.take_all(), SizeIs(134));
  Client wrong = stage.greeted(0);
  wrong.send_option(Opt::list);
  EXPECT_TRUE(wrong.dropped());
}

TEST(Handshake, AnExportNameThatCannotBeServedEndsTheConnection) {
  Stage stage;
  for (const std::string& name : {std::string("p/none"), std::string(5000, 'x'), std::string(400000, 'x')}) {
    Client client = stage.greeted();
    client.send_option(Opt::export_name, as_span(name));
    EXPECT_TRUE(client.dropped()) << name.size();
  }
}

TEST(Handshake, ContextsCountForTheExportTheyWereSelectedFor) {
  Stage stage;
  stage.exports.volumes["p/other"] = std::make_shared<MemoryVolume>(stage.loops.pool, "other", 1_MiB, 2);
  Client client = stage.greeted();
  client.ask(Opt::structured_reply);
  client.ask(Opt::set_meta_context, Client::context_data("p/other", {"base:allocation"}));
  client.ask(Opt::go, Client::info_data("p/vol"));
  client.send(Cmd::block_status, 1, 0, 4096);
  auto reply = client.only_reply();
  ASSERT_TRUE(reply);
  EXPECT_EQ(reply->error, Errno::einval);
}

TEST(Handshake, ARefusedSelectionLeavesNothingSelected) {
  Stage stage;
  Client client = stage.greeted();
  client.ask(Opt::structured_reply);
  client.ask(Opt::set_meta_context, Client::context_data("p/vol", {"base:allocation"}));
  EXPECT_EQ(text_of(client.ask(Opt::set_meta_context, Buffer(3))), "error3");
  client.ask(Opt::go, Client::info_data("p/vol"));
  client.send(Cmd::block_status, 1, 0, 4096);
  EXPECT_EQ(client.only_reply()->error, Errno::einval);
}

TEST(Handshake, WhoHagglesTooLongIsDropped) {
  Options options;
  options.options_most = 10;
  Stage stage(options);
  Client endless = stage.greeted();
  for (int i = 0; i < 10; ++i) endless.ask(Opt::list);
  EXPECT_TRUE(endless.dropped());
  Client slow = stage.greeted();
  stage.loops.advance(std::chrono::seconds(29));
  EXPECT_FALSE(slow.dropped());
  stage.loops.advance(std::chrono::seconds(2));
  EXPECT_TRUE(slow.dropped());
  Client served = stage.transmitting();
  stage.loops.advance(std::chrono::hours(1));  // transmission has no such limit
  EXPECT_FALSE(served.dropped());
}

TEST(Handshake, DisconnectsAtAnyByteHarmNobody) {
  Stage stage;
  Buffer all(4);
  Put(all.data()).be(std::uint32_t{3});
  auto option = [&all](Opt opt, Buffer data) {
    std::size_t at = all.size();
    all.resize(at + 16 + data.size());
    Put(all.data() + at)
        .be(magic_option)
        .be(opt)
        .be(static_cast<std::uint32_t>(data.size()))
        .text(as_text(data));
  };
  option(Opt::structured_reply, {});
  option(Opt::set_meta_context, Client::context_data("p/vol", {"base:allocation"}));
  option(Opt::go, Client::info_data("p/vol", {1, 3}));
  Client bystander = stage.transmitting();
  for (std::size_t n = 0; n <= all.size(); ++n) {
    Client client = stage.connect();
    client.send_raw(Span(all).first(n));
    if (n % 2 == 0) client.wire().read_most = 1;
    client.hang_up();
    ASSERT_TRUE(client.dropped()) << n;
  }
  EXPECT_EQ(stage.server->metrics().connections, 1u);
  bystander.send(Cmd::flush, 1, 0, 0);
  EXPECT_TRUE(bystander.only_reply());
}

TEST(Handshake, TlsStartsAfterItsAcknowledgementAndForgetsWhatWasSaidInTheClear) {
  Stage stage({}, TlsPolicy::allow);
  Client client = stage.greeted();
  EXPECT_EQ(text_of(client.ask(Opt::structured_reply)), "ack");
  EXPECT_EQ(text_of(client.ask(Opt::starttls)), "ack");
  client.veiled = true;
  EXPECT_EQ(text_of(client.ask(Opt::starttls)), "error3");  // once is enough
  EXPECT_EQ(text_of(client.ask(Opt::set_meta_context, Client::context_data("p/vol", {"base:allocation"}))),
            "error3");
  EXPECT_EQ(text_of(client.ask(Opt::go, Client::info_data("p/vol"))), "info0 info3 ack");
  client.send(Cmd::flush, 3, 0, 0);
  ASSERT_TRUE(client.only_reply());
  EXPECT_TRUE(stage.server->sessions().at(0).tls);
}

TEST(Handshake, WhereTlsIsRequiredNothingElseIsServedBefore) {
  Stage stage({}, TlsPolicy::require);
  Client client = stage.greeted();
  for (Opt option : {Opt::list, Opt::info, Opt::go, Opt::structured_reply, Opt::list_meta_context,
                     Opt::set_meta_context, Opt{99}}) {
    EXPECT_EQ(text_of(client.ask(option)), "error5");
  }
  Client name = stage.greeted();
  name.send_option(Opt::export_name, as_span("p/vol"));
  EXPECT_TRUE(name.dropped());
  Client abort = stage.greeted();
  EXPECT_EQ(text_of(abort.ask(Opt::abort)), "ack");
  EXPECT_EQ(text_of(client.ask(Opt::starttls)), "ack");
  client.veiled = true;
  EXPECT_EQ(text_of(client.ask(Opt::list)), "server ack");
}

TEST(Handshake, BytesSentInTheClearBehindStarttlsAreNotTakenForTls) {
  Stage stage({}, TlsPolicy::allow);
  Client client = stage.connect();
  client.take_all();
  client.send_flags();
  client.send_option(Opt::starttls);
  client.send_option(Opt::list);  // in the clear, in one piece with the option before it
  EXPECT_TRUE(client.dropped());
}

TEST(Handshake, ATlsHandshakeThatNeverComesEndsWithTheDeadline) {
  Stage stage({}, TlsPolicy::allow);
  stage.host.fake_tls.stuck = true;
  Client client = stage.greeted();
  client.ask(Opt::starttls);
  EXPECT_FALSE(client.dropped());
  stage.loops.advance(std::chrono::seconds(31));
  EXPECT_TRUE(client.dropped());
}

TEST(Handshake, TroubleBehindTheListIsToldInWords) {
  Stage stage;
  stage.exports.refuse = Error{Code::io, "pool p is not open"};
  Client client = stage.greeted();
  std::vector<OptionReply> replies = client.ask(Opt::list);
  ASSERT_EQ(text_of(replies), "error4");
  EXPECT_THAT(replies[0].data, HasSubstr("pool p is not open"));
  stage.exports.refuse = Error{Code::cancelled, "ending"};
  EXPECT_EQ(text_of(client.ask(Opt::go, Client::info_data("p/vol"))), "error7");
}

}  // namespace
}  // namespace lockstep::nbd
