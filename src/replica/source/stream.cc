// Stream: the journal, shipped as it grows. Records of one turn leave in one frame at once; many frames are
// under way.
#include <algorithm>

#include "replica/group/ledger.h"
#include "replica/source/source.h"
#include "replica/wire/convert.h"

namespace lockstep::replica {

rt::Task<Result<>> Source::stream(Channel& channel, Origin from) {
  std::optional<Lsn> lsn = co_await local_lsn(from);
  if (!lsn) co_return Result<>{};  // gone since the plan was made: the next one knows
  Lsn after = *lsn;
  Result<> begun = co_await begin_stream(channel, from, after);
  if (!begun) co_return begun;
  Result<> ended = co_await ship(channel, after, from);
  streaming_ = false;
  if (verification_ != nullptr) verification_->end({Code::changed, "the stream ended before both ends were at one position"});
  co_return ended;
}

rt::Task<Result<>> Source::begin_stream(Channel& channel, Origin from, Lsn lsn) {
  wire::StreamBegin begin;
  Past past = past_of(pool_, group_);
  put(past, *begin.mutable_past());
  put(from, *begin.mutable_from());
  Result<> sent = co_await channel.send(FrameType::stream_begin, begin);
  if (!sent) co_return sent;
  // The target says ready when it is durable with everything up to `from`.
  Result<Frame> ready = co_await reply(FrameType::stream_ready);
  if (!ready) co_return fail(ready.error());
  told_.clear();
  for (const auto& entry : past.history) told_.push_back(entry.generation);
  // It may have been further when it was last heard of, but for what only other groups wrote.
  bool lacks = pool_.time_of_oldest_after(group_, lsn).us != 0;
  received_ = durable_ = lacks ? lsn : std::max(durable_, lsn);
  durable_position_ = from;
  const store::FollowerRow* row = follower_row(pool_, follower_);
  if (row == nullptr || (lacks && !row->mapped && row->durable > lsn)) {
    store::FollowerRow fresh;
    fresh.id = follower_;
    fresh.group = group_;
    fresh.durable = lsn;
    fresh.since = from;
    fresh.journal_budget = journal_budget();
    Result<> set = co_await pool_.set_follower(fresh);
    if (!set) co_return set;
  } else if (row->mapped) {
    Result<> cleared = co_await pool_.clear_change_map(follower_, lsn);
    if (!cleared) co_return cleared;
  } else {
    pool_.follower_durable(follower_, lsn);
  }
  // A pass that ended with its last word unheard has left its snapshot here.
  for (std::string_view kind : {full_pass, map_pass, compare_pass}) {
    std::string held = purpose(kind, id_);
    Result<> dropped = co_await drop_internal(pool_, group_, std::move(held), SnapshotId{});
    if (!dropped) co_return dropped;
  }
  pass_.reset();
  sent_upto_ = lsn;
  catch_up_ = pool_.status().received;
  streaming_ = true;
  tuned_.wake_all();
  bool behind = durable_ < catch_up_;
  if (behind) flow(CopyState::unsynchronized, Progress::resyncing, {});
  judge();
  co_return Result<>{};
}

rt::Task<Result<>> Source::ship(Channel& channel, Lsn from, Origin at) {
  sent_upto_ = from;
  while (!channel.closed()) {
    Result<> room = co_await window(channel);
    if (!room) co_return room;
    Result<> marked = co_await ship_to_verify(channel, sent_upto_, at);
    if (!marked) co_return marked;
    if (stop_at_ && sent_upto_ >= *stop_at_) {
      co_await pool_.arrived().wait();
      continue;
    }
    Lsn known = pool_.status().received;
    Result<pool::Stream> piece = co_await pool_.stream(group_, sent_upto_, batch_size());
    if (!piece) {
      if (piece.error().code == Code::changed)
        co_return Result<>{};  // trimmed: the next plan uses the change map
      co_return co_await pass_over_journal(piece.error());
    }
    if (piece->records.empty() && piece->upto <= sent_upto_) {
      if (pool_.status().received == known && !channel.closed()) co_await pool_.arrived().wait();
      continue;
    }
    pool::Stream taken = std::move(*piece);
    hold_back(taken);
    if (verification_ != nullptr) verification_->cut(taken);
    bool cut = cut_short(taken);
    Result<> shipped;
    if (!taken.records.empty() || !cut) shipped = co_await ship_piece(channel, std::move(taken), at);
    if (!shipped && std::exchange(damaged_record_, false)) co_return co_await pass_over_journal(shipped.error());
    if (!shipped || cut) co_return shipped;  // the next plan knows how the target comes further
  }
  co_return fail(*channel.closed());
}

rt::Task<Result<>> Source::ship_piece(Channel& channel, pool::Stream piece, Origin& at) {
  Batch batch;
  batch.from = at;
  Lsn upto = piece.upto;
  std::vector<Buffer> scratch;
  scratch.reserve(piece.records.size());
  bool trailing = false;  // the last record seen moves the position and is not data
  journal::Record last;
  for (journal::Record& record : piece.records) {
    std::optional<std::uint16_t> member = is_data(record.kind) ? member_of(record.volume) : std::nullopt;
    trailing = !member && record.kind != journal::Kind::mark && !record.origin.generation.is_none();
    if (trailing) {
      last = record;
      continue;
    }
    if (!member) continue;
    if (record.kind == journal::Kind::direct) {
      scratch.emplace_back();
      Result<Span> data = co_await pool_.data_of(record, scratch.back());
      if (!data) damaged_record_ = true;
      if (!data) co_return fail(data.error());
      record.data = *data;
      record.kind = journal::Kind::write;
    }
    record.volume = VolumeId{*member};
    at = record.origin;
    batch.records.push_back(std::move(record));
  }
  if (trailing) {
    journal::Record position;
    position.kind = journal::Kind::position;
    position.origin = last.origin;
    position.time = last.time;
    at = last.origin;
    batch.records.push_back(std::move(position));
  }
  sent_upto_ = upto;
  if (batch.records.empty()) {
    // Only other groups wrote. What is under way now also answers for them; with nothing under way they are
    // answered for already.
    if (!undurable_.empty()) {
      undurable_.back().upto = upto;
    } else {
      durable_ = std::max(durable_, upto);
      pool_.follower_durable(follower_, durable_);
    }
    if (!unreceived_.empty()) {
      unreceived_.back().upto = upto;
    } else {
      received_ = std::max(received_, upto);
      note_answers();
      if (gated_ && gate_ != nullptr) gate_->moved();
    }
    judge();
    moved_.wake_all();
    co_return Result<>{};
  }
  batch.to = at;
  shipped_time_ = batch.records.back().time;
  Sent sent;
  sent.upto = upto;
  sent.position = at;
  unsynced_.emplace_back(sequence_ + 1, upto);
  co_return co_await send_batch(channel, std::move(batch), sent);
}

rt::Task<Result<>> Source::send_batch(Channel& channel, Batch batch, Sent sent) {
  batch.sequence = sent.sequence = ++sequence_;
  Buffer heads;
  encode_heads(batch, heads);
  std::vector<Span> data;
  data.reserve(batch.records.size());
  std::uint64_t size = heads.size();
  for (const auto& record : batch.records) {
    if (record.data.empty()) continue;
    data.push_back(record.data);
    size += record.data.size();
  }
  sent.size = Bytes{size};
  sent.at = loop_.clock().now();
  unreceived_.push_back(sent);
  undurable_.push_back(sent);
  in_flight_ += sent.size;
  if (recent_.empty() || sent.at - recent_.back().first > std::chrono::milliseconds(100)) {
    recent_.emplace_back(sent.at, 0);
    while (sent.at - recent_.front().first > std::chrono::seconds(6)) recent_.pop_front();
  }
  recent_.back().second += size;
  Result<std::uint64_t> gone = co_await send_data_of(channel, heads, std::move(data));
  if (!gone) co_return fail(gone.error());
  co_await keep_limit(*gone, channel);
  co_return Result<>{};
}

rt::Task<Result<>> Source::window(Channel& channel) {
  while (!channel.closed() && in_flight_ >= ground_.options.in_flight) co_await moved_.wait();
  if (channel.closed()) co_return fail(*channel.closed());
  co_return Result<>{};
}

// Packed on a worker where that is wanted, and pays. What hosts wait for goes as it is.
rt::Task<Result<std::uint64_t>> Source::send_data_of(Channel& channel, Span heads, std::vector<Span> data) {
  std::uint64_t size = 0;
  for (Span part : data) size += part.size();
  std::optional<Buffer> small;
  if (settings_.compress && unpacks_ && !gated_ && luck_.try_it(size)) {
    auto job = rt::work(loop_, [&data] { return packed(data); });
    small = co_await job;
    luck_.paid(small.has_value());
  }
  std::uint32_t unpacked = 0;
  if (small) {
    unpacked = static_cast<std::uint32_t>(size);
    data.assign(1, Span(*small));
    size = small->size();
  }
  Result<> gone = co_await channel.send(FrameType::batch, Span{}, heads, std::move(data), unpacked);
  if (!gone) co_return fail(gone.error());
  co_return heads.size() + size;
}

Bytes Source::limit() const {
  return limit_at(settings_.schedule, settings_.limit_per_second, ground_.host.clock().wall());
}

// What leaves at once: under a limit, no more than a tenth of a second's worth, so that little else waits behind it.
Bytes Source::batch_size() const {
  constexpr Bytes least = 16_KiB;
  Bytes rate = limit();
  if (rate.value == 0) return ground_.options.batch;
  return std::clamp(Bytes{rate.value / 10}, std::min(least, ground_.options.batch), ground_.options.batch);
}

// The limit may change while it is waited for.
rt::Task<void> Source::keep_limit(std::uint64_t bytes, Channel& channel) {
  constexpr Duration look_again = std::chrono::seconds(1);
  throttle_.sent(bytes, limit(), loop_.clock().now());
  while (!channel.closed()) {
    // Where hosts have to wait for answers, the limit is for what runs behind.
    bool must = gated_ && settings_.mode == Mode::synchronous;
    Duration wait = must ? Duration{0} : throttle_.wait(limit(), loop_.clock().now());
    if (wait == Duration{0}) co_return;
    co_await channel.pause(std::min<Duration>(wait, look_again));
  }
}

std::optional<std::uint16_t> Source::member_of(VolumeId volume) const {
  auto at = std::find(members_.begin(), members_.end(), volume);
  if (at == members_.end()) return std::nullopt;
  return static_cast<std::uint16_t>(at - members_.begin());
}

}  // namespace lockstep::replica
