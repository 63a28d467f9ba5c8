#include "replica/target/target.h"

#include "replica/ends/pass.h"
#include "replica/group/ledger.h"
#include "replica/group/point.h"
#include "replica/wire/convert.h"

namespace lockstep::replica {

Target::Target(const Ground& ground, pool::Pool& pool, Gates& gates, const Relationship& relationship,
               StatusSink sink)
    : ground_(ground),
      pool_(pool),
      gates_(gates),
      loop_(pool.loop()),
      id_(relationship.id),
      name_(relationship.name),
      group_(relationship.group),
      follower_(follower_id(relationship.id, relationship.group)),
      surplus_(surplus_id(relationship.id, relationship.group)),
      type_(relationship.sync_type),
      sink_(std::move(sink)),
      intent_(relationship.intent),
      idle_(loop_),
      progress_(loop_),
      fetcher_(ground, pool, relationship.group, relationship.name) {
  for (const auto& [here, there] : relationship.pairs) member_uuids_.push_back(here);
  members_ = volumes_of(pool_, member_uuids_);
}

Target::~Target() { CHECK(!serving_); }

rt::Task<Result<>> Target::open() {
  const store::GroupRow* group = group_row(pool_, group_);
  if (group == nullptr || members_.size() != member_uuids_.size()) {
    co_return fail(
        Code::not_found,
        "relationship '" + name_ + "': its group or one of its volumes is gone from the pool; detach it");
  }
  bool untouched = !group->resync || (group->resync->source_position.generation.is_none() && group->resync->pass == 0);
  fresh_ = group->position.generation.is_none() && !group->was_synchronized && untouched;
  // A stand-in that no bracket names was taken by a step that did not end.
  SnapshotId stand_in = group->resync ? group->resync->stand_in : SnapshotId{};
  std::string held = purpose("stand-in", id_);
  Result<> dropped = co_await drop_internal(pool_, group_, std::move(held), stand_in);
  if (!dropped) co_return dropped;
  std::string verified = purpose("verify", id_);
  Result<> gone = co_await drop_internal(pool_, group_, std::move(verified), SnapshotId{});
  if (!gone) co_return gone;
  std::string compared = purpose("compare", id_);
  Result<> cleared = co_await drop_internal(pool_, group_, std::move(compared), SnapshotId{});
  if (cleared && filling()) pool_.set_fetch(group_, &fetcher_);
  co_return cleared;
}

rt::Task<Result<>> Target::close() {
  ending_ = true;
  Error bye{Code::cancelled, "the relationship is being closed here"};
  hang_up(bye);
  pool_.set_fetch(group_, nullptr);
  co_await fetcher_.close();
  co_await quiet();
  co_return Result<>{};
}

void Target::hang_up(Error why) {
  if (channel_ != nullptr) channel_->close(std::move(why));
  progress_.wake_all();
}

void Target::rest() {
  status_.settings.reset();
  if (status_.flow == CopyState::synchronized) status_.flow = CopyState::unsynchronized;
  Error why{Code::cancelled, "replication was stopped by an administrator"};
  hang_up(why);
}

rt::Task<void> Target::quiet() {
  while (serving_) co_await idle_.wait();
}

Error Target::described(const Error& why) const { return why.in("relationship '" + name_ + "', target"); }

store::GroupRow Target::row() const {
  const store::GroupRow* found = group_row(pool_, group_);
  return found == nullptr ? store::GroupRow{} : *found;
}

rt::Task<Error> Target::serve(std::unique_ptr<os::Stream> stream) {
  while (serving_) {
    Error newer{Code::cancelled, "a newer connection took over"};
    hang_up(newer);
    co_await idle_.wait();
  }
  serving_ = true;
  if (status_.flow == CopyState::synchronized)
    status_.flow = CopyState::unsynchronized;  // until the source says so
  members_ = volumes_of(pool_, member_uuids_);
  Channel channel(loop_, std::move(stream));
  channel_ = &channel;
  applied_sequence_ = received_sequence_ = durable_sequence_ = 0;
  applied_.clear();
  durable_now_ = ack_wanted_ = false;
  rt::Scope scope(loop_);
  VerifyAnswers verify(ground_, pool_, id_, group_, members_);
  verify_ = &verify;
  scope.spawn(verify.serve(channel));
  scope.spawn(acknowledge(channel));
  scope.spawn(make_durable(channel));
  scope.spawn(channel.keep_alive(FrameType::heartbeat, ground_.options.heartbeat,
                                 ground_.options.reachable_within - ground_.options.heartbeat));
  Result<> ended = co_await listen(channel);
  Error why = ended ? Error{Code::cancelled, "the connection was closed"} : ended.error();
  if (!channel.closed()) {
    status_.cause = why.message;
    Error said = described(why);
    co_await channel.refuse(std::move(said));
  } else {
    why = *channel.closed();
  }
  co_await fetcher_.disconnected(why);
  progress_.wake_all();
  verify.close();
  co_await scope.join();
  verify_ = nullptr;
  Result<> closed = co_await on_compare_end();
  ignore(closed, "opening the relationship again removes what a comparison left");
  sent_before_ += channel.sent_bytes();
  received_before_ += channel.received_bytes();
  channel_ = nullptr;
  serving_ = false;
  gates_.set_level(group_, false);
  status_.settings.reset();
  bool opening = promoting_ && is_point(type_);
  if (!ending_ && !opening) {
    status_.flow = CopyState::broken;
    status_.progress = Progress::not_applicable;
    status_.mode_in_force.reset();
    if (status_.cause.empty()) status_.cause = why.message;
  }
  idle_.wake_all();
  changed();
  co_return why;
}

rt::Task<Result<>> Target::listen(Channel& channel) {
  if (ending_) co_return fail(Code::busy, "this end is being closed");
  for (;;) {
    Result<Frame> frame = co_await channel.receive();
    if (!frame) co_return fail(frame.error());
    Frame taken = std::move(*frame);
    Result<> done = co_await take(channel, std::move(taken));
    if (!done) co_return done;
  }
}

rt::Task<Result<>> Target::take(Channel& channel, Frame frame) {
  switch (frame.type) {
    case FrameType::batch: co_return co_await on_batch(channel, std::move(frame));
    case FrameType::want_durable:
      durable_now_ = ack_wanted_ = true;
      progress_.wake_all();
      co_return Result<>{};
    case FrameType::state: co_return on_state(frame);
    case FrameType::source_hello: co_return co_await on_hello(channel, std::move(frame));
    case FrameType::stream_begin: co_return co_await on_stream_begin(channel, std::move(frame));
    case FrameType::pass_begin: co_return co_await on_pass_begin(channel, std::move(frame));
    case FrameType::pass_end: co_return co_await on_pass_end(channel, std::move(frame));
    case FrameType::keep: co_return co_await on_keep(channel, std::move(frame));
    case FrameType::compare_begin: co_return co_await on_compare_begin(channel);
    case FrameType::compare_end: co_return co_await on_compare_end();
    case FrameType::hashes_wanted: co_return co_await on_hashes(channel, std::move(frame));
    case FrameType::entries_wanted: co_return co_await on_entries(channel, std::move(frame));
    case FrameType::reclaim: co_return co_await on_reclaim(channel, std::move(frame));
    case FrameType::fetched: co_return fetcher_.answered(std::move(frame));
    case FrameType::verify_begin: co_return co_await verify_->begin(std::move(frame));
    case FrameType::verify_wanted:
    case FrameType::verify_end: co_return verify_->wanted(std::move(frame));
    default: co_return fail(Code::corrupt, "a frame came that no source sends");
  }
}

rt::Task<Result<>> Target::on_hello(Channel& channel, Frame frame) {
  if (promoting_) co_return fail(Code::busy, "this end is being opened to hosts");
  wire::SourceHello hello;
  Result<> parsed = parse(frame, hello);
  if (!parsed) co_return parsed;
  CO_TRY(Past theirs, past_from(hello.past()));
  if (static_cast<std::size_t>(hello.members_size()) != member_uuids_.size())
    co_return fail(Code::invalid, "the source's group has other volumes than this one");
  for (int i = 0; i < hello.members_size(); ++i) {
    if (id_from<VolumeUuid>(hello.members(i)) != member_uuids_[static_cast<std::size_t>(i)])
      co_return fail(Code::invalid, "the source means other volumes than the ones here");
  }
  if (type_ == SyncType::mirror && !has_exactly(pool_, group_, members_))
    co_return fail(Code::busy, "the target's group has other members than the relationship has pairs: a change of its pairs did not end; ask for it again");
  Way way = way_from(hello.way());
  if (leads_through(way, {ground_.self.id, group_}))
    co_return fail(Code::invalid, "this end's data would come from itself: that is a circle; detach one of its relationships");
  gates_.set_way(group_, std::move(way));
  gates_.set_level(group_, false);
  Result<> settled = co_await settle();
  if (!settled) co_return settled;
  Past here = past_of(pool_, group_);
  std::optional<Origin> common = last_common(here, theirs);
  wire::TargetHello answer;
  put(here, *answer.mutable_past());
  store::GroupRow group = row();
  answer.set_role(static_cast<std::uint32_t>(group.role));
  answer.set_holds_nothing(!group.was_synchronized && here.position.generation.is_none());
  answer.set_fresh(fresh_);
  answer.set_unpacks(true);
  const bool fills = filling();
  answer.set_filling(fills);
  if (group.resync) put(group.resync->source_position, *answer.mutable_pass_open());
  if (group.resync || fills) {
    answer.set_cursor_member(cursor_member_);
    answer.set_cursor_block(cursor_block_.value);
  }
  Origin at = common.value_or(Origin{});
  bool wrote = true, tells = false;
  if (common) {
    wrote = co_await wrote_after(pool_, group_, at);
    tells = tells_changes(at);
  }
  answer.set_wrote_after_common(wrote);
  answer.set_tells_changes(tells);
  bool kept = co_await kept_as_it_is(pool_, group_);
  answer.set_surplus_kept(kept);
  answer.set_promoting(promotion_expected_);
  answer.set_intent(static_cast<std::uint32_t>(intent_));
  status_.last_contact = ground_.host.clock().wall();
  status_.cause.clear();
  Result<> sent = co_await channel.send(FrameType::target_hello, answer);
  if (sent && fills) fetcher_.connected(channel, members_);
  co_return sent;
}

// The source's history becomes this group's before the first record of it comes: what is here is a part of
// it.
rt::Task<Result<>> Target::on_stream_begin(Channel& channel, Frame frame) {
  wire::StreamBegin begin;
  Result<> parsed = parse(frame, begin);
  if (!parsed) co_return parsed;
  CO_TRY(Past theirs, past_from(begin.past()));
  store::GroupRow group = row();
  if (group.role != store::Role::target)
    co_return fail(Code::read_only, "this end takes writes of its own; resync or fail back first");
  if (group.resync) co_return fail(Code::changed, "a resync pass is open here");
  if (origin_from(begin.from()) != group.position)
    co_return fail(Code::changed, "this end is not where the stream begins");
  bool same =
      Past{group.history, {}} == Past{theirs.history, {}} && group.was_synchronized && group.following == id_;
  if (!same) {
    group.history = theirs.history;
    group.was_synchronized = true;
    group.following = id_;
    Result<> done = co_await pool_.change_group(std::move(group));
    if (!done) co_return done;
  }
  Result<> settled = co_await settle();
  if (!settled) co_return settled;
  if (follower_row(pool_, surplus_) == nullptr) {
    store::FollowerRow follower;
    follower.id = surplus_;
    follower.group = group_;
    follower.durable = pool_.status().appended;
    follower.since = group_row(pool_, group_)->position;
    Result<> claimed = co_await pool_.set_follower(follower);
    if (!claimed) co_return claimed;
  }
  co_return co_await channel.send(FrameType::stream_ready);
}

Result<> Target::on_state(const Frame& frame) {
  wire::State state;
  TRY_VOID(parse(frame, state));
  CopyState flow = copy_state_from(state.copy_state());
  if (flow != CopyState::not_applicable) status_.flow = flow;
  status_.progress = static_cast<Progress>(state.progress());
  std::optional<Mode> mode;
  if (state.mode_in_force() >= 2 && state.mode_in_force() <= 4)
    mode = static_cast<Mode>(state.mode_in_force());
  status_.mode_in_force = mode;
  status_.mode_cause = state.mode_cause();
  status_.pacing = state.pacing();
  status_.siblings = siblings_from(state.siblings());
  status_.lag_told = std::chrono::microseconds(static_cast<std::int64_t>(state.lag_us()));
  status_.lag_told_at = loop_.clock().now();
  status_.backlog = Bytes{state.backlog()};
  gates_.set_level(group_, status_.flow == CopyState::synchronized && state.backlog() == 0);
  status_.to_copy = Bytes{state.to_copy()};
  status_.copied = Bytes{state.copied()};
  status_.rpo_violated = state.rpo_violated();
  status_.bytes_per_second = state.bytes_per_second();
  status_.last_contact = ground_.host.clock().wall();
  Lsn synced{0};
  while (!applied_.empty() && applied_.front().first <= state.durable_sequence()) {
    synced = applied_.front().second;
    applied_.pop_front();
  }
  if (synced.value > 0) pool_.follower_durable(surplus_, synced);
  TRY(Settings settings, settings_from(state.settings()));
  status_.settings = settings;
  changed();
  return {};
}

void Target::changed() {
  if (sink_) sink_();
}

Status Target::status() const {
  Status out = status_;
  out.connected = channel_ != nullptr && !channel_->closed();
  if (const store::GroupRow* group = group_row(pool_, group_)) {
    out.was_synchronized = group->was_synchronized;
    out.position = group->position;
    out.taken_over = group->role == store::Role::target_writable && !filling();
    out.skewed = type_ == SyncType::snapshot && wrote_itself(pool_, group_);
  }
  out.sent_total = sent_before_ + (channel_ != nullptr ? channel_->sent_bytes() : Bytes{0});
  out.received_total = received_before_ + (channel_ != nullptr ? channel_->received_bytes() : Bytes{0});
  return out;
}

}  // namespace lockstep::replica
