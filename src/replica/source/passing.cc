// A resync pass at the source: snapshot at L; every block of the set as of L; then shipping goes on from L.
// At its end the target is exactly the group at L. If the journal's budget ran out meanwhile, what came after
// L is the next pass's map.
#include <algorithm>

#include "replica/group/ledger.h"
#include "replica/group/point.h"
#include "replica/source/source.h"
#include "replica/wire/convert.h"

namespace lockstep::replica {
namespace {

constexpr std::uint64_t run_most = 256;  // blocks: 1 MiB in a record
constexpr std::size_t leaves_at_once = 4096;
constexpr std::size_t extents_at_once = 1024;
constexpr Duration short_pass = std::chrono::seconds(5);

std::string_view kind_of(Plan::Kind kind) {
  if (kind == Plan::Kind::full) return full_pass;
  return kind == Plan::Kind::compare ? compare_pass : map_pass;
}

}  // namespace

rt::Task<Result<>> Source::pass(Channel& channel, const Contacted& contacted) {
  bool resumed = contacted.plan.kind == Plan::Kind::resume_pass;
  bool first = contacted.there.holds_nothing;
  flow(CopyState::unsynchronized, first ? Progress::synchronizing : Progress::resyncing, {});
  if (!resumed || !pass_) {
    Result<> begun = co_await begin_pass(contacted);
    if (!begun) co_return begun;
  }
  // Both ends may know how far the pass got: each says only what is durable at the target.
  std::pair theirs(contacted.cursor_member, contacted.cursor_block);
  std::pair ours(pass_->cursor_member, pass_->cursor_block);
  std::pair from = resumed ? std::max(theirs, ours) : std::pair(0U, Block{0});
  pass_->cursor_member = from.first;
  pass_->cursor_block = from.second;
  Result<> open = co_await open_pass(channel, contacted);
  if (!open) co_return open;
  Result<> sent = co_await send_pass(channel);
  if (damaged_run_) co_await renew_pass(*std::exchange(damaged_run_, std::nullopt));
  if (!sent) co_return sent;
  co_return co_await end_pass(channel);
}

// A pass has costs that do not shrink with what it sends: round trips, syncs, commits. Where hosts fill the journal's budget in
// that time, no number of passes catches up: then the next one keeps more, as much as they write during a few such passes.
void Source::outrun() {
  if (written_in_pass_.value > 0) pool_.stretch_budget(follower_, Bytes{4 * written_in_pass_.value});
}

void Source::caught_up() {
  if (written_in_pass_.value > 0) pool_.stretch_budget(follower_, Bytes{0});
  written_in_pass_ = Bytes{0};
}

// Picks up the snapshot of a pass that a former life began, or takes a new one.
rt::Task<Result<>> Source::begin_pass(const Contacted& contacted) {
  Plan plan = contacted.plan;
  Pass pass;
  pass.begun = loop_.clock().now();
  pass.written_before = pool_.written(group_);
  outrun();
  std::string_view kind = kind_of(plan.kind);
  std::optional<SnapshotId> held;
  for (std::string_view k : {full_pass, map_pass, compare_pass}) {
    auto found = find_internal(pool_, group_, purpose(k, id_));
    if (plan.kind == Plan::Kind::resume_pass && found) {
      held = found;
      kind = k;
    }
  }
  if (is_point(type_)) {
    held = find_point(pool_, group_, id_);
    if (!held) co_return fail(Code::changed, "the point in time that was to be copied is gone");
    if (plan.kind == Plan::Kind::resume_pass) {
      // Which blocks a former life meant to send is not written down: those that differ are the same or fewer.
      kind = contacted.there.holds_nothing ? full_pass : compare_pass;
    }
  }
  pass_.reset();
  SnapshotId kept = held.value_or(SnapshotId{});
  for (std::string_view k : {full_pass, map_pass, compare_pass}) {
    std::string other = purpose(k, id_);
    Result<> dropped = co_await drop_internal(pool_, group_, std::move(other), kept);
    if (!dropped) co_return dropped;
  }
  if (!held) {
    std::string why = purpose(kind, id_);
    std::string label =
        "resync-" + text_of(id_).substr(0, 8) + "-" + std::to_string(ground_.host.clock().wall().us);
    Result<SnapshotId> taken = co_await pool_.snapshot(group_, std::move(label), std::move(why));
    if (!taken) co_return fail(taken.error().in("resync: the source's snapshot"));
    held = *taken;
  }
  const store::SnapshotRow& row = pool_.catalog().snapshots.at(*held);
  pass.snapshot = *held;
  pass.towards = row.origin;
  pass.lsn = row.lsn;
  pass.fresh = contacted.fresh;
  Lsn lsn = pass.lsn;
  if (plan.kind == Plan::Kind::resume_pass) {
    pass.set = kind == full_pass ? Pass::Set::allocated : Pass::Set::masks;
    pass.fresh = false;
  } else if (kind == full_pass || kind == compare_pass) {
    // The pass brings everything up to L by itself: the journal is needed from there on.
    store::FollowerRow follower;
    follower.id = follower_;
    follower.group = group_;
    follower.durable = lsn;
    follower.since = pass.towards;
    follower.journal_budget = journal_budget();
    if (needs_journal(type_)) {
      Result<> set = co_await pool_.set_follower(follower);
      if (!set) co_return set;
    }
    pass.set = kind == full_pass ? Pass::Set::allocated : Pass::Set::masks;
  } else {
    CO_TRY_VOID(co_await claim_after(pool_, follower_, plan.from));
    Result<> folded = co_await pool_.fold_follower(follower_, lsn);
    if (!folded && folded.error().code == Code::changed) {
      // What it knew is gone: without the claim, the next plan sees that and compares.
      Result<> dropped = co_await forget_follower(pool_, follower_);
      if (!dropped) co_return dropped;
    }
    if (!folded) co_return folded;
    pass.set = Pass::Set::masks;
  }
  pass.clears_map = kind == map_pass;
  pass.compared = kind == compare_pass;
  pass_ = std::move(pass);
  co_return Result<>{};
}

rt::Task<Result<>> Source::read_map() {
  pass_->masks.clear();
  for (std::uint32_t member = 0; member < members_.size(); ++member) {
    VolumeId volume = members_[member];
    for (std::uint64_t leaf = 0;;) {
      auto got = co_await pool_.change_map(follower_, volume, leaf, leaves_at_once);
      if (!got) co_return fail(got.error());
      for (const auto& l : *got) pass_->masks.push_back({member, l.leaf, l.mask});
      if (got->empty()) break;
      leaf = got->back().leaf + 1;
    }
  }
  pass_->masks = united(std::move(pass_->masks), {});
  co_return Result<>{};
}

// Tells the target what is coming, and learns what it changed itself where both sides' changes count.
rt::Task<Result<>> Source::open_pass(Channel& channel, const Contacted& contacted) {
  if (pass_->set == Pass::Set::masks && pass_->masks.empty()) {
    Result<> listed;
    if (pass_->compared) {
      listed = co_await compare(channel);
    } else {
      listed = co_await read_map();
    }
    if (!listed) co_return listed;
  }
  wire::PassBegin begin;
  begin.set_pass(++pass_->number);
  put(pass_->towards, *begin.mutable_towards());
  // A target that was written to itself lists what it changed: a pass taken up again must not forget that.
  bool both = pass_->clears_map && contacted.there.tells_changes;
  begin.set_both(both);
  put(contacted.plan.from, *begin.mutable_common());
  Result<> sent = co_await channel.send(FrameType::pass_begin, begin);
  if (!sent) co_return sent;
  std::vector<LeafMask> theirs;
  if (both) {
    CO_TRY(theirs, co_await masks_of_target());
  }
  if (!theirs.empty()) pass_->masks = united(std::move(pass_->masks), std::move(theirs));
  Result<Frame> ready = co_await reply(FrameType::pass_ready);
  if (!ready) co_return fail(ready.error());
  CO_TRY(Bytes total, co_await size_of_pass());
  pass_->total = total;
  pass_->sent = Bytes{0};
  changed();
  co_return Result<>{};
}

rt::Task<Result<std::vector<LeafMask>>> Source::masks_of_target() {
  std::vector<LeafMask> out;
  for (;;) {
    Result<Frame> frame = co_await reply(FrameType::changes);
    if (!frame) co_return fail(frame.error());
    if (frame->heads.empty()) break;
    auto masks = decode_masks(frame->heads, members_.size());
    if (!masks) co_return fail(masks.error());
    out.insert(out.end(), masks->begin(), masks->end());
  }
  co_return std::move(out);
}

rt::Task<Result<Bytes>> Source::size_of_pass() {
  if (pass_->set == Pass::Set::masks) co_return Bytes{blocks_of(pass_->masks) * block_size};
  Bytes total{0};
  for (std::uint32_t member = pass_->cursor_member; member < members_.size(); ++member) {
    CO_TRY(pool::VolumeRef view, pool_.open_snapshot(pass_->snapshot, member));
    Bytes from = member == pass_->cursor_member ? offset_of(pass_->cursor_block) : Bytes{0};
    CO_TRY(Bytes size, co_await data_in(std::move(view), from));
    total += size;
  }
  co_return total;
}

rt::Task<Result<>> Source::send_pass(Channel& channel) {
  load_ = {};
  Result<> sent = co_await send_set(channel);
  if (!sent) co_return sent;
  co_return co_await unload(channel);
}

rt::Task<Result<>> Source::send_set(Channel& channel) {
  if (pass_->set == Pass::Set::masks) {
    std::uint64_t most = std::min(run_most, batch_size().value / block_size);
    MaskRuns runs(pass_->masks, pass_->cursor_member, pass_->cursor_block, most);
    for (;;) {
      std::optional<PassRun> run = runs.next();
      if (!run) break;
      Result<> sent = co_await send_run(channel, *run);
      if (!sent) co_return sent;
    }
    co_return Result<>{};
  }
  std::uint32_t first = pass_->cursor_member;
  for (std::uint32_t member = first; member < members_.size(); ++member) {
    CO_TRY(pool::VolumeRef view, pool_.open_snapshot(pass_->snapshot, member));
    Bytes at = member == first ? offset_of(pass_->cursor_block) : Bytes{0};
    while (at < view->size()) {
      auto extents = co_await view->extents(at, view->size() - at, extents_at_once);
      if (!extents) co_return fail(extents.error());
      if (extents->empty()) break;
      for (const auto& e : *extents) {
        bool zero = e.hole || e.zero;
        PassRun run{member, block_at(e.at), blocks_in(e.length), zero};
        if (zero && pass_->fresh) continue;
        while (run.count > 0) {
          PassRun part = run;
          if (!zero) part.count = std::min({run.count, run_most, batch_size().value / block_size});
          Result<> sent = co_await send_lacking(channel, view, part);
          if (!sent) co_return sent;
          run.block += Block{part.count};
          run.count -= part.count;
        }
      }
      at = extents->back().at + extents->back().length;
    }
  }
  co_return Result<>{};
}

// Some blocks of a change map hold nothing now: they travel as zeroes.
rt::Task<Result<>> Source::send_run(Channel& channel, PassRun run) {
  CO_TRY(pool::VolumeRef view, pool_.open_snapshot(pass_->snapshot, run.member));
  std::uint64_t end = blocks_in(view->size());
  if (run.block.value >= end) co_return Result<>{};
  run.count = std::min(run.count, end - run.block.value);
  Bytes at = offset_of(run.block);
  Bytes stop = std::min(offset_of(run.block + Block{run.count}), view->size());
  while (at < stop) {
    auto extents = co_await view->extents(at, stop - at, extents_at_once);
    if (!extents) co_return fail(extents.error());
    if (extents->empty()) break;
    for (const auto& e : *extents) {
      bool zero = e.hole || e.zero;
      PassRun part{run.member, block_at(e.at), blocks_in(e.length), zero};
      Result<> sent = co_await send_part(channel, view, part);
      if (!sent) co_return sent;
    }
    at = extents->back().at + extents->back().length;
  }
  co_return Result<>{};
}

// Of a target that is being filled, what it has already does not travel again.
rt::Task<Result<>> Source::send_lacking(Channel& channel, pool::VolumeRef view, PassRun run) {
  if (pass_->held.empty() || run.zero) co_return co_await send_part(channel, std::move(view), run);
  std::vector<PassRun> parts = without(run, pass_->held);
  std::uint64_t lacking = 0;
  for (const PassRun& part : parts) {
    lacking += part.count;
    Result<> sent = co_await send_part(channel, view, part);
    if (!sent) co_return sent;
  }
  pass_->sent += Bytes{(run.count - lacking) * block_size};
  co_return Result<>{};
}

rt::Task<Result<>> Source::send_part(Channel& channel, pool::VolumeRef view, PassRun run) {
  if (run.zero) co_return co_await send_zero(channel, run);
  co_return co_await send_data(channel, std::move(view), run);
}

rt::Task<Result<>> Source::send_zero(Channel& channel, PassRun run) {
  journal::Record record = record_of(run, pass_->towards, ground_.host.clock().wall());
  co_return co_await load(channel, std::move(record), run);
}

rt::Task<Result<>> Source::send_data(Channel& channel, pool::VolumeRef view, PassRun run) {
  AlignedBytes bytes(run.count * block_size);
  std::vector<Checksum> sums;
  Result<> read = co_await view->read_blocks(run.block, run.count, bytes.span(), sums);
  if (!read && read.error().code == Code::corrupt) damaged_run_ = run;
  if (!read) co_return fail(read.error().in("resync: reading the source"));
  Buffer packed;
  Writer out(packed);
  for (Checksum sum : sums) out.checksum(sum);
  journal::Record record = record_of(run, pass_->towards, ground_.host.clock().wall());
  record.checksums = packed;
  record.data = bytes.span();
  load_.bytes.push_back(std::move(bytes));
  load_.sums.push_back(std::move(packed));  // its memory stays where it is
  pass_->sent += Bytes{run.count * block_size};
  co_return co_await load(channel, std::move(record), run);
}

// Runs travel together: a frame for each scattered block would cost more than the blocks.
rt::Task<Result<>> Source::load(Channel& channel, journal::Record record, PassRun run) {
  load_.size += wire_size(record);
  load_.batch.records.push_back(std::move(record));
  load_.last = run;
  if (load_.size >= batch_size().value || load_.batch.records.size() >= 1024)
    co_return co_await unload(channel);
  co_return Result<>{};
}

rt::Task<Result<>> Source::unload(Channel& channel) {
  Load full = std::exchange(load_, Load{});
  if (full.batch.records.empty()) co_return Result<>{};
  Result<> room = co_await window(channel);
  if (!room) co_return room;
  Sent sent;
  sent.cursor_member = full.last.member;
  sent.cursor_block = full.last.block + Block{full.last.count};
  changed();
  co_return co_await send_batch(channel, std::move(full.batch), sent);
}

rt::Task<Result<>> Source::end_pass(Channel& channel) {
  wire::PassEnd end;
  Past past = past_of(pool_, group_);
  past.position = pass_->towards;
  put(past, *end.mutable_past());
  Result<> sent = co_await channel.send(FrameType::pass_end, end);
  if (!sent) co_return sent;
  // Said when the target is durably at L. Only then does the map go, and the snapshot after it.
  Result<Frame> done = co_await reply(FrameType::pass_done);
  if (!done) co_return fail(done.error());
  Lsn lsn = pass_->lsn;
  SnapshotId snapshot = pass_->snapshot;
  received_ = std::max(received_, lsn);
  durable_ = std::max(durable_, lsn);
  durable_position_ = pass_->towards;
  if (pass_->clears_map) {
    Result<> cleared = co_await pool_.clear_change_map(follower_, lsn);
    if (!cleared) co_return cleared;
  } else {
    pool_.follower_durable(follower_, lsn);
  }
  if (loop_.clock().now() - pass_->begun <= short_pass) written_in_pass_ = pool_.written(group_) - pass_->written_before;
  bool compared = pass_->compared;
  if (compared) compare_wanted_ = false;
  pass_.reset();
  undurable_.clear();
  std::string settled = purpose(moved_away, id_);
  Result<> came_back;
  if (compared) came_back = co_await drop_internal(pool_, group_, std::move(settled), SnapshotId{});
  if (!came_back) co_return came_back;
  Result<> dropped = co_await drop_pass_snapshot(snapshot);
  if (!dropped) co_return dropped;
  changed();
  co_return Result<>{};
}

}  // namespace lockstep::replica
