#include "http/http.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "http/parser.h"
#include "http/reply.h"
#include "os/sim/sim.h"
#include "os/sim/testing.h"

namespace lockstep::http {
namespace {

using os::sim::must;
using os::sim::test_seed;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;
using namespace std::chrono_literals;

// Counts up, a piece a second.
class Ticks final : public Pieces {
 public:
  Ticks(rt::Loop& loop, int& ended) : loop_(loop), ended_(ended) {}
  ~Ticks() override { ++ended_; }
  rt::Task<std::optional<std::string>> next(rt::Stop& stop) override {
    bool slept = co_await rt::sleep_for(loop_, 1s, stop);
    if (!slept) co_return std::nullopt;
    co_return "tick" + std::to_string(++count_);
  }

 private:
  rt::Loop& loop_;
  int& ended_;
  int count_ = 0;
};

// Says what it was asked; "/slow" takes three seconds, "/ticks" is a body in pieces.
class Echo final : public Handler {
 public:
  explicit Echo(rt::Loop& loop) : loop_(loop) {}
  rt::Task<Response> handle(Request request) override {
    ++asked;
    last = request;
    Response response;
    if (request.path == "/slow") {
      rt::Stop never;
      ignore(co_await rt::sleep_for(loop_, 3s, never), "nobody stops it");
    }
    if (request.path == "/ticks") {
      response.pieces = std::make_unique<Ticks>(loop_, pieces_ended);
      co_return response;
    }
    if (request.path == "/none") response.status = 204;
    if (request.path == "/break") response.set("X-Name", "a\r\nX-Evil: b");
    response.body = request.method + " " + request.path + " " + request.body;
    co_return response;
  }
  int asked = 0;
  int pieces_ended = 0;
  Request last;

 private:
  rt::Loop& loop_;
};

struct Http : ::testing::Test {
  Http() : world(test_seed()), host(world.add_host("a")), echo(host.loop()) {
    options.header_max = 2_KiB;
    options.body_max = 10000_B;
  }
  ~Http() override {
    if (server) stop();
  }
  void start() {
    server = std::make_unique<Server>(host, host.loop(), echo, options);
    os::Address address;
    address.path = "/http.sock";
    at = must(run(server->listen(address, std::nullopt)));
  }
  void stop() {
    run(server->stop());
    server.reset();
  }
  template <class T>
  T run(rt::Task<T> task) { return world.run(host.loop(), std::move(task)); }

  rt::Task<std::unique_ptr<os::Stream>> connect() { co_return must(co_await host.net().connect(host.loop(), at, 5s)); }
  static rt::Task<void> send(os::Stream* stream, std::string text) {
    std::vector<Span> parts{as_span(text)};
    ignore(co_await stream->write(std::move(parts)), "the server may have closed already");
  }
  // Everything until the server closes.
  static rt::Task<std::string> read_all_of(os::Stream* stream) {
    std::string out;
    while (true) {
      char buffer[512];
      Result<std::size_t> got = co_await stream->read_some({reinterpret_cast<std::byte*>(buffer), sizeof buffer});
      if (!got || *got == 0) co_return out;
      out.append(buffer, *got);
    }
  }
  static rt::Task<std::string> read_until(os::Stream* stream, std::string end) {
    std::string out;
    while (out.find(end) == std::string::npos) {
      char byte = 0;
      Result<std::size_t> got = co_await stream->read_some({reinterpret_cast<std::byte*>(&byte), 1});
      if (!got || *got == 0) co_return out + "<closed>";
      out.push_back(byte);
    }
    co_return out;
  }
  rt::Task<std::string> exchange(std::string text) {
    std::unique_ptr<os::Stream> stream = co_await connect();
    co_await send(stream.get(), std::move(text));
    co_return co_await read_all_of(stream.get());
  }
  // What comes back until the server closes.
  std::string ask(std::string text) { return run(exchange(std::move(text))); }

