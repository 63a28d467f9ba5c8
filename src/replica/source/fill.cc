// A target that hosts use while it is filled: what they wait for is answered beside the pass that brings the rest. Both read the snapshot that
// holds the point, so it does not matter which of them brings a block, or how often.
#include <google/protobuf/message_lite.h>

#include <algorithm>

#include "replica/group/point.h"
#include "replica/source/source.h"
#include "replica/wire/asks.h"
#include "replica/wire/convert.h"

namespace lockstep::replica {

rt::Task<Result<>> Source::fill_target(Channel& channel, Contacted contacted) {
  flow(CopyState::unsynchronized, Progress::synchronizing, {});
  contacted.plan = Plan{};
  contacted.plan.kind = Plan::Kind::full;
  contacted.fresh = true;  // holes are not sent: what is still missing at the end is zero
  if (!pass_) {
    Result<> begun = co_await begin_pass(contacted);
    if (!begun) co_return begun;
  }
  // Each end remembers how far it got as long as it lives.
  std::pair from = std::max(std::pair(contacted.cursor_member, contacted.cursor_block), std::pair(pass_->cursor_member, pass_->cursor_block));
  pass_->cursor_member = from.first;
  pass_->cursor_block = from.second;
  wire::PassBegin begin;
  begin.set_pass(++pass_->number);
  put(pass_->towards, *begin.mutable_towards());
  begin.set_both(true);
  Result<> sent = co_await channel.send(FrameType::pass_begin, begin);
  if (!sent) co_return sent;
  Result<std::vector<LeafMask>> held = co_await masks_of_target();
  if (!held) co_return fail(held.error());
  pass_->held = united(std::move(*held), {});
  Result<Frame> ready = co_await reply(FrameType::pass_ready);
  if (!ready) co_return fail(ready.error());
  Result<Bytes> total = co_await size_of_pass();
  if (!total) co_return fail(total.error());
  pass_->total = *total;
  pass_->sent = Bytes{0};
  changed();
  sent = co_await send_pass(channel);
  damaged_run_.reset();
  if (!sent) co_return sent;
  co_return co_await end_pass(channel);
}

rt::Task<void> Source::answer_fetches(Channel& channel) {
  for (;;) {
    std::optional<Frame> wanted = co_await fetches_->pop();
    if (!wanted || channel.closed()) break;
    Frame frame = std::move(*wanted);
    ++fetching_;
    Result<> answered = co_await answer_fetch(channel, std::move(frame));
    --fetching_;
    moved_.wake_all();
    if (!answered) channel.close(answered.error());
  }
}

rt::Task<Result<>> Source::answer_fetch(Channel& channel, Frame frame) {
  wire::FetchWanted wanted;
  Result<> parsed = parse(frame, wanted);
  if (!parsed) co_return parsed;
  wire::Fetched answer;
  answer.set_number(wanted.number());
  Load load;
  Result<> read = co_await read_wanted(wanted.member(), Block{wanted.block()}, wanted.count(), load);
  if (!read) {
    put(read.error(), *answer.mutable_failure());
    co_return co_await channel.send(FrameType::fetched, answer);
  }
  Buffer message(answer.ByteSizeLong());
  answer.SerializeToArray(message.data(), static_cast<int>(message.size()));
  load.batch.sequence = wanted.number();
  Buffer heads;
  encode_heads(load.batch, heads);
  std::vector<Span> data;
  for (const journal::Record& record : load.batch.records) data.push_back(record.data);
  // A host waits: the limit is kept by what runs behind.
  throttle_.sent(load.size, limit(), loop_.clock().now());
  co_return co_await channel.send(FrameType::fetched, message, heads, std::move(data));
}

rt::Task<Result<>> Source::read_wanted(std::uint32_t member, Block block, std::uint64_t count, Load& into) {
  std::optional<SnapshotId> point = find_point(pool_, group_, id_);
  if (!is_point(type_) || !point) co_return fail(described({Code::changed, "its point in time is gone: the token was revoked, or the copy was ended"}));
  const Origin towards = pool_.catalog().snapshots.at(*point).origin;
  CO_TRY(pool::VolumeRef view, pool_.open_snapshot(*point, member));
  const std::uint64_t end = blocks_in(view->size());
  if (count == 0 || count > fetch_most || block.value >= end || count > end - block.value)
    co_return fail(described({Code::out_of_range, "blocks were asked for that the volume does not have"}));
  Bytes at = offset_of(block);
  const Bytes stop = std::min(offset_of(block + Block{count}), view->size());
  while (at < stop) {
    auto extents = co_await view->extents(at, stop - at, fetch_most);
    if (!extents) co_return fail(extents.error());
    if (extents->empty()) co_return fail(Code::corrupt, "the volume ends before its end");
    for (const auto& e : *extents) {
      PassRun run{member, block_at(e.at), blocks_in(e.length), e.hole || e.zero};
      journal::Record record = record_of(run, towards, ground_.host.clock().wall());
      if (!run.zero) {
        AlignedBytes bytes(run.count * block_size);
        std::vector<Checksum> sums;
        Result<> read = co_await view->read_blocks(run.block, run.count, bytes.span(), sums);
        if (!read) co_return read;
        Buffer packed;
        Writer out(packed);
        for (Checksum sum : sums) out.checksum(sum);
        record.checksums = packed;
        record.data = bytes.span();
        into.bytes.push_back(std::move(bytes));
        into.sums.push_back(std::move(packed));  // its memory stays where it is
      }
      into.size += wire_size(record);
      into.batch.records.push_back(std::move(record));
    }
    at = extents->back().at + extents->back().length;
  }
  co_return Result<>{};
}

}  // namespace lockstep::replica
