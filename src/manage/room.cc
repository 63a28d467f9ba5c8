#include "manage/room.h"

#include <algorithm>

#include "manage/refusal.h"

namespace lockstep::manage {

namespace {

constexpr Duration every = std::chrono::seconds(5);

// On the pool's loop.
rt::Task<store::Space> space_in(pool::Pool* pool) { co_return pool->status().space; }

std::string mib(Bytes bytes) { return std::to_string(bytes.value >> 20) + " MiB"; }

// Below that, a pool is nearly full: as much again as is kept back, and in a small pool a tenth.
Bytes floor_of(const store::Space& space) noexcept { return std::min(space.reserved, Bytes{space.total.value / 10}); }

}  // namespace

Bytes free_in(const store::Space& space) noexcept {
  const std::uint64_t taken = space.used.value + space.reserved.value;
  return Bytes{space.total.value > taken ? space.total.value - taken : 0};
}

bool nearly_full(const store::Space& space) noexcept { return space.total.value > 0 && free_in(space) < floor_of(space); }

rt::Task<Answer<>> room_for(PoolSet::Hold& hold, std::string what) {
  const store::Space space = co_await rt::run_on(hold.loop(), space_in(&hold.pool()));
  if (!nearly_full(space)) co_return Answer<>{};
  std::string message = "pool '" + hold.name() + "' is nearly full: " + mib(free_in(space)) + " of " + mib(space.total) + " are free, and below " + mib(floor_of(space)) + " " + what + " is not made, so that hosts can go on writing";
  co_return refuse(Refusal{ReturnCode::insufficient_resources, std::move(message), "Delete snapshots or volumes that are not needed (`lockstep snapshot list`), or give the pool more room.", hold.name(), Code::no_space});
}

rt::Task<void> Watermark::run() {
  while (true) {
    for (PoolSet::Hold& hold : pools_.hold_all()) {
      const store::Space space = co_await rt::run_on(hold.loop(), space_in(&hold.pool()));
      const bool now = nearly_full(space);
      if (now == nearly_full_.contains(hold.name())) continue;
      Event event;
      event.severity = now ? Severity::warning : Severity::information;
      event.kind = "Space";
      event.object_type = "Pool";
      event.object = hold.name();
      event.before = now ? "enough" : "nearly full";
      event.after = now ? "nearly full" : "enough";
      event.cause = mib(free_in(space)) + " of " + mib(space.total) + " are free" + (now ? "; no snapshots, clones and points in time are made below " + mib(floor_of(space)) : "");
      events_.emit(std::move(event));
      if (now) nearly_full_.insert(hold.name());
      else nearly_full_.erase(hold.name());
    }
    const bool goes_on = co_await rt::sleep_for(control_, every, scope_.stop());
    if (!goes_on) co_return;
  }
}

}  // namespace lockstep::manage
