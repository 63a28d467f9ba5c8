#include "os/real/real.h"

#include <signal.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <filesystem>
#include <thread>

#include "os/real/errno.h"
#include "os/real/fd.h"
#include "os/real/gather.h"
#include "os/real/real_testing.h"

namespace lockstep::os::real {
namespace {

REAL_TEST(PostsFromManyThreadsAllArriveInEachOnesOrder) {
  rt::Loop& loop = world.loop();
  constexpr int threads = 4, posts = 2000;
  std::vector<std::vector<int>> seen(threads);
  rt::Signal arrived(loop);
  std::vector<std::thread> posters;
  posters.reserve(threads);
  for (int t = 0; t < threads; ++t) {
    posters.emplace_back([&loop, &seen, &arrived, t] {
      for (int i = 0; i < posts; ++i) {
        loop.post(rt::Callback([&seen, &arrived, t, i] {
          seen[static_cast<std::size_t>(t)].push_back(i);
          if (i + 1 == posts) arrived.wake_all();
        }));
        if (i % 50 == 0) std::this_thread::yield();  // lets the loop fall asleep now and then
      }
    });
  }
  auto all_in = [&] {
    return std::ranges::all_of(seen, [](const auto& one) { return one.size() == posts; });
  };
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
    CHECK(stale);
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
  auto nowhere =
      co_await world.host().net().connect(world.loop(), parse_address("no-such-name.invalid:1").value(), 5s);
  EXPECT_FALSE(nowhere.has_value());
  if (auto v6 = co_await world.host().net().listen(world.loop(), parse_address("[::1]:0").value())) {
    OS_MUST(auto over_v6, co_await world.host().net().connect(world.loop(), (*v6)->address(), 5s));
    EXPECT_EQ(over_v6->peer_name(), text_of((*v6)->address()));
  }
}

REAL_TEST(ATurnThatHoldsTheLoopIsCounted) {
  const std::uint64_t before = world.host().loops().front().stalls;
  const Instant until = world.loop().clock().now() + 2ms;
  while (world.loop().clock().now() < until) {}
  rt::Stop never;
  ignore(co_await rt::sleep_for(world.loop(), 1ms, never), "nothing stops it");
  EXPECT_GT(world.host().loops().front().stalls, before);
  EXPECT_GE(world.host().loops().front().longest, 2ms);
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
  const std::vector<Span> parts{as_span("").first(0), as_span(text).first(3), Span{},
                                as_span(text).subspan(3), Span{}};
  for (std::size_t step = 1; step <= text.size(); ++step) {
    Gather gather(parts);
    std::string seen;
    while (!gather.done()) {
      std::string now;
      for (const iovec& vector : gather.next())
        now.append(static_cast<const char*>(vector.iov_base), vector.iov_len);
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
}  // namespace lockstep::os::real
