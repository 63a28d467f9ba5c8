#include "replica/source/source.h"

#include <algorithm>

#include "replica/group/ledger.h"
#include "replica/group/point.h"
#include "replica/wire/convert.h"

namespace lockstep::replica {
namespace {

constexpr std::size_t fetches_most = 64;   // of a target that waits for answers to half as many
constexpr int fetches_at_once = 4;

}  // namespace

Source::Source(const Ground& ground, pool::Pool& pool, Gates& gates, const Relationship& relationship,
               StatusSink sink, bool hold)
    : ground_(ground),
      pool_(pool),
      gates_(gates),
      loop_(pool.loop()),
      id_(relationship.id),
      name_(relationship.name),
      group_(relationship.group),
      follower_(follower_id(relationship.id, relationship.group)),
      type_(relationship.sync_type),
      peer_(relationship.peer),
      peer_group_(relationship.peer_group),
      settings_(relationship.settings),
      was_synchronized_(relationship.when_synchronized.us != 0),
      sink_(std::move(sink)),
      moved_(loop_),
      wanted_(loop_),
      tuned_(loop_),
      patience_(std::chrono::milliseconds(relationship.settings.adaptive_bound_ms)) {
  for (const auto& [here, there] : relationship.pairs) {
    members_here_.push_back(here);
    members_there_.push_back(there);
  }
  members_ = volumes_of(pool_, members_here_);
  if (hold) hold_until_ = loop_.clock().now() + ground.options.reachable_within;
}

Source::~Source() { CHECK(!serving_ && !verifying_ && gate_ == nullptr); }

rt::Task<Result<>> Source::open() {
  const store::GroupRow* group = group_row(pool_, group_);
  if (group == nullptr || members_.size() != members_there_.size()) {
    co_return fail(
        Code::not_found,
        "relationship '" + name_ + "': its group or one of its volumes is gone from the pool; detach it");
  }
  if (type_ == SyncType::mirror && !has_exactly(pool_, group_, members_)) {
    co_return fail(Code::busy, "relationship '" + name_ + "': group '" + group->name + "' has other members than the relationship has pairs: a change "
                               "of its pairs did not end; ask for it again, or take out of the group what has no pair");
  }
  if (group->role == store::Role::target && group->following.is_none()) {
    // It follows nobody: it died while what it had lost came back from its target.
    Result<> serving = co_await serve_again(store::Role::source, {});
    if (!serving) co_return serving;
  }
  std::string verified = purpose("verify", id_);
  Result<> gone = co_await drop_internal(pool_, group_, std::move(verified), SnapshotId{});
  if (!gone) co_return gone;
  compare_wanted_ = find_internal(pool_, group_, purpose(moved_away, id_)).has_value();
  if (const store::FollowerRow* row = follower_row(pool_, follower_)) {
    received_ = durable_ = row->durable;
  } else if (needs_journal(type_)) {
    // Nothing kept the journal for this target so far: what changed before now can only be found by
    // comparing.
    store::FollowerRow fresh;
    fresh.id = follower_;
    fresh.group = group_;
    fresh.durable = pool_.status().appended;
    fresh.since = pool_.position(group_);
    fresh.journal_budget = journal_budget();
    Result<> set = co_await pool_.set_follower(fresh);
    if (!set) co_return set;
    received_ = durable_ = fresh.durable;
  }
  // With policy `stop`, what was synchronized stays behind the gate until the target has everything again.
  if (stop_policy()) {
    gated_ = true;
    floor_ = pool_.status().received;
  }
  gate_ = &gates_.enter(group_, *this);
  co_return Result<>{};
}

rt::Task<Result<>> Source::close(bool forget) {
  Error bye{Code::cancelled, "the relationship is being closed here"};
  hang_up(bye);
  while (serving_ || verifying_) co_await moved_.wait();
  gated_ = false;
  if (gate_ != nullptr) {
    gate_ = nullptr;
    gates_.leave(group_, *this);
  }
  loop_.cancel(bound_timer_);
  bound_timer_ = 0;
  if (!forget) co_return Result<>{};
  for (std::string_view kind : {full_pass, map_pass, compare_pass, moved_away}) {
    std::string held = purpose(kind, id_);
    Result<> dropped = co_await drop_internal(pool_, group_, std::move(held), SnapshotId{});
    if (!dropped) co_return dropped;
  }
  if (is_point(type_)) {
    Result<> dropped = co_await drop_point();
    if (!dropped) co_return dropped;
  }
  co_return co_await forget_follower(pool_, follower_);
}

bool Source::stop_policy() const {
  return !is_point(type_) && settings_.mode == Mode::synchronous && settings_.on_link_loss == LinkLoss::stop &&
         was_synchronized_ && !resting_;
}

Error Source::described(const Error& why) const { return why.in("relationship '" + name_ + "'"); }

rt::Task<Error> Source::serve(std::unique_ptr<os::Stream> stream) {
  while (serving_) {
    Error newer{Code::cancelled, "a newer connection took over"};
    hang_up(newer);
    co_await moved_.wait();
  }
  serving_ = true;
  resting_ = false;
  status_.point_reached = false;
  if (status_.flow == CopyState::synchronized)
    status_.flow = CopyState::unsynchronized;  // until it is true again
  Channel channel(loop_, std::move(stream));
  channel_ = &channel;
  replies_ = std::make_unique<rt::Queue<Frame>>(loop_, 8);
  fetches_ = std::make_unique<rt::Queue<Frame>>(loop_, fetches_most);
  sequence_ = received_sequence_ = durable_sequence_ = synced_sequence_ = 0;
  unsynced_.clear();
  rt::Scope scope(loop_);
  scope.spawn(read_frames(channel));
  scope.spawn(beat(channel));
  scope.spawn(ask_for_durable(channel));
  scope.spawn(note_arrivals(channel));
  scope.spawn(pace_hosts(channel));
  for (int i = 0; i < fetches_at_once; ++i) scope.spawn(answer_fetches(channel));
  scope.spawn(channel.keep_alive(FrameType::state, ground_.options.heartbeat,
                                 ground_.options.reachable_within - ground_.options.heartbeat));
  Result<> ended = co_await drive(channel);
  Error why = ended ? Error{Code::cancelled, "the connection was closed"} : ended.error();
  if (channel.closed()) {
    why = *channel.closed();
  } else {
    co_await channel.refuse(why);
  }
  wanted_.wake_all();
  replies_->close();   // what still comes is for nobody
  co_await scope.join();
  co_await leave_verification(why);
  lost(why);
  sent_before_ += channel.sent_bytes();
  received_before_ += channel.received_bytes();
  channel_ = nullptr;
  serving_ = false;
  moved_.wake_all();
  changed();
  co_return why;
}

void Source::hang_up(Error why) {
  if (channel_ != nullptr) channel_->close(std::move(why));
  moved_.wake_all();
  wanted_.wake_all();
  tuned_.wake_all();
  pool_.arrived().wake_all();
}

void Source::rest() {
  resting_ = true;
  hold_until_.reset();
  if (status_.flow == CopyState::synchronized) status_.flow = CopyState::unsynchronized;
  Error why{Code::cancelled, "replication was stopped by an administrator"};
  gate_off(why.message);
  hang_up(why);
  changed();
}

void Source::unreachable(Error why) {
  lost(why);
  changed();
}

rt::Task<void> Source::read_frames(Channel& channel) {
  for (;;) {
    Result<Frame> frame = co_await channel.receive();
    if (!frame) break;
    if (frame->type == FrameType::ack) {
      Result<> taken = on_ack(*frame);
      if (!taken) channel.close(taken.error());
    } else if (frame->type == FrameType::fetch_wanted) {
      Frame wanted = std::move(*frame);
      if (!fetches_->try_push(std::move(wanted))) channel.close({Code::corrupt, "the target asks for too many blocks at a time"});
    } else if (frame->type == FrameType::verify_answer) {
      if (verification_ != nullptr) verification_->answered(std::move(*frame));
    } else {
      Frame answer = std::move(*frame);
      bool taken = co_await replies_->push(std::move(answer));
      ignore(taken, "a closed queue means that the connection ends");
    }
  }
  replies_->close();
  fetches_->close();
  if (verification_ != nullptr) verification_->end(*channel.closed());
  hang_up(*channel.closed());
}

// The source's heartbeat carries its figures, so that the target can show them.
rt::Task<void> Source::beat(Channel& channel) {
  while (!channel.closed()) {
    Status now = status();
    wire::State state;
    state.set_copy_state(static_cast<std::uint32_t>(now.flow));
    state.set_progress(static_cast<std::uint32_t>(now.progress));
    state.set_mode_in_force(now.mode_in_force ? static_cast<std::uint32_t>(*now.mode_in_force) : 0);
    if (now.lacks_since) {
      std::int64_t lag = ground_.host.clock().wall().us - now.lacks_since->us;
      state.set_lag_us(static_cast<std::uint64_t>(std::max<std::int64_t>(lag, 0)));
    }
    state.set_backlog(now.backlog.value);
    state.set_to_copy(now.to_copy.value);
    state.set_copied(now.copied.value);
    state.set_rpo_violated(now.rpo_violated);
    state.set_bytes_per_second(now.bytes_per_second);
    put(settings_, *state.mutable_settings());
    Lsn synced = pool_.status().durable;
    while (!unsynced_.empty() && unsynced_.front().second <= synced) {
      synced_sequence_ = unsynced_.front().first;
      unsynced_.pop_front();
    }
    state.set_durable_sequence(synced_sequence_);
    state.set_mode_cause(now.mode_cause);
    state.set_pacing(now.pacing);
    put(gate_->siblings_of(*this), *state.mutable_siblings());
    bool probe = probes();
    Result<> sent = co_await channel.send(FrameType::state, state);
    if (sent && probe) sent = co_await channel.send(FrameType::want_durable);
    if (!sent) break;
    judge();
    changed();  // acknowledgements do not tell their figures one by one: a report is a beat old at most
    // A change of state is told at once, everything else with the next beat.
    Instant next = loop_.clock().now() + ground_.options.heartbeat;
    CopyState told = now.flow;
    bool told_gate = gated_;
    rt::Loop::TimerId timer = loop_.at(next, [this] { moved_.wake_all(); });
    while (!channel.closed() && status_.flow == told && gated_ == told_gate && loop_.clock().now() < next)
      co_await moved_.wait();
    loop_.cancel(timer);
  }
}

rt::Task<void> Source::ask_for_durable(Channel& channel) {
  while (!channel.closed()) {
    if (want_durable_ <= asked_durable_ || want_durable_ <= durable_) {
      co_await wanted_.wait();
      continue;
    }
    asked_durable_ = want_durable_;
    Result<> sent = co_await channel.send(FrameType::want_durable);
    if (!sent) break;
  }
}

rt::Task<Result<Frame>> Source::reply(FrameType wanted) {
  std::optional<Frame> frame = co_await replies_->pop();
  if (!frame)
    co_return fail(channel_->closed() ? *channel_->closed()
                                      : Error{Code::unreachable, "the connection was closed"});
  if (frame->type != wanted) {
    co_return fail(Code::corrupt, "the target answered with frame " +
                                      std::to_string(static_cast<unsigned>(frame->type)) + " where " +
                                      std::to_string(static_cast<unsigned>(wanted)) + " was due");
  }
  co_return std::move(*frame);
}

rt::Task<Result<>> Source::drive(Channel& channel) {
  for (;;) {
    Result<Contacted> contacted = co_await contact(channel);
    if (!contacted) co_return fail(contacted.error());
    Contacted what = std::move(*contacted);
    Result<> done = co_await act_on(channel, std::move(what));
    if (!done) co_return done;
    if (channel.closed()) co_return fail(*channel.closed());
  }
}

rt::Task<Result<>> Source::act_on(Channel& channel, Contacted contacted) {
  const Plan plan = contacted.plan;
  if (contacted.here.role == store::Role::target && !is_next_hop()) co_return co_await await_reclaims();
  if (is_point(type_)) co_return co_await act_on_point(channel, std::move(contacted));
  hold_until_ = plan.kind == Plan::Kind::ahead ? hold_until_ : std::nullopt;
  std::string histories = "here " + text_of(contacted.here.past) + ", there " + text_of(contacted.there.past);
  // What a closed target wrote itself is kept, and then it follows: nobody has to choose.
  bool clash = plan.kind == Plan::Kind::two_writable || plan.kind == Plan::Kind::unrelated;
  status_.conflict = clash ? text_of(plan) + ": " + histories : std::string();
  status_.taken_over = plan.kind == Plan::Kind::taken_over || plan.kind == Plan::Kind::two_writable;
  switch (plan.kind) {
    case Plan::Kind::stream: co_return co_await stream(channel, plan.from);
    case Plan::Kind::resume_pass:
    case Plan::Kind::resync:
    case Plan::Kind::compare:
    case Plan::Kind::full: co_return co_await pass(channel, contacted);
    case Plan::Kind::ahead:
      if (is_next_hop() && !gates_.is_level(group_)) co_return co_await await_move(channel);
      if (hold_until_ && !is_next_hop()) co_return co_await reclaim_in_turn(channel, plan.from, contacted.here.past.position);
      co_return co_await have_it_kept(channel);
    case Plan::Kind::diverged: co_return co_await have_it_kept(channel);
    case Plan::Kind::unrelated:
      flow(CopyState::broken, Progress::not_applicable,
           status_.conflict + "; resync it to overwrite the target, whose content is kept as a snapshot");
      co_return co_await idle(channel);
    case Plan::Kind::two_writable:
    case Plan::Kind::taken_over: break;
  }
  gate_off("the target was made writable");
  if (plan.kind == Plan::Kind::taken_over && contacted.here.role == store::Role::source) {
    // It wrote nothing since: closed to hosts, it cannot diverge any more.
    Result<bool> closed = co_await give_up_role(contacted.here.past.position);
    if (!closed) co_return fail(closed.error());
    if (!*closed) co_return Result<>{};
  }
  flow(CopyState::failedover, Progress::dormant,
       plan.kind == Plan::Kind::two_writable
           ? "both ends take writes since " + text_of(plan) +
                 "; fail back or reverse to choose one: the other's writes are kept as a snapshot"
           : std::string("the target was made writable; fail back or reverse"));
  co_return co_await idle(channel);
}

rt::Task<Result<>> Source::idle(Channel& channel) {
  changed();
  while (!channel.closed()) co_await moved_.wait();
  co_return fail(*channel.closed());
}

void Source::flow(CopyState state, Progress progress, std::string cause) {
  status_.flow = state;
  status_.progress = progress;
  status_.cause = std::move(cause);
  moved_.wake_all();
  changed();
}

void Source::changed() {
  if (sink_) sink_();
}

rt::Task<Result<>> Source::set(Settings settings) {
  settings_ = std::move(settings);
  patience_.set_bound(std::chrono::milliseconds(settings_.adaptive_bound_ms));
  if (settings_.mode == Mode::asynchronous) gate_off("an administrator asked for Asynchronous");
  if (settings_.mode != Mode::adaptive) patience_.nobody_waits();
  tuned_.wake_all();
  judge();
  changed();
  if (follower_row(pool_, follower_) == nullptr) co_return Result<>{};
  co_return co_await pool_.set_budget(follower_, journal_budget());
}

Status Source::status() const {
  Status out = status_;
  out.connected = channel_ != nullptr && !channel_->closed();
  out.was_synchronized = was_synchronized_;
  bool flows = streaming_ || pass_ || status_.flow == CopyState::unsynchronized || status_.flow == CopyState::synchronized;
  if (out.connected && flows) {
    out.mode_in_force = gated_ ? Mode::synchronous : Mode::asynchronous;
    out.pacing = pacer_.active();
  }
  WallTime oldest = pool_.time_of_oldest_after(group_, received_);
  if (oldest.us != 0) out.lacks_since = oldest;
  std::int64_t lag_us = oldest.us == 0 ? 0 : ground_.host.clock().wall().us - oldest.us;
  out.rpo_violated = settings_.rpo_seconds > 0 && lag_us > static_cast<std::int64_t>(settings_.rpo_seconds) * 1'000'000;
  out.backlog = backlog();
  if (pass_) {
    out.to_copy = pass_->total;
    out.copied = pass_->sent;
  }
  out.sent_total = sent_before_ + (channel_ != nullptr ? channel_->sent_bytes() : Bytes{0});
  out.received_total = received_before_ + (channel_ != nullptr ? channel_->received_bytes() : Bytes{0});
  out.position = durable_position_;
  Instant now = loop_.clock().now();
  std::uint64_t lately = 0;
  for (const auto& [at, bytes] : recent_) lately += now - at <= std::chrono::seconds(5) ? bytes : 0;
  out.bytes_per_second = lately / 5;
  return out;
}

}  // namespace lockstep::replica
