// Surplus: what only the target has. Records that this source lost in a power cut are fetched back before it
// serves again; anything else is kept at the target as a snapshot before it is overwritten.
#include "replica/group/ledger.h"
#include "replica/source/source.h"
#include "replica/wire/convert.h"

namespace lockstep::replica {

// Where the group has several targets, one after the other. What the first has brought, the next need not: a plan
// made before that is out of date.
rt::Task<Result<>> Source::reclaim_in_turn(Channel& channel, Origin after, Origin seen) {
  rt::Budget& turn = gate_->reclaims();
  co_await turn.take(1);
  Result<> back;
  bool unmoved = past_of(pool_, group_).position == seen;
  if (unmoved && !channel.closed()) back = co_await reclaim(channel, after);
  turn.give(1);
  co_return back;
}

// The target sends its records after `after`; they become this group's again, in order, and a new generation
// follows them.
rt::Task<Result<>> Source::reclaim(Channel& channel, Origin after) {
  reclaiming_ = true;
  Result<> back = co_await fetch_back(channel, after);
  reclaiming_ = false;
  hold_until_.reset();
  co_return back;
}

rt::Task<Result<>> Source::fetch_back(Channel& channel, Origin after) {
  flow(CopyState::unsynchronized, Progress::resyncing, {});
  wire::Reclaim wanted;
  put(after, *wanted.mutable_after());
  Result<> asked = co_await channel.send(FrameType::reclaim, wanted);
  if (!asked) co_return asked;
  const store::GroupRow before = *group_row(pool_, group_);
  store::GroupRow row = before;
  row.role = store::Role::target;  // as long as records come from elsewhere
  row.following = RelationshipId{};
  row.position = after;
  Result<> opened = co_await pool_.change_group(row);
  if (!opened) co_return opened;
  Lsn last{0};
  Result<> taken;
  for (;;) {
    std::optional<Frame> frame = co_await replies_->pop();
    if (!frame) {
      taken =
          fail(channel.closed() ? *channel.closed() : Error{Code::unreachable, "the connection was closed"});
      break;
    }
    if (frame->type == FrameType::reclaim_end) break;
    Result<Batch> batch =
        fail(Code::corrupt, "the target sent something else than the records it was asked for");
    if (frame->type == FrameType::batch)
      batch = decode_batch(frame->heads, frame->data.span(), members_.size());
    Result<> good = batch ? lockstep::replica::verify(*batch) : Result<>(fail(batch.error()));
    if (!good) {
      taken = good;
      break;
    }
    for (auto& record : batch->records) {
      record.group = group_;
      if (is_data(record.kind)) record.volume = members_[record.volume.value];
    }
    std::vector<journal::Record> records = std::move(batch->records);
    Result<Lsn> applied = co_await pool_.apply(group_, std::move(records));
    if (!applied) {
      taken = fail(applied.error());
      break;
    }
    last = *applied;
  }
  if (last.value > 0) {
    Result<> durable = co_await pool_.commit(last);
    if (!durable) co_return durable;
  }
  Result<> serving = co_await serve_again(before.role, before.following);
  if (!serving) co_return serving;
  co_return taken;
}

rt::Task<Result<>> Source::have_it_kept(Channel& channel) {
  wire::Keep keep;
  keep.set_name("surplus-" + name_);
  Result<> asked = co_await channel.send(FrameType::keep, keep);
  if (!asked) co_return asked;
  Result<Frame> kept = co_await reply(FrameType::kept);
  if (!kept) co_return fail(kept.error());
  co_return Result<>{};
}

}  // namespace lockstep::replica
