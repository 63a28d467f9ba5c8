// World: virtual time and its one queue of events.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include "base/base.h"
#include "os/sim/options.h"
#include "os/sim/rng.h"
#include "rt/rt.h"

namespace lockstep::os::sim {

class Host;
class Life;
class Network;

enum class Event : std::uint8_t { turn, timer, job, disk, net, life, note };

class World {
 public:
  using Predicate = std::function<bool()>;

  explicit World(std::uint64_t seed, WorldOptions options = {});
  ~World();
  World(const World&) = delete;
  World& operator=(const World&) = delete;

  Host& add_host(std::string name);             // up and running; names are also network names
  [[nodiscard]] Host& host(std::string_view name);
  [[nodiscard]] Host* try_host(std::string_view name);   // null when there is none
  [[nodiscard]] std::vector<Host*> hosts();              // in the order they were added
  [[nodiscard]] Network& network() { return *network_; }
  [[nodiscard]] Rng& rng() { return rng_; }     // for the test's own choices
  [[nodiscard]] std::uint64_t seed() const { return seed_; }
  [[nodiscard]] const WorldOptions& options() const { return options_; }

  [[nodiscard]] Instant now() const { return now_; }
  // Until `done()`, asked after every event. False when nothing is left to happen, or `at_most` has passed.
  bool run_until(const Predicate& done, Duration at_most = std::chrono::hours(24));
  // All events up to and at `when`; it is `when` afterwards.
  void run_until(Instant when);
  void run_for(Duration length) { run_until(now_ + length); }
  // Until nothing is left to happen. False when `at_most` has passed first.
  bool run_until_idle(Duration at_most = std::chrono::hours(24));
  // Starts `task` on `loop` and runs the world until it has ended. A task that never ends is the test's failure (CHECK).
  template <class T>
  T run(rt::Loop& loop, rt::Task<T> task, Duration at_most = std::chrono::hours(24)) {
    auto end = start(loop, std::move(task));
    expect_end(run_until([&] { return end->has_value(); }, at_most));
    if constexpr (!std::is_void_v<T>) return std::move(**end);
  }
  // Starts `task` on `loop`; its value is there once it has ended.
  template <class T>
  [[nodiscard]] auto start(rt::Loop& loop, rt::Task<T> task) {
    using Held = std::conditional_t<std::is_void_v<T>, bool, T>;
    auto end = std::make_shared<std::optional<Held>>();
    loop.post(rt::Callback([task = std::move(task), end]() mutable { drive(std::move(task), std::move(end)); }));
    return end;
  }

  // Over (time, host, kind, bytes) of everything that has happened. Equal for equal seeds and programs.
  [[nodiscard]] std::uint64_t event_hash() const { return hash_; }
  [[nodiscard]] std::uint64_t events() const { return events_; }
  // Folds something of the test's own into the hash.
  void note(std::string_view what) { fold(Event::note, 0, checksum_of(as_span(what)).value); }

  // For the parts of the simulation, from here down.
  using Key = std::tuple<Instant, std::uint64_t, std::uint64_t>;   // when, order within the instant, sequence
  Key schedule(Instant when, Life* life, Event kind, rt::Callback callback);   // no life: the network's
  void cancel(const Key& key) { queue_.erase(key); }
  void fold(Event kind, std::uint64_t who, std::uint64_t what);
  void forget(Life& life);                                          // drops its events
  void run_only(Life& life, const Predicate& done);
  // True while an event runs that is not a worker job: blocking calls are our own mistake then.
  [[nodiscard]] bool on_loop() const;

 private:
  struct Entry {
    Life* life;
    Event kind;
    rt::Callback callback;
  };
  struct Driver {
    struct promise_type {
      Driver get_return_object() const noexcept { return {}; }
      std::suspend_never initial_suspend() const noexcept { return {}; }
      std::suspend_never final_suspend() const noexcept { return {}; }
      void return_void() const noexcept {}
      [[noreturn]] void unhandled_exception() const noexcept { std::terminate(); }
    };
  };
  template <class T, class Held>
  static Driver drive(rt::Task<T> task, std::shared_ptr<std::optional<Held>> end) {
    std::optional<Held> value;
    {
      rt::Task<T> owned = std::move(task);
      if constexpr (std::is_void_v<T>) {
        co_await owned;
        value.emplace(true);
      } else {
        value.emplace(co_await owned);
      }
    }
    *end = std::move(value);
  }
  void expect_end(bool ended) const;
  void happen(std::map<Key, Entry>::iterator it);

  std::uint64_t seed_;
  WorldOptions options_;
  Rng rng_;
  Rng order_;
  Instant now_{};
  std::map<Key, Entry> queue_;
  std::uint64_t sequence_ = 0;
  std::uint64_t hash_ = 0;
  std::uint64_t events_ = 0;
  std::unique_ptr<Network> network_;
  std::vector<std::unique_ptr<Host>> hosts_;
};

}  // namespace lockstep::os::sim
