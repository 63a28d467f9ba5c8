// A resync pass at the target: a stand-in first, then blocks in any order, then one row that says: here,
// exactly, is the source at L.
#include <algorithm>

#include "replica/group/ledger.h"
#include "replica/target/target.h"
#include "replica/wire/convert.h"

namespace lockstep::replica {
namespace {

constexpr std::size_t leaves_at_once = 4096;

}  // namespace

rt::Task<Result<>> Target::on_pass_begin(Channel& channel, Frame frame) {
  wire::PassBegin begin;
  Result<> parsed = parse(frame, begin);
  if (!parsed) co_return parsed;
  if (filling()) co_return co_await begin_fill_pass(channel);
  store::GroupRow group = row();
  if (group.role != store::Role::target)
    co_return fail(Code::read_only, "this end takes writes of its own; resync or fail back first");
  Origin towards = origin_from(begin.towards());
  bool goes_on = group.resync && group.resync->source_position == towards;
  if (!goes_on) {
    cursor_member_ = 0;
    cursor_block_ = Block{0};
    store::ResyncBracket bracket;
    bracket.relationship = id_;
    bracket.pass = begin.pass();
    bracket.source_position = towards;
    if (group.resync) {
      bracket.stand_in = group.resync->stand_in;  // still the last consistent state
    } else if (group.was_synchronized) {
      std::string label =
          "stand-in-" + text_of(id_).substr(0, 8) + "-" + std::to_string(ground_.host.clock().wall().us);
      std::string held = purpose("stand-in", id_);
      Result<SnapshotId> taken = co_await pool_.snapshot(group_, std::move(label), std::move(held));
      if (!taken)
        co_return fail(taken.error().in(
            "no stand-in could be taken, and a resync without one would leave nothing to fall back to"));
      bracket.stand_in = *taken;
    }
    group = row();
    group.resync = bracket;
    group.following = id_;
    Result<> opened = co_await pool_.change_group(std::move(group));
    if (!opened) co_return opened;
  }
  if (begin.both()) {
    Result<> told = co_await tell_changes(channel, origin_from(begin.common()));
    if (!told) co_return told;
  }
  co_return co_await channel.send(FrameType::pass_ready);
}

// What this end changed since it was on its own: the follower that was set when it was opened has it.
bool Target::tells_changes(Origin common) const {
  const store::FollowerRow* follower = follower_row(pool_, follower_);
  return follower != nullptr && covers(pool_, *follower, common);
}

rt::Task<Result<>> Target::tell_changes(Channel& channel, Origin common) {
  CO_TRY_VOID(co_await claim_after(pool_, follower_, common));
  Lsn now = pool_.status().appended;
  Result<> folded = co_await pool_.fold_follower(follower_, now);
  if (!folded && folded.error().code == Code::changed) {
    // What it knew is gone: without the claim, the next plan sees that and compares.
    Result<> dropped = co_await forget_follower(pool_, follower_);
    if (!dropped) co_return dropped;
  }
  if (!folded) co_return folded;
  for (std::uint32_t member = 0; member < members_.size(); ++member) {
    VolumeId volume = members_[member];
    for (std::uint64_t leaf = 0;;) {
      auto got = co_await pool_.change_map(follower_, volume, leaf, leaves_at_once);
      if (!got) co_return fail(got.error());
      if (got->empty()) break;
      std::vector<LeafMask> masks;
      for (const auto& l : *got) masks.push_back({member, l.leaf, l.mask});
      Buffer heads = encode_masks(masks);
      std::vector<Span> none;
      Result<> sent = co_await channel.send(FrameType::changes, Span{}, heads, std::move(none));
      if (!sent) co_return sent;
      leaf = got->back().leaf + 1;
    }
  }
  co_return co_await channel.send(FrameType::changes);
}

rt::Task<Result<>> Target::on_pass_end(Channel& channel, Frame frame) {
  wire::PassEnd end;
  Result<> parsed = parse(frame, end);
  if (!parsed) co_return parsed;
  CO_TRY(Past theirs, past_from(end.past()));
  if (filling()) co_return co_await end_fill_pass(channel);
  store::GroupRow group = row();
  if (!group.resync || group.resync->source_position != theirs.position)
    co_return fail(Code::changed, "the pass that ends here was not begun here");
  // The blocks are durable before the row that calls them a state of the source, and that row before the
  // stand-in goes.
  Result<> settled = co_await settle();
  if (!settled) co_return settled;
  SnapshotId stand_in = group.resync->stand_in;
  group = row();
  group.resync.reset();
  group.position = theirs.position;
  group.history = theirs.history;
  group.was_synchronized = true;
  group.following = id_;
  Result<> closed = co_await pool_.change_group(std::move(group));
  if (!closed) co_return closed;
  // This end has no changes of its own any more.
  Result<> dropped = co_await forget_follower(pool_, follower_);
  if (!dropped) co_return dropped;
  if (!stand_in.is_none()) {
    Result<> deleted = co_await pool_.delete_snapshot(stand_in);
    if (!deleted) co_return deleted;
  }
  cursor_member_ = 0;
  cursor_block_ = Block{0};
  changed();
  co_return co_await channel.send(FrameType::pass_done);
}

rt::Task<Result<>> Target::keep(std::string name) {
  std::string label = snapshot_name(pool_, name, ground_.host.clock().wall());
  std::string no_purpose;
  Result<SnapshotId> taken = co_await pool_.snapshot(group_, std::move(label), std::move(no_purpose));
  if (!taken)
    co_return fail(taken.error().in("what only this end has could not be kept, so it is not overwritten"));
  co_return Result<>{};
}

rt::Task<Result<>> Target::on_keep(Channel& channel, Frame frame) {
  wire::Keep wanted;
  Result<> parsed = parse(frame, wanted);
  if (!parsed) co_return parsed;
  if (row().role != store::Role::target)
    co_return fail(Code::read_only, "this end takes writes of its own; resync or fail back first");
  bool already = co_await kept_as_it_is(pool_, group_);
  if (!already) {
    std::string name = "surplus-" + name_;
    Result<> kept = co_await keep(std::move(name));
    if (!kept) co_return kept;
  }
  co_return co_await channel.send(FrameType::kept);
}

// Back to the last consistent state: the half-written blocks go, the stand-in becomes the group.
rt::Task<Result<>> Target::leave_pass() {
  store::GroupRow group = row();
  if (!group.resync) co_return Result<>{};
  SnapshotId stand_in = group.resync->stand_in;
  if (stand_in.is_none())
    co_return fail(Code::busy, "it never held a consistent state: its first copy has not ended");
  // Its own changes cannot be told after this: coming together again then compares.
  Result<> untracked = co_await forget_follower(pool_, follower_);
  if (untracked) untracked = co_await forget_follower(pool_, surplus_);
  if (untracked) untracked = co_await forget_next_hops(pool_, group_);
  if (!untracked) co_return untracked;
  std::string label = snapshot_name(pool_, "unfinished-" + name_, ground_.host.clock().wall());
  Result<SnapshotId> unfinished = co_await pool_.revert(group_, stand_in, std::move(label));
  if (!unfinished) co_return fail(unfinished.error().in("returning to the stand-in"));
  SnapshotId garbage = *unfinished;
  group = row();
  group.resync.reset();
  Result<> closed = co_await pool_.change_group(std::move(group));
  if (!closed) co_return closed;
  Result<> gone = co_await pool_.delete_snapshot(garbage);  // neither state of anything
  if (!gone) co_return gone;
  Result<> dropped = co_await pool_.delete_snapshot(stand_in);
  co_return dropped;
}

}  // namespace lockstep::replica
