// Creations that broke off between the two systems: the target's was made, and the source's never. Nothing was copied, so nothing is lost
// when the next creation takes its place.
#include <algorithm>

#include "replica/group/ledger.h"
#include "replica/operations/create.h"

namespace lockstep::replica {
namespace {

// On the pool's loop. No copy has ended, so nobody ever read the group as this relationship's target.
rt::Task<bool> held_nothing(pool::Pool& pool, GroupId group, RelationshipId relationship) {
  const store::GroupRow* row = group_row(pool, group);
  co_return row != nullptr && row->role == store::Role::target && row->following == relationship && !row->was_synchronized &&
      row->resync && row->resync->source_position == Origin{};
}

}  // namespace

std::vector<RelationshipId> Creation::known() const {
  std::vector<RelationshipId> out(making_.begin(), making_.end());
  for (const auto& [id, entry] : roster_.all()) out.push_back(id);
  return out;
}

rt::Task<std::vector<EntryRef>> Creation::left_by(SystemId from, std::vector<RelationshipId> known) {
  std::vector<EntryRef> unknown, out;
  for (const auto& [id, entry] : roster_.all()) {
    bool theirs = entry->kept.peer == from && entry->kept.end == End::target;
    if (theirs && !entry->busy && std::ranges::find(known, id) == known.end()) unknown.push_back(entry);
  }
  for (const EntryRef& entry : unknown) {
    pool::Pool* pool = roster_.pool_of(*entry);
    if (pool == nullptr) continue;
    GroupId group = entry->kept.group;
    bool nothing = co_await rt::run_on(pool->loop(), held_nothing(*pool, group, entry->kept.id));
    if (nothing && !entry->gone) out.push_back(entry);
  }
  co_return out;
}

rt::Task<Result<>> Creation::withdraw(EntryRef entry) {
  if (entry->gone) co_return Result<>{};
  co_await roster_.close_ends(entry, true);
  co_return co_await roster_.forget(entry);
}

}  // namespace lockstep::replica
