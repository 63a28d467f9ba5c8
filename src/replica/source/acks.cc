// Acks: what the target has, and what follows from it: answers to hosts, the state, the journal that may go.
#include <algorithm>

#include "replica/group/ledger.h"
#include "replica/source/source.h"

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

// Whoever is let in has seen what is here: from then on nothing comes back under it.
Duration Source::hold() {
  constexpr Duration step = std::chrono::milliseconds(20);
  if (reclaiming_) return step;
  if (!hold_until_) return Duration{0};
  Instant now = loop_.clock().now();
  if (now < *hold_until_) return std::min(step, *hold_until_ - now);
  hold_until_.reset();
  return Duration{0};
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
    if (streaming_) patience_.answered(now - sent.at, now);
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
  note_answers();
  if (streaming_ && gate_ != nullptr && gated_) gate_->moved();
  judge();
  moved_.wake_all();
  return {};
}

// Everything the pool has received that was not acknowledged. 0 only when it is nothing.
Bytes Source::backlog() const {
  if (pass_) return pass_->total - std::min(pass_->total, pass_->sent);
  if (pool_.time_of_oldest_after(group_, received_).us == 0) return Bytes{0};
  return std::max({pool_.written_after(group_, received_), in_flight_, Bytes{1}});
}

void Source::lost(const Error& why) {
  streaming_ = false;
  caught_up();   // until the next attempt
  unreceived_.clear();
  undurable_.clear();
  in_flight_ = Bytes{0};
  asked_durable_ = Lsn{0};
  probe_.reset();
  patience_.late();
  if (!stop_policy()) gate_off("the link was lost: " + why.message);
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

}  // namespace lockstep::replica
