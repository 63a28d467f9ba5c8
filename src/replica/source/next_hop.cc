// Next hop: a source that is a target itself, in a cascade. It ships what it was sent, under the same origin numbers;
// while its group is inside of a resync it ships nothing, and what the resync changed is a resync for its target too.
#include <algorithm>

#include "replica/group/ledger.h"
#include "replica/source/source.h"

namespace lockstep::replica {

// What follows another system's writes answers no host.
bool Source::is_next_hop() const {
  const store::GroupRow* row = group_row(pool_, group_);
  return row != nullptr && row->role == store::Role::target && !row->following.is_none();
}

bool Source::between_states() const {
  const store::GroupRow* row = group_row(pool_, group_);
  return row != nullptr && is_next_hop() && (row->resync || !row->was_synchronized);
}

rt::Task<Result<>> Source::await_whole(Channel& channel) {
  if (between_states()) {
    flow(CopyState::unsynchronized, Progress::resyncing, "its source is inside of a resync itself, and waits for the end of it");
    gate_off("its source is inside of a resync itself");
  }
  while (between_states() && !channel.closed()) co_await pool_.arrived().wait();
  if (channel.closed()) co_return fail(*channel.closed());
  co_return Result<>{};
}

// Until the group has moved on: its own source sends what its target has already. Or until that has nothing more: it lost what the
// target has, which is kept there.
rt::Task<Result<>> Source::await_move(Channel& channel) {
  constexpr Duration breath = std::chrono::milliseconds(100);
  flow(CopyState::unsynchronized, Progress::resyncing, "the target is ahead of its source, which is a target itself and catches up");
  Origin before = pool_.position(group_);
  while (!channel.closed() && pool_.position(group_) == before && is_next_hop() && !gates_.is_level(group_)) co_await pool_.arrived().wait();
  co_await channel.pause(breath);
  if (channel.closed()) co_return fail(*channel.closed());
  co_return Result<>{};
}

// A volume that has taken the place of a member, when the group was reverted.
bool Source::was_member(VolumeId volume) const {
  const auto& volumes = pool_.catalog().volumes;
  auto row = volumes.find(volume);
  return row != volumes.end() && row->second.hidden &&
         std::find(members_here_.begin(), members_here_.end(), row->second.uuid) != members_here_.end();
}

// How many of these records may follow what the target has: up to the first that is part of a resync, or that came
// before a revert; or that is of a generation the target was not told of.
bool Source::cut_short(pool::Stream& piece) {
  for (auto record = piece.records.begin(); record != piece.records.end(); ++record) {
    bool part = is_data(record->kind) && ((record->flags & journal::flag_resync) != 0 || was_member(record->volume));
    bool untold = !record->origin.generation.is_none() && record->kind != journal::Kind::mark &&
                  std::find(told_.begin(), told_.end(), record->origin.generation) == told_.end();
    if (!part && !untold) continue;
    if (part) bracket_lsn_ = std::max(bracket_lsn_, record->lsn);
    piece.upto = record->lsn - Lsn{1};
    piece.records.erase(record, piece.records.end());
    return true;
  }
  return false;
}

}  // namespace lockstep::replica
