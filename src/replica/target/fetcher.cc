#include "replica/target/fetcher.h"

#include <algorithm>
#include <cstring>

#include "replica/wire/asks.h"
#include "replica/wire/batch.h"
#include "replica/wire/convert.h"

namespace lockstep::replica {
namespace {

constexpr std::uint64_t asked_most = 32;                          // at a time
constexpr Duration answer_within = std::chrono::seconds(30);      // by a source that is there

// The records bring every block of the range once, and nothing else.
Result<> check_covers(const Batch& batch, std::uint32_t member, Block block, std::uint64_t count) {
  Block next = block;
  for (const journal::Record& record : batch.records) {
    bool blocks = record.kind == journal::Kind::write || record.kind == journal::Kind::zero;
    bool fits = blocks && record.volume.value == member && record.block == next && record.count > 0 && record.count <= block.value + count - next.value;
    if (!fits) return fail(Code::corrupt, "the source sent other blocks than it was asked for");
    next += Block{record.count};
  }
  if (next.value != block.value + count) return fail(Code::corrupt, "the source sent fewer blocks than it was asked for");
  return {};
}

}  // namespace

Fetcher::Fetcher(const Ground& ground, pool::Pool& pool, GroupId group, std::string relationship)
    : ground_(ground), pool_(pool), loop_(pool.loop()), group_(group), name_(std::move(relationship)), slots_(loop_, asked_most), changed_(loop_) {}

Fetcher::~Fetcher() { CHECK(inside_ == 0); }

Error Fetcher::described(Code code, const std::string& what) const { return {code, "relationship '" + name_ + "': " + what}; }

void Fetcher::connected(Channel& channel, std::vector<VolumeId> members) {
  channel_ = &channel;
  members_ = std::move(members);
  changed_.wake_all();
}

rt::Task<void> Fetcher::disconnected(Error why) {
  channel_ = nullptr;
  why_gone_ = std::move(why.message);
  for (auto& [number, asked] : asked_) asked->lost = true;
  asked_.clear();
  changed_.wake_all();
  while (sending_ > 0) co_await changed_.wait();
}

rt::Task<void> Fetcher::close() {
  closed_ = true;
  for (auto& [number, asked] : asked_) asked->lost = true;
  asked_.clear();
  changed_.wake_all();
  while (inside_ > 0) co_await changed_.wait();
}

Result<> Fetcher::answered(Frame frame) {
  wire::Fetched answer;
  TRY_VOID(parse(frame, answer));
  auto at = asked_.find(answer.number());
  if (at == asked_.end()) return fail(Code::corrupt, "blocks came that nobody asked for");
  Asked& asked = *at->second;
  asked_.erase(at);
  if (answer.has_failure()) asked.failure = error_from(answer.failure());
  else asked.answer = std::move(frame);
  changed_.wake_all();
  return {};
}

rt::Task<Result<>> Fetcher::fetch(VolumeId volume, Block block, std::uint64_t count, MutSpan into) {
  ++inside_;
  Result<> done;
  for (std::uint64_t at = 0; at < count && done; at += fetch_most) {
    std::uint64_t part = std::min(fetch_most, count - at);
    done = co_await fetch_part(volume, block + Block{at}, into.subspan(at * block_size, part * block_size));
  }
  --inside_;
  changed_.wake_all();
  co_return done;
}

rt::Task<Result<>> Fetcher::fetch_part(VolumeId volume, Block block, MutSpan into) {
  const std::uint64_t count = into.size() / block_size;
  const Instant until = loop_.clock().now() + ground_.options.reachable_within;
  for (;;) {
    Result<> there = co_await await_source(until);
    if (!there) co_return there;
    auto found = std::find(members_.begin(), members_.end(), volume);
    if (found == members_.end()) co_return fail(described(Code::changed, "the volume is not among those that it copies"));
    auto member = static_cast<std::uint32_t>(found - members_.begin());
    Result<std::optional<Frame>> answer = co_await ask(member, block, count);
    if (!answer) co_return fail(answer.error());
    if (!*answer) continue;
    Frame frame = std::move(**answer);
    Result<> taken = co_await take(std::move(frame), volume, member, block, into);
    if (taken) co_return taken;
    // Damaged on its way: that connection is not to be trusted.
    if (channel_ != nullptr) channel_->close(taken.error());
    if (loop_.clock().now() >= until) co_return taken;
  }
}

rt::Task<Result<>> Fetcher::await_source(Instant until) {
  rt::Loop::TimerId timer = loop_.at(until, [this] { changed_.wake_all(); });
  while (!closed_ && (channel_ == nullptr || channel_->closed()) && loop_.clock().now() < until) co_await changed_.wait();
  loop_.cancel(timer);
  if (closed_) co_return fail(described(Code::unreachable, "it is being closed here"));
  if (channel_ == nullptr || channel_->closed()) co_return fail(described(Code::unreachable, "its source is out of reach: " + why_gone_));
  co_return Result<>{};
}

rt::Task<Result<std::optional<Frame>>> Fetcher::ask(std::uint32_t member, Block block, std::uint64_t count) {
  std::optional<Frame> nothing;
  co_await slots_.take(1);
  if (closed_ || channel_ == nullptr || channel_->closed()) {
    slots_.give(1);
    co_return std::move(nothing);
  }
  Channel& channel = *channel_;
  Asked asked;
  const std::uint64_t number = ++number_;
  asked_[number] = &asked;
  wire::FetchWanted wanted;
  wanted.set_number(number);
  wanted.set_member(member);
  wanted.set_block(block.value);
  wanted.set_count(static_cast<std::uint32_t>(count));
  ++sending_;
  Result<> sent = co_await channel.send(FrameType::fetch_wanted, wanted);   // a failed one closes the channel
  --sending_;
  changed_.wake_all();
  const Instant until = loop_.clock().now() + answer_within;
  rt::Loop::TimerId timer = loop_.at(until, [this] { changed_.wake_all(); });
  while (sent && !asked.answer && !asked.failure && !asked.lost && loop_.clock().now() < until) co_await changed_.wait();
  loop_.cancel(timer);
  slots_.give(1);
  if (asked.answer) co_return std::move(asked.answer);
  if (asked.failure) co_return fail(described(asked.failure->code, "its source: " + asked.failure->message));
  asked_.erase(number);
  if (!sent || asked.lost) co_return std::move(nothing);
  Error late = described(Code::timeout, "its source did not send the blocks within 30 s");
  if (channel_ != nullptr) channel_->close(late);
  co_return fail(std::move(late));
}

rt::Task<Result<>> Fetcher::take(Frame frame, VolumeId volume, std::uint32_t member, Block block, MutSpan into) {
  CO_TRY(Batch batch, decode_batch(frame.heads, frame.data.span(), members_.size()));
  CO_TRY_VOID(verify(batch));
  CO_TRY_VOID(check_covers(batch, member, block, into.size() / block_size));
  for (journal::Record& record : batch.records) {
    MutSpan part = into.subspan((record.block.value - block.value) * block_size, record.count * block_size);
    if (record.kind == journal::Kind::zero) std::memset(part.data(), 0, part.size());
    else std::memcpy(part.data(), record.data.data(), part.size());
    record.volume = volume;
  }
  std::vector<journal::Record> records = std::move(batch.records);
  Result<Lsn> kept = co_await pool_.fill(group_, std::move(records));
  ignore(kept, "the host has what it wanted; the fill brings it once more");
  co_return Result<>{};
}

}  // namespace lockstep::replica
