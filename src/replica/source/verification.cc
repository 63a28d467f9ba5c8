#include "replica/source/verification.h"

#include <algorithm>

#include "replica/ends/pass.h"
#include "replica/group/ledger.h"
#include "replica/group/scrub.h"
#include "replica/wire/convert.h"
#include "replica/wire/leaves.h"

namespace lockstep::replica {
namespace {

constexpr std::size_t masks_most = 1 << 18;     // 128 GiB that differ; beyond it they are counted only
constexpr std::uint64_t rewrite_most = 64;      // blocks at a time

}  // namespace

Verification::Verification(const Ground& ground, pool::Pool& pool, RelationshipId id, GroupId group, std::vector<VolumeId> members, std::uint32_t run)
    : ground_(ground), pool_(pool), loop_(pool.loop()), id_(id), group_(group), members_(std::move(members)), run_(run), moved_(loop_), answers_(loop_, 4) {}

Verification::~Verification() = default;

rt::Task<void> Verification::take_snapshot() {
  if (std::exchange(asked_, true) || ended_) co_return;
  held_ = true;
  co_await take();
  held_ = false;
  moved_.wake_all();
}

rt::Task<void> Verification::take() {
  std::string label = "verify-" + text_of(id_).substr(0, 8) + "-" + std::to_string(ground_.host.clock().wall().us);
  std::string held = purpose("verify", id_);
  Result<SnapshotId> taken = co_await pool_.snapshot(group_, std::move(label), std::move(held));
  if (!taken) {
    end(taken.error().in("verify: the source's snapshot"));
    co_return;
  }
  snapshot_ = *taken;
  const store::SnapshotRow& row = pool_.catalog().snapshots.at(*taken);
  lsn_ = row.lsn;
  report_.time = row.as_of;
}

void Verification::cut(pool::Stream& piece) const {
  if (!snapshot_ || told_ || ended_ || piece.upto <= lsn_) return;
  std::erase_if(piece.records, [this](const journal::Record& record) { return record.lsn > lsn_; });
  piece.upto = lsn_;
}

rt::Task<Result<>> Verification::reached(Channel& channel, Lsn upto, Origin at) {
  if (!snapshot_ || told_ || ended_ || upto < lsn_) co_return Result<>{};
  told_ = true;
  report_.position = at;
  wire::VerifyBegin begin;
  begin.set_run(run_);
  put(at, *begin.mutable_position());
  held_ = true;
  Result<> sent = co_await channel.send(FrameType::verify_begin, begin);
  held_ = false;
  moved_.wake_all();
  co_return sent;
}

void Verification::answered(Frame frame) {
  bool taken = answers_.try_push(std::move(frame));
  moved_.wake_all();
  if (!taken) end({Code::corrupt, "the target answers what it was not asked"});
}

void Verification::end(Error why) {
  if (!ended_) ended_ = std::move(why);
  answers_.close();
  moved_.wake_all();
}

Result<> Verification::goes_on() const {
  if (ended_) return fail(ended_->in("verify"));
  if (watch_ != nullptr && watch_->stop) return fail(Code::cancelled, "the verification was cancelled");
  return {};
}

rt::Task<Result<Verification::Answer>> Verification::answer() {
  for (;;) {
    // Cancelling does not wait for a target that reads.
    Instant soon = loop_.clock().now() + ground_.options.heartbeat;
    rt::Loop::TimerId timer = loop_.at(soon, [this] { moved_.wake_all(); });
    std::optional<Frame> frame = answers_.try_pop();
    if (!frame && !ended_) co_await moved_.wait();
    loop_.cancel(timer);
    CO_TRY_VOID(goes_on());
    if (!frame) continue;
    Answer out;
    CO_TRY_VOID(parse(*frame, out.message));
    if (out.message.run() != run_) continue;   // to one that was given up
    if (out.message.has_failure()) co_return fail(error_from(out.message.failure()).in("the target"));
    out.heads = std::move(frame->heads);
    co_return std::move(out);
  }
}

rt::Task<Result<Verification::Answer>> Verification::ask(Channel& channel, std::uint32_t kind, std::uint32_t member, std::uint64_t leaf, std::uint32_t count) {
  wire::VerifyWanted wanted;
  wanted.set_run(run_);
  wanted.set_kind(kind);
  wanted.set_member(member);
  wanted.set_leaf(leaf);
  wanted.set_count(count);
  Result<> sent = co_await channel.send(FrameType::verify_wanted, wanted);
  if (!sent) co_return fail(sent.error());
  co_return co_await answer();
}

std::uint64_t Verification::leaves_of(std::uint32_t member) const {
  const store::SnapshotRow& row = pool_.catalog().snapshots.at(*snapshot_);
  Bytes size = pool_.catalog().volumes.at(row.volumes[member]).size;
  return (blocks_in(size) + store::leaf_blocks - 1) / store::leaf_blocks;
}

rt::Task<Result<VerifyReport>> Verification::run(Channel& channel, VerifyRequest request, bool rewrites, VerifyWatch& watch) {
  watch_ = &watch;
  const Instant began = loop_.clock().now();
  std::uint64_t damage_before = 0;
  ignore(damages_of(pool_, members_, damage_before), "only what is met from here on counts");
  while (!told_ && goes_on()) {
    rt::Loop::TimerId timer = loop_.at(loop_.clock().now() + ground_.options.heartbeat, [this] { moved_.wake_all(); });
    co_await moved_.wait();
    loop_.cancel(timer);
  }
  while (held_) co_await moved_.wait();
  Result<> done = goes_on();
  if (done) {
    for (VolumeId member : members_) {
      const store::VolumeRow& row = pool_.catalog().volumes.at(member);
      report_.volumes.push_back({row.name, 0});
      report_.compared += row.size;
    }
    watch.total = report_.compared.value * (request.read ? 2 : 1);
    // The map must hold all of the snapshot; the target does the same meanwhile.
    done = co_await pool_.checkpoint();
  }
  if (done) {
    Result<Answer> ready = co_await answer();
    if (!ready) done = fail(ready.error());
  }
  for (std::uint32_t member = 0; done && member < members_.size(); ++member) done = co_await compare(channel, member);
  for (std::uint32_t member = 0; done && request.read && member < members_.size(); ++member) done = co_await read(channel, member);
  if (told_ && !ended_) {
    wire::VerifyEnd over;
    over.set_run(run_);
    Result<> said = co_await channel.send(FrameType::verify_end, over);
    ignore(said, "the end of the connection says the same");
  }
  if (done && request.repair && rewrites && report_.different > 0) {
    Result<> again = co_await rewrite();
    if (!again) report_.not_repaired = again.error().message;
  }
  for (const pool::Damage& damage : damages_of(pool_, members_, damage_before)) damaged({true, damage.where, damage.what, damage.repaired});
  Result<> dropped = co_await drop_snapshot();
  ignore(dropped, "opening the relationship again removes it");
  if (!done) co_return fail(done.error());
  report_.took = loop_.clock().now() - began;
  co_return std::move(report_);
}

rt::Task<Result<>> Verification::drop_snapshot() {
  std::string held = purpose("verify", id_);
  co_return co_await drop_internal(pool_, group_, std::move(held), SnapshotId{});
}

rt::Task<Result<>> Verification::compare(Channel& channel, std::uint32_t member) {
  const std::uint64_t leaves = leaves_of(member);
  for (std::uint64_t leaf = 0; leaf < leaves;) {
    auto count = static_cast<std::uint32_t>(std::min<std::uint64_t>(leaves - leaf, verify_hashes_most));
    auto mine = co_await pool_.leaf_hashes(*snapshot_, member, leaf, count);
    if (!mine) co_return fail(mine.error());
    CO_TRY(Answer answer, co_await ask(channel, static_cast<std::uint32_t>(VerifyAsk::hashes), member, leaf, count));
    CO_TRY(std::vector<Checksum> theirs, decode_hashes(answer.heads));
    if (mine->size() != count || theirs.size() != count) co_return fail(Code::corrupt, "the target told of other leaves than it was asked for");
    for (std::uint32_t i = 0; i < count;) {
      std::uint32_t end = i;
      while (end < count && end - i < leaves_most && (*mine)[end] != theirs[end]) ++end;
      if (end > i) CO_TRY_VOID(co_await compare_leaves(channel, member, leaf + i, end - i));
      i = std::max(end, i + 1);
    }
    leaf += count;
    watch_->done += count * store::leaf_blocks * block_size;
  }
  co_return Result<>{};
}

rt::Task<Result<>> Verification::compare_leaves(Channel& channel, std::uint32_t member, std::uint64_t leaf, std::uint32_t count) {
  CO_TRY(Answer answer, co_await ask(channel, static_cast<std::uint32_t>(VerifyAsk::entries), member, leaf, count));
  CO_TRY(std::vector<std::vector<store::Entry>> theirs, decode_leaves(answer.heads, count));
  for (std::uint32_t i = 0; i < count; ++i) {
    auto mine = co_await pool_.leaf_entries(*snapshot_, member, leaf + i);
    if (!mine) co_return fail(mine.error());
    LeafMask mask{member, leaf + i, difference(*mine, theirs[i])};
    differ(mask);
  }
  co_return Result<>{};
}

void Verification::differ(const LeafMask& mask) {
  const std::uint64_t end = blocks_in(pool_.catalog().volumes.at(members_[mask.member]).size);
  std::vector<LeafMask> one{mask};
  std::uint64_t blocks = blocks_of(one);
  if (blocks == 0) return;
  if (masks_.size() < masks_most) masks_.push_back(mask);
  report_.different += blocks;
  report_.volumes[mask.member].different += blocks;
  MaskRuns runs(one, mask.member, Block{0}, store::leaf_blocks);
  for (auto run = runs.next(); run && report_.ranges.size() < VerifyReport::listed_most; run = runs.next()) {
    run->count = std::min(run->count, end - std::min(end, run->block.value));
    VerifyReport::Range range{mask.member, offset_of(run->block), Bytes{run->count * block_size}};
    bool goes_on = !report_.ranges.empty() && report_.ranges.back().volume == range.volume && report_.ranges.back().at + report_.ranges.back().length == range.at;
    if (goes_on) report_.ranges.back().length += range.length;
    else report_.ranges.push_back(range);
  }
}

// Both ends read the same leaves, one after the other, no faster than background work may.
rt::Task<Result<>> Verification::read(Channel& channel, std::uint32_t member) {
  const std::uint64_t leaves = leaves_of(member);
  for (std::uint64_t leaf = 0; leaf < leaves; leaf += verify_read_most) {
    auto count = static_cast<std::uint32_t>(std::min<std::uint64_t>(leaves - leaf, verify_read_most));
    const Instant began = loop_.clock().now();
    CO_TRY(Bytes here, co_await scrub(pool_, members_[member], Block{leaf * store::leaf_blocks}, count * store::leaf_blocks));
    CO_TRY(Answer answer, co_await ask(channel, static_cast<std::uint32_t>(VerifyAsk::read), member, leaf, count));
    for (const auto& damage : answer.message.damages()) damaged({false, damage.where(), damage.what(), damage.repaired()});
    Bytes there{answer.message.read()};
    report_.read += here + there;
    watch_->done += count * store::leaf_blocks * block_size;
    double seconds = static_cast<double>(std::max(here, there).value) / static_cast<double>(std::max<std::uint64_t>(ground_.options.verify_read_per_second.value, 1));
    Duration due = std::chrono::microseconds(static_cast<std::int64_t>(seconds * 1e6)) - (loop_.clock().now() - began);
    if (due > Duration{0}) co_await channel.pause(due);
    CO_TRY_VOID(goes_on());
  }
  co_return Result<>{};
}

void Verification::damaged(DamageReport damage) {
  // Read in vain more than once, it is still one.
  for (DamageReport& known : report_.damages) {
    if (known.at_source != damage.at_source || known.where != damage.where) continue;
    if (damage.repaired && !known.repaired) ++report_.mended;
    known.repaired = known.repaired || damage.repaired;
    return;
  }
  ++report_.damaged;
  if (damage.repaired) ++report_.mended;
  if (report_.damages.size() < VerifyReport::listed_most) report_.damages.push_back(std::move(damage));
}

rt::Task<Result<>> Verification::rewrite() {
  MaskRuns runs(masks_, 0, Block{0}, rewrite_most);
  Result<> outcome;
  if (report_.different > blocks_of(masks_)) outcome = fail(Code::busy, "there were too many differences for one run; verify again");
  for (;;) {
    std::optional<PassRun> run = runs.next();
    if (!run) break;
    CO_TRY_VOID(goes_on());
    CO_TRY(pool::VolumeRef volume, pool_.open_volume(members_[run->member]));
    std::uint64_t end = blocks_in(volume->size());
    std::uint64_t count = std::min(run->count, end - std::min(end, run->block.value));
    if (count == 0) continue;
    Result<Lsn> written = co_await volume->rewrite(run->block, count);
    if (written) {
      rewritten_ = *written;
      report_.repaired += count;
    } else if (outcome) {
      outcome = fail(written.error().in("sending again what differs"));
    }
  }
  co_return outcome;
}

}  // namespace lockstep::replica
