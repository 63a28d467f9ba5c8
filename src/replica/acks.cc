// Acks: what the target has, and what follows from it: answers to hosts, the state, the journal that may go.
#include <algorithm>

#include "replica/ledger.h"
#include "replica/source.h"

namespace lockstep::replica {

Lsn Source::received_there() const { return gated_ ? std::max(floor_, received_) : no_limit; }
Lsn Source::durable_there() const { return gated_ ? std::max(floor_, durable_) : no_limit; }

std::optional<Error> Source::refuses() const {
  bool linked = channel_ != nullptr && !channel_->closed();
  if (!gated_ || !stop_policy() || linked) return std::nullopt;
  return described({Code::unreachable,
                    "the target is out of reach and the policy is `stop`; restore the link, set the policy "
                    "to `continue`, or detach"});
}

Duration Source::pace() const {
  Instant now = loop_.clock().now();
  if (hold_until_ && now < *hold_until_) return *hold_until_ - now;
  bool linked = streaming_ && channel_ != nullptr && !channel_->closed();
  if (settings_.on_rpo != RpoAction::pace || !linked || settings_.rpo_seconds == 0) return Duration{0};
  WallTime oldest = pool_.time_of_oldest_after(group_, received_);
  if (oldest.us == 0) return Duration{0};
  double lag = static_cast<double>(ground_.host.clock().wall().us - oldest.us) / 1e6;
  double over = lag / settings_.rpo_seconds - 0.75;  // begins before the objective is missed
  constexpr double most_ms = 100;                    // the floor under a host's speed
  if (over <= 0) return Duration{0};
  return std::chrono::microseconds(static_cast<std::int64_t>(std::min(over * 4, 1.0) * most_ms * 1000));
}

void Source::want_durable(Lsn lsn) {
  if (lsn <= want_durable_) return;
  want_durable_ = lsn;
  wanted_.wake_all();
}

Result<> Source::on_ack(const Frame& frame) {
  Reader in(frame.heads);
  std::uint64_t received = in.u64();
  std::uint64_t durable = in.u64();
  if (!in.ok() || received < received_sequence_ || durable < durable_sequence_ || durable > received ||
      received > sequence_) {
    return fail(Code::corrupt, "the target acknowledged what it was not sent");
  }
  received_sequence_ = received;
  durable_sequence_ = durable;
  Instant now = loop_.clock().now();
  while (!unreceived_.empty() && unreceived_.front().sequence <= received) {
    const Sent& sent = unreceived_.front();
    in_flight_ -= sent.size;
    received_ = std::max(received_, sent.upto);
    if (now - sent.at > std::chrono::milliseconds(settings_.adaptive_bound_ms) / 2) answers_slow_at_ = now;
    unreceived_.pop_front();
  }
  bool moved = false;
  while (!undurable_.empty() && undurable_.front().sequence <= durable) {
    const Sent& sent = undurable_.front();
    if (pass_) {
      pass_->cursor_member = sent.cursor_member;
      pass_->cursor_block = sent.cursor_block;
    } else {
      durable_ = std::max(durable_, sent.upto);
      durable_position_ = sent.position;
      moved = true;
    }
    undurable_.pop_front();
  }
  if (moved) pool_.follower_durable(follower_, durable_);
  if (streaming_ && gate_ != nullptr && gated_) gate_->moved();
  judge();
  moved_.wake_all();
  return {};
}

// Everything the pool has received that was not acknowledged. An estimate where other groups write too; 0
// only when it is nothing.
Bytes Source::backlog() const {
  const store::FollowerRow* row = follower_row(pool_, follower_);
  if (pass_) return pass_->total - std::min(pass_->total, pass_->sent);
  (void)row;
  if (pool_.time_of_oldest_after(group_, received_).us == 0) return Bytes{0};
  return Bytes{std::max<std::uint64_t>({journal_after(received_).value, in_flight_.value, 1})};
}

Bytes Source::journal_after(Lsn lsn) const {
  pool::Status pool = pool_.status();
  std::uint64_t records = pool.appended.value - std::min(pool.appended.value, pool.first.value) + 1;
  std::uint64_t lacking = pool.appended.value - std::min(pool.appended.value, lsn.value);
  auto share = static_cast<double>(lacking) / static_cast<double>(std::max<std::uint64_t>(records, 1));
  return Bytes{static_cast<std::uint64_t>(share * static_cast<double>(pool.journal_bytes.value))};
}

void Source::judge() {
  if (!streaming_ || channel_ == nullptr || channel_->closed()) return;
  Instant now = loop_.clock().now();
  bool wants_gate = settings_.mode == Mode::synchronous ||
                    (settings_.mode == Mode::adaptive && now - answers_slow_at_ >= std::chrono::seconds(5));
  std::uint64_t near = settings_.mode == Mode::adaptive ? 1 : 4 * ground_.options.batch.value;
  if (wants_gate && !gated_ && durable_ >= catch_up_ && backlog().value < near) gate_on();
  bool reached =
      durable_ >= catch_up_ && (settings_.mode != Mode::synchronous || (gated_ && received_ >= floor_));
  if (reached && status_.flow != CopyState::synchronized) {
    was_synchronized_ = true;
    flow(CopyState::synchronized, Progress::completed, {});
  }
  WallTime oldest = pool_.time_of_oldest_after(group_, received_);
  std::int64_t lag_us = oldest.us == 0 ? 0 : ground_.host.clock().wall().us - oldest.us;
  bool violated =
      settings_.rpo_seconds > 0 && lag_us > static_cast<std::int64_t>(settings_.rpo_seconds) * 1'000'000;
  if (violated != status_.rpo_violated) {
    status_.rpo_violated = violated;
    changed();
  }
}

// From here on answers wait for the target. What was received until now may have been answered already: the
// floor.
void Source::gate_on() {
  floor_ = std::max(floor_, pool_.status().received);
  gated_ = true;
  if (gate_ != nullptr) gate_->moved();
  if (settings_.mode == Mode::adaptive) watch_bound();
  changed();
}

void Source::gate_off() {
  if (!gated_) return;
  gated_ = false;
  if (gate_ != nullptr) gate_->moved();
  changed();
}

// Adaptive: no write waits for longer than the bound.
void Source::watch_bound() {
  loop_.cancel(bound_timer_);
  bound_timer_ = 0;
  if (!gated_ || settings_.mode != Mode::adaptive) return;
  Duration bound = std::chrono::milliseconds(settings_.adaptive_bound_ms);
  Instant now = loop_.clock().now();
  WallTime oldest = pool_.time_of_oldest_after(group_, received_there());
  Duration waited{0};
  if (oldest.us != 0)
    waited = std::chrono::microseconds(std::max<std::int64_t>(0, ground_.host.clock().wall().us - oldest.us));
  if (waited >= bound) {
    answers_slow_at_ = now;
    gate_off();
    return;
  }
  bound_timer_ = loop_.at(now + (bound - waited), [this] { watch_bound(); });
}

void Source::lost(const Error& why) {
  streaming_ = false;
  loop_.cancel(bound_timer_);
  bound_timer_ = 0;
  unreceived_.clear();
  undurable_.clear();
  in_flight_ = Bytes{0};
  asked_durable_ = Lsn{0};
  if (!stop_policy()) gate_off();
  if (gate_ != nullptr) gate_->moved();
  moved_.wake_all();
  if (resting_ || status_.taken_over) return;
  flow(CopyState::broken, Progress::not_applicable, why.message);
}

rt::Task<Result<>> Source::wait_durable(Lsn lsn, Duration at_most) {
  Instant end = loop_.clock().now() + at_most;
  want_durable(lsn);
  Instant heard = loop_.clock().now();   // of a connection
  while (durable_ < lsn) {
    bool linked = channel_ != nullptr && !channel_->closed();
    if (linked) heard = loop_.clock().now();
    if (loop_.clock().now() - heard >= ground_.options.reachable_within) {
      co_return fail(described({Code::unreachable, "the target is out of reach: " + status_.cause}));
    }
    if (loop_.clock().now() >= end)
      co_return fail(described(
          {Code::timeout, "the target did not catch up in time; try again when its lag is smaller"}));
    rt::Loop::TimerId timer = loop_.at(std::min(end, loop_.clock().now() + ground_.options.heartbeat),
                                       [this] { moved_.wake_all(); });
    co_await moved_.wait();
    loop_.cancel(timer);
  }
  co_return Result<>{};
}

rt::Task<Result<>> Source::catch_up(Duration at_most) {
  Lsn upto = pool_.status().received;
  co_return co_await wait_durable(upto, at_most);
}

rt::Task<Result<Past>> Source::demote(Duration at_most, bool by_peer) {
  // Most of the way while hosts still write, so that they stand still only for the rest.
  Result<> near = co_await catch_up(at_most);
  if (!near) co_return fail(near.error());
  store::GroupRow row = *group_row(pool_, group_);
  row.role = store::Role::demoted;
  handing_over_ = !by_peer;
  Result<> demoted = co_await pool_.change_group(std::move(row));
  if (!demoted) co_return fail(demoted.error());
  Lsn last = pool_.status().received;
  Result<> drained = co_await wait_durable(last, at_most);
  if (!drained) {
    Result<> back = co_await take_back();
    if (!back)
      co_return fail(
          drained.error().in("and taking the role back failed too (" + back.error().message + ")"));
    co_return fail(drained.error());
  }
  co_return past_of(pool_, group_);
}

}  // namespace lockstep::replica
