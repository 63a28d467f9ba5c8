// Applying: batches in order, each one unit in this pool's journal; acknowledgements as they become true.
#include <algorithm>

#include "replica/group/ledger.h"
#include "replica/target/target.h"

namespace lockstep::replica {

rt::Task<Result<>> Target::on_batch(Channel& channel, Frame frame) {
  (void)channel;
  Result<Batch> decoded = decode_batch(frame.heads, frame.data.span(), members_.size());
  if (!decoded) co_return fail(decoded.error());
  Batch batch = std::move(*decoded);
  Result<> good = verify(batch);
  if (!good) co_return good;
  const store::GroupRow* group = group_row(pool_, group_);
  if (group == nullptr) co_return fail(Code::not_found, "the group is gone");
  bool blocks = batch.to.generation.is_none();
  const bool fills = filling();
  if (group->role != store::Role::target && !fills)
    co_return fail(Code::read_only, "this end does not follow any more");
  if (blocks != (fills || group->resync.has_value()))
    co_return fail(Code::corrupt, "blocks out of order outside of a resync, or records inside of one");
  if (!blocks && batch.from != group->position) {
    co_return fail(Code::changed, "the batch begins at " + text_of(batch.from) + ", this end is at " +
                                      text_of(group->position));
  }
  if (batch.sequence != applied_sequence_ + 1) co_return fail(Code::corrupt, "a batch is missing");
  for (auto& record : batch.records) {
    bool flagged = (record.flags & journal::flag_resync) != 0;
    if (flagged != blocks) co_return fail(Code::corrupt, "a batch mixes a resync's blocks with records");
    record.group = group_;
    record.volume = is_data(record.kind) ? members_[record.volume.value] : VolumeId{};
  }
  if (batch.records.empty()) co_return fail(Code::corrupt, "an empty batch");
  std::uint32_t member = 0;
  Block upto;
  if (blocks) {
    const journal::Record& last = batch.records.back();
    member = static_cast<std::uint32_t>(std::find(members_.begin(), members_.end(), last.volume) -
                                        members_.begin());
    upto = last.block + Block{last.count};
  }
  fresh_ = false;
  std::uint64_t sequence = batch.sequence;
  std::vector<journal::Record> records = std::move(batch.records);
  Result<Lsn> applied = Lsn{};
  if (fills) {
    applied = co_await pool_.fill(group_, std::move(records));
  } else {
    applied = co_await pool_.apply(group_, std::move(records));
  }
  if (!applied) co_return fail(applied.error());
  applied_lsn_ = *applied;
  applied_sequence_ = sequence;
  if (!blocks) applied_.emplace_back(sequence, applied_lsn_);
  if (blocks) {
    cursor_member_ = member;
    cursor_block_ = upto;
  }
  progress_.wake_all();
  co_return Result<>{};
}

rt::Task<void> Target::acknowledge(Channel& channel) {
  std::uint64_t told_received = 0, told_durable = 0;
  while (!channel.closed()) {
    if (received_sequence_ < applied_sequence_) {
      std::uint64_t sequence = applied_sequence_;
      Lsn lsn = applied_lsn_;
      Result<> received = co_await pool_.await_received(lsn);
      if (!received) {
        channel.close(received.error());
        break;
      }
      received_sequence_ = std::max(received_sequence_, sequence);
    }
    bool asked = ack_wanted_ && durable_sequence_ >= applied_sequence_;
    if (told_received == received_sequence_ && told_durable == durable_sequence_ && !asked) {
      co_await progress_.wait();
      continue;
    }
    if (asked) ack_wanted_ = false;
    told_received = received_sequence_;
    told_durable = std::min(durable_sequence_, told_received);
    Buffer heads;
    Writer out(heads);
    out.u64(told_received);
    out.u64(told_durable);
    std::vector<Span> none;
    Result<> sent = co_await channel.send(FrameType::ack, Span{}, heads, std::move(none));
    if (!sent) break;
  }
}

// Syncs when asked, else now and then: one sync covers everything that came before it.
rt::Task<void> Target::make_durable(Channel& channel) {
  while (!channel.closed()) {
    if (durable_sequence_ >= applied_sequence_) {
      durable_now_ = false;
      co_await progress_.wait();
      continue;
    }
    Instant due = loop_.clock().now() + ground_.options.durable_ack_every;
    rt::Loop::TimerId timer = loop_.at(due, [this] { progress_.wake_all(); });
    while (!channel.closed() && !durable_now_ && loop_.clock().now() < due) co_await progress_.wait();
    loop_.cancel(timer);
    if (channel.closed()) break;
    durable_now_ = false;
    std::uint64_t sequence = applied_sequence_;
    Lsn lsn = applied_lsn_;
    Result<> durable = co_await pool_.commit(lsn);
    if (!durable) {
      channel.close(durable.error());
      break;
    }
    durable_sequence_ = std::max(durable_sequence_, sequence);
    progress_.wake_all();
  }
}

rt::Task<Result<>> Target::settle() {
  std::uint64_t sequence = applied_sequence_;
  Lsn lsn = applied_lsn_;
  if (lsn.value == 0) co_return Result<>{};
  Result<> durable = co_await pool_.commit(lsn);
  if (!durable) co_return durable;
  received_sequence_ = std::max(received_sequence_, sequence);
  durable_sequence_ = std::max(durable_sequence_, sequence);
  progress_.wake_all();
  co_return durable;
}

}  // namespace lockstep::replica
