#include "replica/rewind/rewind.h"

#include <map>

#include "replica/replica.h"
#include "replica/rewind/windows.h"

namespace lockstep::replica {
namespace {

rt::Task<std::unique_ptr<Windows>> make_windows(pool::Pool& pool, const RewindOptions& options) {
  auto windows = std::make_unique<Windows>(pool, options);
  windows->start();
  co_return windows;
}

rt::Task<void> end_windows(std::unique_ptr<Windows> windows) {
  co_await windows->stop();
  windows.reset();
}

class Rewinds final : public Rewind {
 public:
  Rewinds(rt::Loop& control, Pools& pools, RewindOptions options) : pools_(pools), options_(options), ended_(control) {}
  ~Rewinds() override { CHECK(seats_.empty()); }

  rt::Task<Result<>> start() override {
    for (pool::Pool* pool : pools_.pools()) {
      PoolId id = pool->id();
      CO_TRY_VOID(co_await pool_opened(id));
    }
    co_return Result<>{};
  }
  rt::Task<void> stop() override {
    while (!seats_.empty()) {
      PoolId id = seats_.begin()->first;
      co_await pool_closing(id);
    }
  }
  rt::Task<Result<>> pool_opened(PoolId id) override {
    pool::Pool* pool = pools_.find(id);
    if (pool == nullptr || seats_.contains(id)) co_return Result<>{};
    auto seat = std::make_shared<Seat>();
    seat->pool = pool;
    seats_[id] = seat;
    seat->windows = co_await rt::run_on(pool->loop(), make_windows(*pool, options_));
    ended_.wake_all();
    co_return Result<>{};
  }
  rt::Task<void> pool_closing(PoolId id) override {
    auto at = seats_.find(id);
    if (at == seats_.end()) co_return;
    std::shared_ptr<Seat> seat = at->second;
    seats_.erase(at);
    seat->closing = true;
    while (seat->users > 0 || !seat->windows) co_await ended_.wait();
    co_await rt::run_on(seat->pool->loop(), end_windows(std::move(seat->windows)));
  }

  rt::Task<Result<>> set_window(PoolId pool, GroupId group, RewindWindow window) override {
    CO_TRY(Use use, use_of(pool));
    co_return co_await rt::run_on(use.loop(), use.windows().set(group, window));
  }
  rt::Task<Result<RecoveryPoints>> points(PoolId pool, GroupId group) override {
    CO_TRY(Use use, use_of(pool));
    co_return co_await rt::run_on(use.loop(), use.windows().points(group));
  }
  rt::Task<Result<RewindForecast>> forecast(RewindRequest request) override {
    CO_TRY(Use use, use_of(request.pool));
    co_return co_await rt::run_on(use.loop(), use.windows().forecast(request.group, std::move(request.to), std::move(request.name)));
  }
  rt::Task<Result<Rewound>> open(RewindRequest request, Watcher& watcher) override {
    CO_TRY(Use use, use_of(request.pool));
    CO_TRY(Windows::Progress now, co_await rt::run_on(use.loop(), use.windows().begin(request.group, std::move(request.to), std::move(request.name))));
    Result<> going;
    while (now.more && going) {
      watcher.progress(now.done, now.total);
      if (watcher.stop().requested() || use.closing()) {
        going = fail(Code::cancelled, "the rewind was cancelled; nothing of it is left");
        break;
      }
      Result<Windows::Progress> stepped = co_await rt::run_on(use.loop(), use.windows().step(now.number));
      if (stepped) now = *stepped;
      else going = fail(stepped.error());
    }
    Result<Rewound> ended = co_await rt::run_on(use.loop(), use.windows().end(now.number, going.has_value()));
    if (!going) co_return fail(going.error());
    co_return ended;
  }

 private:
  struct Seat {
    pool::Pool* pool = nullptr;
    std::unique_ptr<Windows> windows;
    std::size_t users = 0;
    bool closing = false;
  };
  // Keeps the windows while it lives.
  class Use {
   public:
    Use(std::shared_ptr<Seat> seat, rt::Signal& ended) : seat_(std::move(seat)), ended_(&ended) { ++seat_->users; }
    Use(Use&&) noexcept = default;
    Use& operator=(Use&&) = delete;
    ~Use() {
      if (!seat_) return;
      --seat_->users;
      ended_->wake_all();
    }
    [[nodiscard]] Windows& windows() const { return *seat_->windows; }
    [[nodiscard]] rt::Loop& loop() const { return seat_->pool->loop(); }
    [[nodiscard]] bool closing() const { return seat_->closing; }

   private:
    std::shared_ptr<Seat> seat_;   // shared: whoever closes the pool waits for its users
    rt::Signal* ended_;
  };
  Result<Use> use_of(PoolId pool) {
    auto at = seats_.find(pool);
    if (at == seats_.end() || !at->second->windows) return fail(Code::busy, "the pool is being opened or closed");
    return Use(at->second, ended_);
  }

  Pools& pools_;
  const RewindOptions options_;
  std::map<PoolId, std::shared_ptr<Seat>> seats_;
  rt::Signal ended_;
};

}  // namespace

std::unique_ptr<Rewind> make_rewind(rt::Loop& control, Pools& pools, RewindOptions options) { return std::make_unique<Rewinds>(control, pools, options); }

}  // namespace lockstep::replica
