// The server on this machine's sockets, two threads and all, with and without TLS.
#include <gtest/gtest.h>

#include <unistd.h>

#include <filesystem>
#include <set>

#include "nbd/nbd.h"
#include "nbd/protocol.h"
#include "nbd/testing/memory_volume.h"
#include "os/real/real.h"

namespace lockstep::nbd {
namespace {

using testing::MemoryVolume;

class OneExport final : public Exports {
 public:
  explicit OneExport(rt::Loop& pool)
      : pool_(pool), volume_(std::make_shared<MemoryVolume>(pool, "v", 64_MiB)) {}
  rt::Task<Result<std::vector<Listed>>> list() override {
    std::vector<Listed> one{{"v", ""}};
    co_return one;
  }
  rt::Task<Result<Found>> find(std::string) override {
    rt::Task<Result<Found>> opened = open();
    co_return co_await rt::run_on(pool_, std::move(opened));
  }

 private:
  rt::Task<Result<Found>> open() { co_return Found(pool_, volume_, ""); }
  rt::Loop& pool_;
  std::shared_ptr<MemoryVolume> volume_;  // every session holds it too
};

rt::Task<Result<>> send(os::Stream& stream, Buffer bytes) {
  std::vector<Span> parts{Span(bytes)};
  co_return co_await stream.write(std::move(parts));
}

// Sends one option, reads its replies up to the last. Errors of the protocol come back as `corrupt`.
rt::Task<Result<>> ask(os::Stream& stream, Opt option, Buffer data) {
  Buffer out(option_header_size + data.size());
  Put(out.data()).be(magic_option).be(option).be(static_cast<std::uint32_t>(data.size())).text(as_text(data));
  CO_TRY_VOID(co_await send(stream, std::move(out)));
  for (;;) {
    std::byte header[option_reply_header_size];
    CO_TRY_VOID(co_await os::read_all(stream, header));
    Rep type{load_be<std::uint32_t>(header + 12)};
    Buffer payload(load_be<std::uint32_t>(header + 16));
    CO_TRY_VOID(co_await os::read_all(stream, payload));
    if (type == Rep::ack) co_return Result<>{};
    if ((static_cast<std::uint32_t>(type) >> 31) != 0)
      co_return fail(Code::corrupt, std::string(as_text(payload)));
  }
}

Buffer request(Cmd cmd, std::uint64_t cookie, std::uint64_t offset, std::uint32_t length, Span payload) {
  Buffer b(request_size + payload.size());
  Put(b.data())
      .be(magic_request)
      .be(std::uint16_t{0})
      .be(cmd)
      .be(cookie)
      .be(offset)
      .be(length)
      .text(as_text(payload));
  return b;
}

constexpr std::uint32_t small = 4096, large = 3 << 20;
constexpr int rounds = 40;

Buffer pattern(std::uint32_t size, int seed) {
  Buffer out(size);
  for (std::uint32_t i = 0; i < size; ++i)
    out[i] = static_cast<std::byte>(i * 31 + i / 251 + static_cast<std::uint32_t>(seed));
  return out;
}

// Writes of both kinds, all in flight together, then what was written; simple replies, in any order.
rt::Task<Result<>> work(os::Stream& stream) {
  Buffer writes;
  for (int i = 0; i < rounds; ++i) {
    bool big = i % 8 == 0;
    std::uint32_t size = big ? large : small;
    Buffer one = request(Cmd::write, static_cast<std::uint64_t>(i), static_cast<std::uint64_t>(i) << 20, size,
                         pattern(size, i));
    if (big)
      one = request(Cmd::write, static_cast<std::uint64_t>(i),
                    (40ull << 20) + (static_cast<std::uint64_t>(i / 8) << 22), size, pattern(size, i));
    writes.insert(writes.end(), one.begin(), one.end());
  }
  CO_TRY_VOID(co_await send(stream, std::move(writes)));
  std::set<std::uint64_t> answered;
  for (int i = 0; i < rounds; ++i) {
    std::byte reply[simple_reply_size];
    CO_TRY_VOID(co_await os::read_all(stream, reply));
    EXPECT_EQ(load_be<std::uint32_t>(reply), magic_simple_reply);
    EXPECT_EQ(load_be<std::uint32_t>(reply + 4), 0u);
    answered.insert(load_be<std::uint64_t>(reply + 8));
  }
  EXPECT_EQ(answered.size(), static_cast<std::size_t>(rounds));
  for (int i = 0; i < rounds; ++i) {
    bool big = i % 8 == 0;
    std::uint32_t size = big ? large : small;
    std::uint64_t at =
        big ? (40ull << 20) + (static_cast<std::uint64_t>(i / 8) << 22) : static_cast<std::uint64_t>(i) << 20;
    Buffer read = request(Cmd::read, 7, at, size, {});
    CO_TRY_VOID(co_await send(stream, std::move(read)));
    Buffer reply(simple_reply_size + size);
    CO_TRY_VOID(co_await os::read_all(stream, reply));
    EXPECT_EQ(Buffer(reply.begin() + simple_reply_size, reply.end()), pattern(size, i)) << i;
  }
  Buffer goodbye = request(Cmd::disc, 0, 0, 0, {});
  co_return co_await send(stream, std::move(goodbye));
}

rt::Task<Result<>> client(os::real::RealHost& host, os::Address address, std::string trusted) {
  rt::Loop& loop = host.control_loop();
  CO_TRY(std::unique_ptr<os::Stream> stream,
         co_await host.net().connect(loop, std::move(address), std::chrono::seconds(30)));
  std::byte greeting[18];
  CO_TRY_VOID(co_await os::read_all(*stream, greeting));
  Buffer flags(4);
  Put(flags.data()).be(std::uint32_t{3});
  CO_TRY_VOID(co_await send(*stream, std::move(flags)));
  if (!trusted.empty()) {
    CO_TRY_VOID(co_await ask(*stream, Opt::starttls, {}));
    os::TlsClient options;
    options.ca_pem = std::move(trusted);
    options.server_name = "localhost";
    CO_TRY(stream, co_await host.tls().client(std::move(stream), std::move(options)));
  }
  Buffer go(7);
  Put(go.data()).be(std::uint32_t{1}).text("v").be(std::uint16_t{0});
  CO_TRY_VOID(co_await ask(*stream, Opt::go, std::move(go)));
  CO_TRY_VOID(co_await work(*stream));
  std::byte more[1];
  CO_TRY(std::size_t n, co_await stream->read_some(more));
  EXPECT_EQ(n, 0u);  // the server has closed, politely
  co_return Result<>{};
}

rt::Task<Result<>> everything(os::real::RealHost& host, Server& server, os::Address unix_address,
                              std::string trusted) {
  os::Address anywhere;
  anywhere.host = "127.0.0.1";
  CO_TRY(os::Address plain, co_await server.listen(unix_address, TlsPolicy::off));
  CO_TRY(os::Address tcp, co_await server.listen(anywhere, TlsPolicy::require));
  CO_TRY_VOID(co_await client(host, plain, ""));
  CO_TRY_VOID(co_await client(host, tcp, trusted));
  co_return Result<>{};
}

rt::Task<void> run_and_stop(os::real::RealHost& host, Server& server, os::Address unix_address,
                            std::string trusted) {
  auto done = co_await everything(host, server, std::move(unix_address), std::move(trusted));
  EXPECT_TRUE(done.has_value()) << done.error().message;
  co_await server.stop();
  EXPECT_EQ(server.metrics().sessions_total, 2u);
  host.stop_control();
}

class RealNbd : public ::testing::TestWithParam<os::real::Io> {};

TEST_P(RealNbd, ServesOverUnixSocketsAndTls) {
  os::real::RealOptions real;
  real.io = GetParam();
  os::real::RealHost host(real);
  auto identity = host.tls().make_identity("localhost", {"localhost"});
  ASSERT_TRUE(identity.has_value()) << identity.error().message;
  os::Address address;
  address.path =
      (std::filesystem::temp_directory_path() / ("lockstep-nbd-" + std::to_string(::getpid()))).string();
  rt::Loop& pool = host.start_loop("pool");
  {
    OneExport exports(pool);
    Options options;
    options.identity = *identity;
    Server server(host, host.control_loop(), exports, options);
    rt::Scope scope(host.control_loop());
    host.control_loop().post(
        rt::Callback([&] { scope.spawn(run_and_stop(host, server, address, identity->certificate_pem)); }));
    host.run_control();
  }
  host.end_loop(pool);
  std::filesystem::remove(address.path);
}

INSTANTIATE_TEST_SUITE_P(Nbd, RealNbd, ::testing::Values(os::real::Io::automatic, os::real::Io::threads),
                         [](const auto& tested) {
                           return std::string(tested.param == os::real::Io::threads ? "threads"
                                                                                    : "automatic");
                         });

}  // namespace
}  // namespace lockstep::nbd
