#include "pool/native/admission.h"

#include <algorithm>

namespace lockstep::pool::native {

namespace {
constexpr Duration nap = std::chrono::milliseconds(1);
constexpr int refusals_max = 4;   // of the file system, with a checkpoint after each
}  // namespace

Admission::Admission(Core& core)
    : core_(core),
      slow_at_(core.options.overlay.value / 4 * 3),
      local_limit_(core.options.overlay.value / 16 * 15),
      limit_(core.options.overlay.value),
      kept_room_(core.options.journal.batch_max.value / 2),
      most_room_(core.options.journal.segment_size.value / 2),
      line_{{core.loop, 1}, {core.loop, 1}},
      making_room_(core.loop, 1) {}

rt::Task<Result<>> Admission::enter(std::uint64_t cost, Entrant who) {
  rt::Budget& line = line_[static_cast<std::size_t>(who)];
  if (who == Entrant::local) ++waiting_;
  co_await line.take(1);
  auto passed = co_await pass(cost, who);
  line.give(1);
  if (who == Entrant::local) --waiting_;
  co_return passed;
}

rt::Task<Result<>> Admission::pass(std::uint64_t cost, Entrant who) {
  const std::uint64_t limit = who == Entrant::local ? local_limit_ : limit_;
  bool slowed = who == Entrant::receiver;
  for (int refusals = 0;;) {
    CO_TRY_VOID(core_.writable());
    std::uint64_t used = core_.overlay->bytes().value;
    if (used > 0 && used + cost > limit) {
      core_.want_checkpoint();
      co_await core_.changed.wait();
      continue;
    }
    if (!has_room(cost)) {
      auto refused = core_.journal->want_room();
      if (refused && ++refusals > refusals_max) co_return fail(Code::no_space, "pool '" + core_.name + "': no space for another journal segment (" + refused->message + ")");
      if (refused) {   // a checkpoint may have one to give back
        core_.journal_is_short = true;
        core_.want_checkpoint();
      }
      ignore(co_await rt::sleep_for(core_.loop, refused ? 50 * nap : nap, core_.scope.stop()), "writable() tells a stop");
      continue;
    }
    core_.journal_is_short = false;
    if (slowed || used + cost <= slow_at_) co_return Result<>{};
    slowed = true;
    debt_ += delay(cost);
    if (debt_ < nap) co_return Result<>{};
    Duration pause = std::min<Duration>(debt_, 50 * nap);
    debt_ = Duration{0};
    ignore(co_await rt::sleep_for(core_.loop, pause, core_.scope.stop()), "writable() tells a stop");
  }
}

// Four times the pace of checkpoints at three quarters, their pace at the end.
Duration Admission::delay(std::uint64_t cost) {
  double over = static_cast<double>(core_.overlay->bytes().value - std::min(core_.overlay->bytes().value, slow_at_)) /
                static_cast<double>(std::max<std::uint64_t>(local_limit_ - slow_at_, 1));
  double pace = bytes_per_second_ * (1 + 3 * (1 - std::clamp(over, 0.0, 1.0)));
  return Duration(static_cast<std::int64_t>(static_cast<double>(cost) / pace * 1e9));
}

void Admission::drained(Bytes amount, Duration took) {
  if (took.count() <= 0 || amount.value == 0) return;
  double now = static_cast<double>(amount.value) / (static_cast<double>(took.count()) / 1e9);
  bytes_per_second_ = std::clamp(0.5 * bytes_per_second_ + 0.5 * now, 4e6, 4e9);
}

rt::Task<Result<>> Admission::reserve(std::uint64_t blocks) {
  for (bool tried = false;;) {
    CO_TRY_VOID(core_.writable());
    auto reserved = core_.store->reserve(blocks);
    if (reserved) co_return Result<>{};
    if (reserved.error().code == Code::busy) {
      CO_TRY_VOID(co_await core_.store->room());
      continue;
    }
    if (tried || reserved.error().code != Code::no_space || !core_.checkpoint_frees()) {
      bool more = false;
      if (reserved.error().code == Code::no_space && core_.spares) {
        CO_TRY(more, co_await make_room(blocks));
      }
      if (more) continue;
      Error error = reserved.error().in("pool '" + core_.name + "'");
      co_return fail(std::move(error));
    }
    tried = true;
    CO_TRY_VOID(co_await core_.checkpoint_now());
  }
}

// What is kept only by wish goes before a write is refused. One at a time: what one gave up may serve all who wait.
rt::Task<Result<bool>> Admission::make_room(std::uint64_t blocks) {
  co_await making_room_.take(1);
  auto made = co_await make_room_in_turn(blocks);
  making_room_.give(1);
  co_return made;
}

rt::Task<Result<bool>> Admission::make_room_in_turn(std::uint64_t blocks) {
  auto enough = [this, blocks]() -> Result<> {
    auto reserved = core_.store->reserve(blocks);
    if (reserved) core_.store->unreserve(blocks);
    return reserved;
  };
  Result<> now = enough();
  if (now || now.error().code == Code::busy) co_return true;
  CO_TRY(bool gave, co_await core_.spares->give_up_some());
  if (!gave) co_return false;
  CO_TRY_VOID(co_await core_.checkpoint_now());   // nobody can look at it any more
  for (now = enough(); !now && now.error().code == Code::busy; now = enough()) CO_TRY_VOID(co_await core_.store->room());
  if (!now) CO_TRY_VOID(co_await core_.checkpoint_now());   // no record that names what was freed is kept
  co_return true;
}

}  // namespace lockstep::pool::native
