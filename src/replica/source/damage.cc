// What the source was to send and cannot read. Nothing that is bad is sent: what the target lacks is found in another way, and what
// nobody has any more waits until hosts write it anew.
#include "replica/group/ledger.h"
#include "replica/source/source.h"

namespace lockstep::replica {

// Records retained for the target are damaged: the blocks that they changed are sent as they are now. Where not even that is known, both
// ends are compared.
rt::Task<Result<>> Source::pass_over_journal(Error why) {
  if (why.code != Code::corrupt || (channel_ != nullptr && channel_->closed())) co_return fail(std::move(why));
  flow(CopyState::unsynchronized, Progress::resyncing, why.message);
  Result<> folded;
  const store::FollowerRow* row = follower_row(pool_, follower_);
  if (row != nullptr) folded = co_await pool_.fold_follower(follower_, pool_.status().appended);
  if (row != nullptr && folded) co_return Result<>{};
  if (!folded && folded.error().code != Code::changed) co_return folded;
  compare_wanted_ = true;
  co_return co_await forget_follower(pool_, follower_);
}

// A block of the pass cannot be read as of its snapshot. Where it was overwritten since, a pass from a later snapshot does without it.
rt::Task<void> Source::renew_pass(PassRun run) {
  Result<pool::VolumeRef> volume = pool_.open_volume(members_[run.member]);
  if (!volume) co_return;
  AlignedBytes bytes(run.count * block_size);
  std::vector<Checksum> sums;
  Result<> read = co_await (*volume)->read_blocks(run.block, run.count, bytes.span(), sums);
  if (!read || is_point(type_)) co_return;
  pass_.reset();
  for (std::string_view kind : {full_pass, map_pass, compare_pass}) {
    std::string held = purpose(kind, id_);
    Result<> dropped = co_await drop_internal(pool_, group_, std::move(held), SnapshotId{});
    ignore(dropped, "the next pass removes it");
  }
}

}  // namespace lockstep::replica