  os::sim::World world;
  os::sim::Host& host;
  Echo echo;
  Options options;
  std::unique_ptr<Server> server;
  os::Address at;
};

constexpr const char* last_one = "Connection: close\r\n\r\n";

TEST_F(Http, ARequestIsAnsweredWithItsLength) {
  start();
  std::string answer = ask(std::string("GET /a HTTP/1.1\r\nHost: x\r\n") + last_one);
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 200 OK\r\n"));
  EXPECT_THAT(answer, HasSubstr("\r\nContent-Length: 7\r\n"));
  EXPECT_THAT(answer, HasSubstr("\r\nConnection: close\r\n"));
  EXPECT_THAT(answer, ::testing::EndsWith("\r\n\r\nGET /a "));
}

TEST_F(Http, PipelinedRequestsAreAnsweredInTheirOrder) {
  start();
  std::string answer = ask(std::string("GET /slow HTTP/1.1\r\nHost: x\r\n\r\nPOST /2 HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabcGET /3 HTTP/1.1\r\nHost: x\r\n") + last_one);
  std::size_t first = answer.find("GET /slow");
  std::size_t second = answer.find("POST /2 abc");
  std::size_t third = answer.find("GET /3");
  ASSERT_NE(third, std::string::npos) << answer;
  EXPECT_LT(first, second);
  EXPECT_LT(second, third);
  EXPECT_EQ(server->counters().connections_total, 1u);
}

TEST_F(Http, HeadHasTheLengthAndNoBody) {
  start();
  std::string answer = ask(std::string("HEAD /abc HTTP/1.1\r\nHost: x\r\n") + last_one);
  EXPECT_THAT(answer, HasSubstr("Content-Length: 10\r\n"));
  EXPECT_THAT(answer, ::testing::EndsWith("\r\n\r\n"));
}

TEST_F(Http, NoContentHasNeitherBodyNorLength) {
  start();
  std::string answer = ask(std::string("GET /none HTTP/1.1\r\nHost: x\r\n") + last_one);
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 204 No Content\r\n"));
  EXPECT_THAT(answer, Not(HasSubstr("Content-Length")));
  EXPECT_THAT(answer, ::testing::EndsWith("\r\n\r\n"));
}

TEST_F(Http, AChunkedBodyArrivesWhole) {
  start();
  std::string answer = ask(std::string("POST /c HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n") + last_one + "3\r\nabc\r\n4;x=y\r\ndefg\r\n0\r\n\r\n");
  EXPECT_THAT(answer, HasSubstr("POST /c abcdefg"));
}

TEST_F(Http, AClientThatWaitsIsToldToGoOn) {
  start();
  std::string answer = ask(std::string("POST /c HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 3\r\n") + last_one);
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 100 Continue\r\n\r\n"));   // and then nothing came
}

TEST_F(Http, WhatIsNoRequestGetsItsStatusAndNeverReachesTheHandler) {
  start();
  std::string close = "\r\n\r\n";
  const std::pair<std::string, std::string> cases[] = {
      {"nonsense" + close, "400"},
      {"GET / HTTP/1.1" + close, "400"},                                                                                                  // no Host
      {"GET / HTTP/1.1\r\nHost: a\r\nHost: b" + close, "400"},
      {"GET / HTTP/2.0\r\nHost: a" + close, "505"},
      {"GET b\\ad{ HTTP/1.1\r\nHost: a" + close, "400"},
      {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nContent-Length: 4" + close, "400"},
      {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nTransfer-Encoding: chunked" + close, "400"},
      {"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip" + close, "501"},
      {"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked" + close, "501"},
      {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10001" + close, "413"},
      {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: -1" + close, "400"},
      {"GET / HTTP/1.1\r\nHost: a\r\nX: " + std::string(5000, 'x') + close, "431"},
      {"GET / HTTP/1.1\r\nHost: a\r\nExpect: miracles" + close, "417"},
  };
  for (const auto& [request, status] : cases) {
    std::string answer = ask(request);
    EXPECT_THAT(answer, StartsWith("HTTP/1.1 " + status + " ")) << request.substr(0, 80);
    EXPECT_THAT(answer, HasSubstr("Connection: close\r\n")) << request.substr(0, 80);
  }
  EXPECT_EQ(echo.asked, 0);
  EXPECT_EQ(server->counters().errors_total, std::size(cases));
}

TEST_F(Http, AnOldClientIsAnsweredAndTheConnectionClosed) {
  start();
  EXPECT_THAT(ask("GET /a HTTP/1.0\r\n\r\n"), ::testing::EndsWith("GET /a "));
}

TEST_F(Http, ValuesCannotAddFields) {
  start();
  std::string answer = ask(std::string("GET /break HTTP/1.1\r\nHost: x\r\n") + last_one);
  EXPECT_THAT(answer, HasSubstr("X-Name: a  X-Evil: b\r\n"));
}

TEST_F(Http, ASlowHeaderEndsTheConnectionInItsTime) {
  start();
  Instant before = world.now();
  EXPECT_EQ(ask("GET / HTTP/1.1\r\nHost: "), "");
  EXPECT_GE(world.now() - before, options.header_within);
  EXPECT_LT(world.now() - before, options.header_within + 1s);
}

TEST_F(Http, ASlowBodyEndsTheConnectionInItsTime) {
  start();
  Instant before = world.now();
  EXPECT_EQ(ask("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nab"), "");
  EXPECT_GE(world.now() - before, options.body_within);
}

TEST_F(Http, AnIdleConnectionIsClosedInItsTime) {
  start();
  Instant before = world.now();
  EXPECT_THAT(ask("GET /a HTTP/1.1\r\nHost: a\r\n\r\n"), HasSubstr("GET /a"));
  EXPECT_GE(world.now() - before, options.idle);
  EXPECT_LT(world.now() - before, options.idle + 1s);
}

TEST_F(Http, TooManyConnectionsAreToldSo) {
  options.connections_max = 2;
  start();
  auto first = run(connect());
  auto second = run(connect());
  world.run_for(1s);
  EXPECT_THAT(ask("GET / HTTP/1.1\r\nHost: a\r\n\r\n"), StartsWith("HTTP/1.1 503 "));
  first->close();
  world.run_for(1s);
  EXPECT_THAT(ask(std::string("GET / HTTP/1.1\r\nHost: a\r\n") + last_one), StartsWith("HTTP/1.1 200 "));
}

TEST_F(Http, PiecesGoOutAsChunksUntilTheClientLeaves) {
  start();
  auto stream = run(connect());
  run(send(stream.get(), "GET /ticks HTTP/1.1\r\nHost: a\r\n\r\n"));
  std::string answer = run(read_until(stream.get(), "tick2\r\n"));
  EXPECT_THAT(answer, HasSubstr("Transfer-Encoding: chunked\r\n"));
  EXPECT_THAT(answer, HasSubstr("\r\n\r\n5\r\ntick1\r\n5\r\ntick2\r\n"));
  EXPECT_EQ(echo.pieces_ended, 0);
  stream->close();
  world.run_for(3s);
  EXPECT_EQ(echo.pieces_ended, 1);
  EXPECT_EQ(server->counters().connections, 0u);
}

TEST_F(Http, AStopLetsRunningRequestsFinishAndSendsTheRestAway) {
  start();
  auto idle = run(connect());
  auto streaming = run(connect());
  auto slow = run(connect());
  run(send(streaming.get(), "GET /ticks HTTP/1.1\r\nHost: a\r\n\r\n"));
  run(send(slow.get(), "GET /slow HTTP/1.1\r\nHost: a\r\n\r\n"));
  world.run_for(1s);
  Instant before = world.now();
  auto answer = world.start(host.loop(), read_all_of(slow.get()));
  stop();
  EXPECT_LT(world.now() - before, options.stop_within);
  world.run_for(1s);
  ASSERT_TRUE(answer->has_value());
  EXPECT_THAT(**answer, HasSubstr("GET /slow"));
  EXPECT_EQ(run(read_all_of(idle.get())), "");
  EXPECT_THAT(run(read_all_of(streaming.get())), ::testing::EndsWith("0\r\n\r\n"));
}

TEST_F(Http, TheHandlerLearnsWhoIsThere) {
  start();
  ask(std::string("GET /a%20b/c?x=1%2B1&y=a+b HTTP/1.1\r\nHost: x\r\nX-Name:  v \r\n") + last_one);
  EXPECT_TRUE(echo.last.secure);
  EXPECT_TRUE(echo.last.uid.has_value());
  EXPECT_EQ(*echo.last.field("x-name"), "v");
  ASSERT_EQ(echo.last.segments.size(), 2u);
  EXPECT_EQ(echo.last.segments[0], "a b");
  EXPECT_EQ(*echo.last.parameter("x"), "1+1");
  EXPECT_EQ(*echo.last.parameter("y"), "a b");
  EXPECT_EQ(echo.last.parameter("z"), nullptr);
}

TEST(Target, IsSplitAndDecodedSegmentBySegment) {
  Request request;
  request.target = "/redfish/v1/Volumes/p:data%2Fx/";
  ASSERT_TRUE(split_target(request));
  ASSERT_EQ(request.segments.size(), 4u);
  EXPECT_EQ(request.segments[3], "p:data/x");
  request = {};
  request.target = "http://a:1/x?q";
  ASSERT_TRUE(split_target(request));
  EXPECT_EQ(request.path, "/x");
  request = {};
  request.target = "no slash";
  EXPECT_FALSE(split_target(request));
}

TEST(Target, EncodingAndDecodingAreInverse) {
  std::string all;
  for (int c = 1; c < 256; ++c) all.push_back(static_cast<char>(c));
  EXPECT_EQ(percent_decoded(percent_encoded(all)), all);
  EXPECT_EQ(percent_encoded("p:data"), "p:data");
  EXPECT_EQ(percent_decoded("%zz%4"), "%zz%4");
}

TEST(Date, IsThatOfTheStandard) { EXPECT_EQ(date_of(WallTime{784111777000000}), "Sun, 06 Nov 1994 08:49:37 GMT"); }   // RFC 9110, 5.6.7

}  // namespace
}  // namespace lockstep::http
