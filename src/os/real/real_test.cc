#include "os/real/real.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <mutex>
#include <thread>

#include "os/conformance_testing.h"
#include "os/real/errno.h"
#include "os/real/fd.h"
#include "os/real/gather.h"

namespace lockstep::os::real {
namespace {

using namespace std::chrono_literals;

// A directory of its own under TMPDIR (or /tmp), removed with everything in it.
class TestDirectory {
 public:
  TestDirectory() {
    path_ = (std::filesystem::temp_directory_path() / "lockstep-XXXXXX").string();
    CHECK(::mkdtemp(path_.data()) != nullptr);
  }
  ~TestDirectory() {
    std::error_code error;
    std::filesystem::remove_all(path_, error);
  }
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  std::string path_;
};

RealOptions options_with(Io io) {
  RealOptions options;
  options.io = io;
  return options;
}

class RealWorld final : public conformance::TestWorld {
 public:
  explicit RealWorld(Io io) : host_(logging_into(log_, io)) {}
  Host& host() override { return host_; }
  RealHost& real() { return host_; }
  [[nodiscard]] std::string logged() {
    std::lock_guard lock(log_.mutex);
    return log_.text;
  }
  rt::Loop& loop() override { return host_.control_loop(); }
  void run(rt::Task<void> task) override {
    rt::Scope scope(loop());
    loop().post(rt::Callback([&] { scope.spawn(finish(host_, std::move(task))); }));
    host_.run_control();
  }
  std::string directory() override { return directory_.path(); }
  Address anywhere() override { return parse_address("127.0.0.1:0").value(); }
  Address nowhere() override { return parse_address("127.0.0.1:1").value(); }

