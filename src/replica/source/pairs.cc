// Pairs that come into a running relationship: their volumes move into the group at one LSN, and the target is brought to exactly
// that LSN before anything after it is sent, so that their targets can join it there.
#include <algorithm>

#include "replica/group/ledger.h"
#include "replica/source/source.h"

namespace lockstep::replica {

// What is after it waits; the next connection keeps to it too.
void Source::hold_back(pool::Stream& piece) const {
  if (!stop_at_ || piece.upto <= *stop_at_) return;
  std::erase_if(piece.records, [this](const journal::Record& record) { return record.lsn > *stop_at_; });
  piece.upto = std::max(*stop_at_, sent_upto_);
}

rt::Task<Result<>> Source::take_in(GroupId from, std::vector<VolumeId> volumes, Duration at_most) {
  if (channel_ == nullptr || !streaming_) co_return fail(described({Code::busy, "the target does not follow at the moment; try again when it does"}));
  Result<> near = co_await catch_up(at_most);
  if (!near) co_return near;
  stop_at_ = pool_.status().appended;
  strayed_ = false;
  Result<Lsn> moved = co_await pool_.move_members(from, group_, std::move(volumes));
  if (!moved) {
    stop_at_.reset();
    pool_.arrived().wake_all();
    co_return fail(described(moved.error()));
  }
  stop_at_ = *moved;
  pool_.arrived().wake_all();
  co_return co_await wait_durable(*moved, at_most);
}

}  // namespace lockstep::replica
