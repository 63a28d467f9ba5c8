// When answers wait for the target: from catching up until the link is lost (Synchronous), as long as it keeps up
// (Adaptive), or never.
#include "replica/group/ledger.h"
#include "replica/source/source.h"

namespace lockstep::replica {
namespace {

std::string in_ms(Duration d) {
  return std::to_string(std::chrono::duration_cast<std::chrono::milliseconds>(d).count()) + " ms";
}

}  // namespace

// Something has been on its way, or has waited to be sent, for half the bound.
bool Source::behind() const {
  Duration most = patience_.bound() / 2;
  Instant now = loop_.clock().now();
  if (!unreceived_.empty() && now - unreceived_.front().at >= most) return true;
  if (probe_ && now - probe_->at >= most) return true;
  WallTime unsent = pool_.time_of_oldest_after(group_, sent_upto_);
  if (unsent.us == 0) return false;
  WallTime since = std::max(unsent, shipped_time_);  // the pool's times are coarse; what is shipped was written before
  return std::chrono::microseconds(ground_.host.clock().wall().us - since.us) >= most;
}

bool Source::wants_gate() const {
  if (durable_ < catch_up_ || is_next_hop()) return false;
  switch (settings_.mode) {
    case Mode::synchronous: return backlog().value < 4 * ground_.options.batch.value;
    case Mode::adaptive: return patience_.trusts(loop_.clock().now());
    case Mode::asynchronous: break;
  }
  return false;
}

void Source::judge() {
  if (!streaming_ || channel_ == nullptr || channel_->closed()) return;
  if (!gated_ && settings_.mode == Mode::adaptive && behind()) patience_.late();
  if (!gated_ && wants_gate()) gate_on();
  bool answers = settings_.mode != Mode::synchronous || is_next_hop() || (gated_ && received_ >= floor_);
  if (durable_ >= catch_up_ && answers && status_.flow != CopyState::synchronized) {
    was_synchronized_ = true;
    caught_up();
    flow(CopyState::synchronized, Progress::completed, {});
  }
}

// From here on answers wait for the target. What was received until now may have been answered already: the
// floor.
void Source::gate_on() {
  floor_ = std::max(floor_, pool_.status().received);
  gated_ = true;
  patience_.nobody_waits();
  status_.mode_cause = settings_.mode == Mode::adaptive ? "the target has kept up for 5 s" : "the target has caught up";
  if (gate_ != nullptr) gate_->moved();
  tuned_.wake_all();
  moved_.wake_all();
  changed();
}

void Source::gate_off(std::string cause) {
  if (!gated_) return;
  gated_ = false;
  patience_.nobody_waits();
  patience_.late();
  status_.mode_cause = std::move(cause);
  if (gate_ != nullptr) gate_->moved();
  moved_.wake_all();
  changed();
}

void Source::want_durable(Lsn lsn) {
  bool adaptive = gated_ && settings_.mode == Mode::adaptive;
  // The flush has its own system's part: from now on it waits for the target alone.
  if (adaptive && lsn > durable_ && pool_.status().durable >= lsn) {
    patience_.flushing(lsn, loop_.clock().now());
    arm_bound();
  }
  if (lsn <= want_durable_) return;
  want_durable_ = lsn;
  wanted_.wake_all();
}

// Adaptive: from when on does a write wait for the target, and nothing else?
rt::Task<void> Source::note_arrivals(Channel& channel) {
  while (!channel.closed()) {
    if (!gated_ || settings_.mode != Mode::adaptive) {
      co_await tuned_.wait();
      continue;
    }
    Lsn received = pool_.status().received;
    if (received > received_there()) {
      patience_.written(received, loop_.clock().now());
      arm_bound();
    }
    co_await pool_.arrived().wait();
  }
}

void Source::arm_bound() {
  std::optional<Instant> due = patience_.due();
  if (bound_timer_ == 0 && due) bound_timer_ = loop_.at(*due, [this] { bound_reached(); });
}

// Adaptive: no write and no flush waits for longer than the bound.
void Source::bound_reached() {
  bound_timer_ = 0;
  std::optional<Instant> due = patience_.due();
  if (!gated_ || settings_.mode != Mode::adaptive || !due) return;
  if (loop_.clock().now() < *due) return arm_bound();
  bool flush = patience_.flush_is_oldest();
  bool others = !flush && pool_.time_of_oldest_after(group_, received_there()).us == 0;
  if (others) {  // only other groups wrote
    patience_.nobody_writes();
    return arm_bound();
  }
  gate_off(std::string("the target had not ") + (flush ? "made a flush durable" : "received a write") + " after " +
           in_ms(patience_.bound()));
}

// Adaptive, while nobody waits for the target: how long would they have to?
bool Source::probes() {
  if (probe_ || !streaming_ || gated_ || settings_.mode != Mode::adaptive) return false;
  probe_ = Probe{loop_.clock().now(), sequence_};
  return true;
}

void Source::note_answers() {
  patience_.received(received_);
  patience_.durable(durable_);
  if (!probe_ || durable_sequence_ < probe_->sequence) return;
  Instant now = loop_.clock().now();
  patience_.answered(now - probe_->at, now);
  probe_.reset();
}

}  // namespace lockstep::replica
