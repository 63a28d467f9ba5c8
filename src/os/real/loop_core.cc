#include "os/real/loop_core.h"

#include <sys/eventfd.h>

#include <algorithm>
#include <thread>
#include <utility>

namespace lockstep::os::real {
namespace {

// How often what was posted meanwhile still belongs to the same turn. Chains of wake-ups end well before
// that.
constexpr int passes_most = 32;

}  // namespace

LoopCore::LoopCore(std::string name, Workers& workers, Duration busy_poll)
    : name_(std::move(name)),
      workers_(workers),
      busy_poll_(busy_poll),
      wake_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  CHECK(wake_);
}

// What somebody posted may be why this loop ends, while he has not yet come back from posting it.
LoopCore::~LoopCore() {
  while (posting_.load(std::memory_order_acquire) != 0) std::this_thread::yield();
}

void LoopCore::post(rt::Callback callback) {
  Ready ready{.handle = nullptr, .callback = std::move(callback), .ends_job = false};
  if (current() == this) {
    ready_.push_back(std::move(ready));
  } else {
    post_from_elsewhere(std::move(ready));
  }
}

void LoopCore::post(std::coroutine_handle<> handle) {
  Ready ready{.handle = handle, .callback = nullptr, .ends_job = false};
  if (current() == this) {
    ready_.push_back(std::move(ready));
  } else {
    post_from_elsewhere(std::move(ready));
  }
}

void LoopCore::complete(Completion& completion, int result) {
  completion.result = result;
  if (completion.waiter) {
    ready_.push_back(Ready{.handle = completion.waiter, .callback = nullptr, .ends_job = false});
  } else {
    completion.call(completion);
  }
}

void LoopCore::work(rt::Callback job, rt::Callback done) {
  CHECK(is_mine());
  ++jobs_;
  workers_.run(*this, std::move(job), std::move(done));
}

void LoopCore::job_ended(rt::Callback done) {
  post_from_elsewhere(Ready{.handle = nullptr, .callback = std::move(done), .ends_job = true});
}

// Either the loop sees has_posted_ before it sleeps, or this sees asleep_: both sides write first, then read
// the other's word, in one total order.
void LoopCore::post_from_elsewhere(Ready ready) {
  posting_.fetch_add(1, std::memory_order_relaxed);
  {
    std::lock_guard lock(mutex_);
    posted_.push_back(std::move(ready));
    has_posted_.store(true);
  }
  wake_if_asleep();
  posting_.fetch_sub(1, std::memory_order_release);
}

void LoopCore::wake_if_asleep() noexcept {
  if (!asleep_.exchange(false)) return;
  const std::uint64_t one = 1;
  [[maybe_unused]] ssize_t n = ::write(wake_.get(), &one, sizeof one);
}

void LoopCore::stop() noexcept {
  stop_.store(true);
  wake_if_asleep();
}

void LoopCore::take_posted() {
  if (!has_posted_.load(std::memory_order_acquire)) return;
  {
    std::lock_guard lock(mutex_);
    has_posted_.store(false);
    std::swap(posted_, taken_);
  }
  std::move(taken_.begin(), taken_.end(), std::back_inserter(ready_));
  taken_.clear();
}

void LoopCore::run_ready() {
  for (int pass = 0; pass < passes_most && !ready_.empty(); ++pass) {
    std::swap(ready_, running_);
    for (Ready& ready : running_) {
      if (ready.ends_job) --jobs_;
      if (ready.handle) {
        ready.handle.resume();
      } else {
        ready.callback();
        ready.callback = nullptr;
      }
    }
    running_.clear();
  }
}

void LoopCore::run_turn_end() {
  for (std::size_t i = 0; i < turn_end_.size(); ++i) {  // grows while it runs
    rt::Callback callback = std::move(turn_end_[i]);
    callback();
  }
  turn_end_.clear();
}

// By the clock: time that others had on this core counts, since whoever waits for this loop waits for them too.
void LoopCore::note_turn(Duration busy) {
  if (busy.count() > longest_turn_ns_.load(std::memory_order_relaxed)) longest_turn_ns_.store(busy.count(), std::memory_order_relaxed);
  if (busy > stall_least) stalls_.store(stalls_.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
}

void LoopCore::turn() {
  ++turn_;
  const Instant begun = clock_.now();
  take_posted();
  if (!timers_.empty()) timers_.run_due(begun);
  run_ready();
  run_turn_end();
  note_turn(clock_.now() - begun);
  if (ready_.empty()) {
    wait_for_the_world();
  } else {
    poll(Duration{0});
  }
}

void LoopCore::wait_for_the_world() {
  std::optional<Duration> at_most;
  if (!timers_.empty()) at_most = std::max(Duration{0}, timers_.next() - clock_.now());
  if (busy_poll_ > Duration{0} && at_most != Duration{0}) {
    const Instant until = clock_.now() + std::min(busy_poll_, at_most.value_or(busy_poll_));
    do {
      poll(Duration{0});
      if (!ready_.empty() || has_posted_.load(std::memory_order_acquire) || stop_.load()) return;
    } while (clock_.now() < until);
    if (at_most) at_most = std::max(Duration{0}, timers_.next() - clock_.now());
  }
  asleep_.store(true);
  if (has_posted_.load() || stop_.load()) at_most = Duration{0};
  poll(at_most);
  asleep_.store(false);
}

void LoopCore::run() {
  CHECK(current() == nullptr);
  set_current(this);
  start();
  while (!stop_.load(std::memory_order_relaxed)) turn();
  stop_.store(false);
  set_current(nullptr);
}

void LoopCore::drain() {
  set_current(this);
  constexpr int turns_most = 1000;  // whoever posts to himself for ever is cut off here
  for (int i = 0; jobs_ > 0 || i < turns_most; ++i) {
    take_posted();
    run_ready();
    run_turn_end();
    if (!ready_.empty() || has_posted_.load()) continue;
    if (jobs_ == 0) break;
    wait_for_the_world();
  }
  set_current(nullptr);
}

}  // namespace lockstep::os::real
