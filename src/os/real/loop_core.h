// LoopCore: the turn. Ready queue, turn end, timers, posts from other threads, jobs; how to wait is a
// subclass's business. Promises: a post from this loop takes no lock; one from elsewhere makes a system call
// only if the loop is asleep;
//           whoever keeps posting to himself cannot keep the world out for longer than a turn.
// Lives on: the thread that calls run(); post() and stop() may come from any.
#pragma once

#include <atomic>
#include <chrono>
#include <coroutine>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "os/real/clock.h"
#include "os/real/completion.h"
#include "os/real/fd.h"
#include "os/real/timers.h"
#include "os/real/workers.h"
#include "rt/rt.h"

namespace lockstep::os::real {

class LoopCore : public rt::Loop {
 public:
  LoopCore(std::string name, Workers& workers, Duration busy_poll);
  ~LoopCore() override;

  [[nodiscard]] const rt::Clock& clock() const override { return clock_; }
  void post(rt::Callback callback) override;
  void post(std::coroutine_handle<> handle) override;
  void at_turn_end(rt::Callback callback) override { turn_end_.push_back(std::move(callback)); }
  TimerId at(Instant when, rt::Callback callback) override {
    CHECK(is_mine());
    return timers_.add(when, std::move(callback));
  }
  void cancel(TimerId timer) override { timers_.cancel(timer); }
  void work(rt::Callback job, rt::Callback done) override;

  void run();               // until stop(); always on one thread
  void stop() noexcept;     // from any thread or signal handler; before run(), it makes that return at once
  void drain();             // after run(), on its thread: jobs come home, what is ready runs
  virtual void finish() {}  // last, on its thread: no run() follows

  void complete(Completion& completion, int result);  // on this loop
  void job_ended(rt::Callback done);                  // from a worker
  [[nodiscard]] std::uint64_t turn_number() const { return turn_; }
  [[nodiscard]] const std::string& name() const { return name_; }
  // Turns that kept the world waiting for more than stall_least, and the longest turn. From any thread.
  static constexpr Duration stall_least = std::chrono::milliseconds(1);
  [[nodiscard]] std::uint64_t stalls() const { return stalls_.load(std::memory_order_relaxed); }
  [[nodiscard]] Duration longest_turn() const { return Duration{longest_turn_ns_.load(std::memory_order_relaxed)}; }

 protected:
  virtual void start() {}  // first thing in every run()
  virtual void poll(
      std::optional<Duration> at_most) = 0;  // collects answers; nothing: waits until there is one
  [[nodiscard]] int wake_fd() const {
    return wake_.get();
  }  // an eventfd that is never read: each write is an edge

 private:
  struct Ready {
    std::coroutine_handle<> handle;
    rt::Callback callback;
    bool ends_job = false;
  };
  [[nodiscard]] bool is_mine() const {
    return current() == this || current() == nullptr;
  }  // nullptr: before run()
  void turn();
  void run_ready();
  void note_turn(Duration busy);
  void run_turn_end();
  void take_posted();
  void wait_for_the_world();
  void post_from_elsewhere(Ready ready);
  void wake_if_asleep() noexcept;

  const std::string name_;
  SystemClock clock_;
  Workers& workers_;
  const Duration busy_poll_;
  Fd wake_;

  // This loop's thread only.
  std::vector<Ready> ready_;
  std::vector<Ready> running_;
  std::vector<rt::Callback> turn_end_;
  Timers timers_;
  std::size_t jobs_ = 0;
  std::uint64_t turn_ = 0;

  // Everybody's.
  std::mutex mutex_;
  std::vector<Ready> posted_;  // by mutex_
  std::vector<Ready> taken_;   // this loop's thread: posted_ of the last time, its memory kept
  std::atomic<bool> has_posted_ = false;
  std::atomic<bool> asleep_ = false;
  std::atomic<unsigned> posting_ = 0;  // threads inside post_from_elsewhere()
  std::atomic<bool> stop_ = false;
  std::atomic<std::uint64_t> stalls_ = 0;            // written by this loop's thread only, like the next
  std::atomic<Duration::rep> longest_turn_ns_ = 0;
};

// `co_await`able: `start(completion)` begins the operation; the result is what Completion says.
template <class Start>
struct Await {
  Start start;
  Completion completion{};
  bool await_ready() const noexcept { return false; }
  void await_suspend(std::coroutine_handle<> h) {
    completion.waiter = h;
    start(completion);
  }
  int await_resume() const noexcept { return completion.result; }
};
template <class Start>
Await(Start) -> Await<Start>;

}  // namespace lockstep::os::real
