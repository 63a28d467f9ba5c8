#include <sys/resource.h>

#include <algorithm>
#include <mutex>
#include <thread>
#include <utility>

#include "os/real/clock.h"
#include "os/real/epoll_loop.h"
#include "os/real/files.h"
#include "os/real/net.h"
#include "os/real/prompt.h"
#include "os/real/random.h"
#include "os/real/real.h"
#include "os/real/signals.h"
#include "os/real/tls.h"
#include "os/real/uring_loop.h"
#include "os/real/workers.h"

namespace lockstep::os::real {
namespace {

struct LoopThread {
  std::unique_ptr<IoLoop> loop;
  std::thread thread;
  void end() {
    loop->stop();
    thread.join();
  }
};

unsigned worker_count(const RealOptions& options) {
  return options.worker_threads != 0 ? options.worker_threads
                                     : std::max(4u, 2 * std::thread::hardware_concurrency());
}

// Files, sockets and their extra descriptors: as many as the administrator allows, whatever an old select() could bear.
void raise_descriptor_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

}  // namespace

std::string_view name_of(Io io) noexcept {
  switch (io) {
    case Io::automatic: return "automatic";
    case Io::uring: return "io_uring";
    case Io::threads: return "epoll and threads";
  }
  return "unknown";
}

struct RealHost::Parts {
  explicit Parts(RealOptions from)
      : options(std::move(from)), workers(worker_count(options)), net(options.log), tls(random, clock) {}

  std::unique_ptr<IoLoop> make_loop(const std::string& name) {
    if (io == Io::uring) {
      std::string why;
      if (auto loop = UringLoop::make(name, workers, options.busy_poll, why)) return loop;
      options.log("loop " + name +
                  " runs over epoll and threads: " + why);  // such as a bound on locked memory
    }
    return std::make_unique<EpollLoop>(name, workers, options.busy_poll);
  }

  const RealOptions options;
  Io io = Io::threads;
  std::string why_not;
  SystemClock clock;
  SystemRandom random;
  SystemFiles files;
  Workers workers;
  SystemNet net;
  SystemTls tls;
  std::unique_ptr<IoLoop> control;
  std::vector<std::unique_ptr<SignalWatch>> signals;
  std::mutex mutex;
  std::vector<LoopThread> loops;  // by mutex
};

RealHost::RealHost(RealOptions options) {
  if (!options.log) options.log = [](std::string_view) {};
  raise_descriptor_limit();
  const Io wanted = options.io;
  parts_ = std::make_unique<Parts>(std::move(options));
  if (wanted != Io::threads) {
    parts_->why_not = why_no_uring();
    CHECK(parts_->why_not.empty() || wanted != Io::uring);
    if (parts_->why_not.empty()) parts_->io = Io::uring;
  }
  std::string line = "input and output: " + std::string(name_of(parts_->io));
  if (!parts_->why_not.empty()) line += " (" + parts_->why_not + ")";
  parts_->options.log(line);
  parts_->control = parts_->make_loop("control");
}

RealHost::~RealHost() {
  std::vector<LoopThread> loops;
  {
    std::lock_guard lock(parts_->mutex);
    loops = std::move(parts_->loops);
  }
  for (LoopThread& one : loops) one.end();
  parts_->control->drain();
  parts_->control->finish();
  parts_->signals.clear();
}

const rt::Clock& RealHost::clock() { return parts_->clock; }
Random& RealHost::random() { return parts_->random; }
os::Files& RealHost::files() { return parts_->files; }
os::Net& RealHost::net() { return parts_->net; }
os::Tls& RealHost::tls() { return parts_->tls; }
Io RealHost::io() const { return parts_->io; }
const std::string& RealHost::why_not_uring() const { return parts_->why_not; }

std::vector<LoopReport> RealHost::loops() const {
  auto report = [](const LoopCore& loop) { return LoopReport{loop.name(), loop.stalls(), loop.longest_turn()}; };
  std::vector<LoopReport> reports{report(*parts_->control)};
  std::lock_guard lock(parts_->mutex);
  for (const LoopThread& one : parts_->loops) reports.push_back(report(*one.loop));
  return reports;
}

rt::Loop& RealHost::start_loop(std::string name) {
  LoopThread one;
  one.loop = parts_->make_loop(name);
  IoLoop& loop = *one.loop;
  SignalsBlocked blocked;
  one.thread = std::thread([&loop] {
    make_this_thread_prompt();
    name_this_thread(loop.name());
    loop.run();
    loop.drain();
    loop.finish();
  });
  std::lock_guard lock(parts_->mutex);
  parts_->loops.push_back(std::move(one));
  return loop;
}

void RealHost::end_loop(rt::Loop& loop) {
  CHECK(rt::Loop::current() != &loop);
  LoopThread ended;
  {
    std::lock_guard lock(parts_->mutex);
    auto at =
        std::ranges::find_if(parts_->loops, [&](const LoopThread& one) { return one.loop.get() == &loop; });
    CHECK(at != parts_->loops.end());
    ended = std::move(*at);
    parts_->loops.erase(at);
  }
  ended.end();
}

rt::Loop& RealHost::control_loop() { return *parts_->control; }
void RealHost::run_control() { parts_->control->run(); }
void RealHost::stop_control() noexcept { parts_->control->stop(); }

void RealHost::on_signal(const std::vector<int>& signals, SignalCallback callback) {
  parts_->signals.push_back(std::make_unique<SignalWatch>(*parts_->control, signals, std::move(callback)));
}

}  // namespace lockstep::os::real