 private:
  struct TestLog {
    std::mutex mutex;
    std::string text;   // by mutex
  };
  static RealOptions logging_into(TestLog& log, Io io) {
    RealOptions options = options_with(io);
    options.log = [&log](std::string_view line) {
      std::lock_guard lock(log.mutex);
      log.text += std::string(line) + "\n";
    };
    return options;
  }
  static rt::Task<void> finish(RealHost& host, rt::Task<void> task) {
    co_await task;
    host.stop_control();
  }
  TestDirectory directory_;
  TestLog log_;
  RealHost host_;
};

std::vector<Io> kinds() {
  RealHost probe(options_with(Io::automatic));
  if (probe.io() == Io::uring) return {Io::threads, Io::uring};
  return {Io::threads};
}

std::unique_ptr<conformance::TestWorld> make_world(Io io) { return std::make_unique<RealWorld>(io); }

// --- what only this machine has

class Real : public testing::TestWithParam<Io> {
 protected:
  // Runs `body` on the control loop of a fresh world.
  void run(rt::Task<void> (*body)(RealWorld&)) {
    RealWorld world(GetParam());
    world.run(body(world));
  }
};

#define REAL_TEST(name)                                   \
  rt::Task<void> Real_##name(RealWorld& world);           \
  TEST_P(Real, name) { run(&Real_##name); }               \
  rt::Task<void> Real_##name([[maybe_unused]] RealWorld& world)

REAL_TEST(PostsFromManyThreadsAllArriveInEachOnesOrder) {
  rt::Loop& loop = world.loop();
  constexpr int threads = 4, posts = 2000;
  std::vector<std::vector<int>> seen(threads);
  rt::Signal arrived(loop);
  std::vector<std::thread> posters;
  for (int t = 0; t < threads; ++t) {
    posters.emplace_back([&loop, &seen, &arrived, t] {
      for (int i = 0; i < posts; ++i) {
        loop.post(rt::Callback([&seen, &arrived, t, i] {
          seen[static_cast<std::size_t>(t)].push_back(i);
          if (i + 1 == posts) arrived.wake_all();
        }));
        if (i % 50 == 0) std::this_thread::yield();   // lets the loop fall asleep now and then
      }
    });
  }
  auto all_in = [&] { return std::ranges::all_of(seen, [](const auto& one) { return one.size() == posts; }); };
  while (!all_in()) co_await arrived.wait();
  for (std::thread& poster : posters) poster.join();
  for (const auto& one : seen) EXPECT_TRUE(std::ranges::is_sorted(one));
}

REAL_TEST(SignalsArriveOnTheControlLoop) {
  std::vector<int> got;
  rt::Signal arrived(world.loop());
  world.real().on_signal({SIGUSR1, SIGUSR2}, [&](int signal) {
    got.push_back(signal);
    arrived.wake_all();
  });
  ::kill(::getpid(), SIGUSR1);
  while (got.empty()) co_await arrived.wait();
  ::kill(::getpid(), SIGUSR2);
  while (got.size() < 2) co_await arrived.wait();
  EXPECT_EQ(got, (std::vector<int>{SIGUSR1, SIGUSR2}));
}

REAL_TEST(AFullDescriptorTableDelaysAnAcceptAndEndsNothing) {
  OS_MUST(auto listener, co_await world.host().net().listen(world.loop(), world.anywhere()));
  OS_MUST(auto near, co_await world.host().net().connect(world.loop(), listener->address(), 5s));
  std::vector<Fd> hoard;
  rlimit before{};
  ::getrlimit(RLIMIT_NOFILE, &before);
  rlimit low = before;
  low.rlim_cur = 64;
  ::setrlimit(RLIMIT_NOFILE, &low);
  while (true) {
    Fd more(::dup(0));
    if (!more) break;
    hoard.push_back(std::move(more));
  }
  Result<std::unique_ptr<Stream>> accepted = fail(Code::io, "");
  rt::Scope scope(world.loop());
  scope.spawn(conformance::accept_into(*listener, accepted));
  EXPECT_EQ(scope.running(), 1u);
  EXPECT_NE(world.logged().find("Too many open files"), std::string::npos) << world.logged();
  hoard.clear();
  ::setrlimit(RLIMIT_NOFILE, &before);
  co_await scope.join();
  EXPECT_TRUE(accepted.has_value());
}

REAL_TEST(AStaleSocketFileIsReplacedAndAnotherFileIsNot) {
  Address at = world.unix_address("s");
  {
    Fd stale(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_un name{};
    name.sun_family = AF_UNIX;
    at.path.copy(name.sun_path, sizeof name.sun_path - 1);
    EXPECT_EQ(::bind(stale.get(), reinterpret_cast<sockaddr*>(&name), sizeof name), 0);
  }
  OS_MUST(auto listener, co_await world.host().net().listen(world.loop(), at));
  auto twice = co_await world.host().net().listen(world.loop(), at);
  EXPECT_EQ(twice.error().code, Code::busy);
  listener.reset();
  EXPECT_FALSE(std::filesystem::exists(at.path));

  Address file = world.unix_address("f");
  OpenOptions options;
  options.create = Create::must_be_new;
  OS_MUST(auto made, co_await world.host().files().open(world.loop(), file.path, options));
  auto refused = co_await world.host().net().listen(world.loop(), file);
  EXPECT_EQ(refused.error().code, Code::busy);
  EXPECT_TRUE(std::filesystem::exists(file.path));
}

REAL_TEST(NamesAndIpv6AreUnderstood) {
  Address any = parse_address("localhost:0").value();
  OS_MUST(auto listener, co_await world.host().net().listen(world.loop(), any));
  OS_MUST(auto near, co_await world.host().net().connect(world.loop(), listener->address(), 5s));
  auto nowhere = co_await world.host().net().connect(world.loop(), parse_address("no-such-name.invalid:1").value(), 5s);
  EXPECT_FALSE(nowhere.has_value());
  if (auto v6 = co_await world.host().net().listen(world.loop(), parse_address("[::1]:0").value())) {
    OS_MUST(auto over_v6, co_await world.host().net().connect(world.loop(), (*v6)->address(), 5s));
    EXPECT_EQ(over_v6->peer_name(), text_of((*v6)->address()));
  }
}

REAL_TEST(UnixPeersAreKnownByTheirUser) {
  OS_MUST(conformance::Pair pair, co_await conformance::connect_pair(world, world.unix_address("s")));
  EXPECT_EQ(pair.far->peer_uid(), std::optional<unsigned>(::getuid()));
  EXPECT_EQ(pair.near->peer_uid(), std::optional<unsigned>(::getuid()));
}

REAL_TEST(ABusyLockNamesItsOwner) {
  auto job = [&world] {
    auto held = world.host().files().lock(world.path("lock"));
    return world.host().files().lock(world.path("lock")).error().message;
  };
  std::string message = co_await conformance::on_worker(world, job);
  EXPECT_NE(message.find("process " + std::to_string(::getpid())), std::string::npos) << message;
}

REAL_TEST(OnlyFilesAndBlockDevicesAreOpened) {
  for (const char* path : {"/dev/full", "/dev"}) {
    OpenOptions read_only;
    read_only.read_only = true;
    auto refused = co_await world.host().files().open(world.loop(), path, read_only);
    EXPECT_EQ(refused.error().code, Code::invalid) << path;
  }
}

// --- TLS beyond pins

rt::Task<Result<conformance::TlsPair>> ca_handshake(RealWorld& world, std::string trusted, std::string name, Identity server) {
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
  EXPECT_NE(wrong_name.client.error().message.find("mismatch"), std::string::npos) << wrong_name.client.error().message;
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

INSTANTIATE_TEST_SUITE_P(Both, Real, testing::ValuesIn(kinds()), [](const auto& param) {
  return std::string(param.param == Io::uring ? "uring" : "threads");
});

// --- without a world

TEST(RealHost, SaysWhichInputAndOutputItUses) {
  std::string log;
  RealOptions options = options_with(Io::threads);
  options.log = [&](std::string_view line) { log += line; };
  RealHost host(std::move(options));
  EXPECT_EQ(host.io(), Io::threads);
  EXPECT_EQ(host.why_not_uring(), "");
  EXPECT_EQ(log, "input and output: epoll and threads");
}

TEST(RealHost, StopBeforeRunMakesItReturnAtOnce) {
  RealHost host(options_with(Io::threads));
  host.stop_control();
  host.run_control();
  bool ran = false;
  host.control_loop().post(rt::Callback([&] {
    ran = true;
    host.stop_control();
  }));
  host.run_control();
  EXPECT_TRUE(ran);
}

TEST(RealHost, ABusyPollingLoopStillSleepsAndWakes) {
  RealOptions options = options_with(Io::automatic);
  options.busy_poll = 50us;
  RealHost host(std::move(options));
  rt::Loop& other = host.start_loop("other");
  int rounds = 0;
  rt::Loop& control = host.control_loop();
  std::function<void()> again = [&] {
    if (++rounds == 20) return host.stop_control();
    other.post(rt::Callback([&] { control.post(rt::Callback([&] { again(); })); }));
  };
  control.at(host.clock().now() + 2ms, [&] { again(); });
  host.run_control();
  EXPECT_EQ(rounds, 20);
}

TEST(Errno, EveryNumberHasACode) {
  for (int number = 0; number < 200; ++number) EXPECT_NE(name_of(code_of(number)), "unknown");
  EXPECT_EQ(code_of(ENOSPC), Code::no_space);
  EXPECT_EQ(code_of(EDQUOT), Code::no_space);
  EXPECT_EQ(code_of(EROFS), Code::read_only);
  EXPECT_EQ(code_of(ECONNRESET), Code::unreachable);
  EXPECT_EQ(code_of(EIO), Code::io);
}

TEST(Gather, WalksOverAnySplitAndSkipsWhatIsEmpty) {
  const std::string text = "abcdefghij";
  const std::vector<Span> parts{as_span("").first(0), as_span(text).first(3), Span{}, as_span(text).subspan(3), Span{}};
  for (std::size_t step = 1; step <= text.size(); ++step) {
    Gather gather(parts);
    std::string seen;
    while (!gather.done()) {
      std::string now;
      for (const iovec& vector : gather.next()) now.append(static_cast<const char*>(vector.iov_base), vector.iov_len);
      EXPECT_EQ(seen + now, text);
      const std::size_t n = std::min(step, now.size());
      seen += now.substr(0, n);
      gather.took(n);
    }
    EXPECT_EQ(seen, text);
    EXPECT_EQ(gather.taken(), text.size());
  }
}

}  // namespace

std::vector<conformance::Param> worlds() {
  std::vector<conformance::Param> all;
  for (Io io : kinds()) {
    all.push_back({io == Io::uring ? "uring" : "threads", [io] { return make_world(io); }});
  }
  return all;
}

}  // namespace lockstep::os::real

LOCKSTEP_OS_CONFORMANCE(Real, testing::ValuesIn(lockstep::os::real::worlds()))
