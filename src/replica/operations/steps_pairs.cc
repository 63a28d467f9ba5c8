// Steps about single pairs of a relationship: some leave it, others come in. Each end is closed while its group changes, and opened
// again with the pairs as they are then.
#include <algorithm>

#include "replica/group/ledger.h"
#include "replica/operations/busy.h"
#include "replica/operations/steps.h"

namespace lockstep::replica {
namespace {

constexpr Duration level_most = std::chrono::minutes(1);

// On the pool's loop, from here down.

std::string free_group_name(pool::Pool& pool, const std::string& wanted) {
  auto taken = [&](const std::string& name) {
    return std::ranges::any_of(pool.catalog().groups, [&](const auto& group) { return group.second.name == name; });
  };
  std::string name = wanted;
  for (int i = 2; taken(name); ++i) name = wanted + "-" + std::to_string(i);
  return name;
}

const store::GroupRow* group_holding(pool::Pool& pool, VolumeId volume) {
  for (const auto& [id, row] : pool.catalog().groups)
    if (std::ranges::find(row.members, volume) != row.members.end()) return &row;
  return nullptr;
}

// With `keeps`, the names of the groups that they are in afterwards, each in one of its own.
rt::Task<Result<std::vector<std::string>>> take_out(pool::Pool& pool, GroupId group, std::vector<VolumeUuid> uuids, bool keeps) {
  const store::GroupRow* row = group_row(pool, group);
  if (row == nullptr) co_return fail(Code::not_found, "its group is gone");
  std::vector<VolumeId> leaving = volumes_of(pool, uuids);
  if (leaving.size() != uuids.size()) co_return fail(Code::not_found, "one of the volumes is gone");
  std::vector<VolumeId> staying = row->members;
  for (VolumeId volume : leaving) std::erase(staying, volume);
  if (staying.empty()) co_return fail(Code::busy, "no pair would be left: detach the relationship instead");
  if (staying.size() < row->members.size()) {
    if (row->resync) co_return fail(Code::busy, "a copy to its target has not ended, so its pairs stay together; let it end, or Abort it where the target was Synchronized before");
    Result<> set = co_await pool.set_members(group, std::move(staying));
    if (!set) co_return fail(set.error());
  }
  std::vector<std::string> names;
  for (VolumeId volume : leaving) {
    if (!keeps) break;
    if (const store::GroupRow* own = group_holding(pool, volume)) {   // this was done before
      names.push_back(own->name);
      continue;
    }
    std::string name = free_group_name(pool, pool.catalog().volumes.at(volume).name);
    names.push_back(name);
    std::vector<VolumeId> alone{volume};
    Result<GroupId> made = co_await pool.create_group(std::move(name), std::move(alone));
    if (!made) co_return fail(made.error());
  }
  co_return names;
}

// Pass snapshots have the members of their time: the next contact begins anew.
rt::Task<Result<>> drop_passes(pool::Pool& pool, GroupId group, RelationshipId id) {
  for (std::string_view kind : {full_pass, map_pass, compare_pass}) {
    std::string held = purpose(kind, id);
    Result<> dropped = co_await drop_internal(pool, group, std::move(held), SnapshotId{});
    if (!dropped) co_return dropped;
  }
  co_return Result<>{};
}

rt::Task<bool> has_members(pool::Pool& pool, GroupId group, std::vector<VolumeUuid> uuids) {
  const store::GroupRow* row = group_row(pool, group);
  std::vector<VolumeId> volumes = volumes_of(pool, uuids);
  if (row == nullptr || volumes.size() != uuids.size()) co_return false;
  co_return std::ranges::all_of(volumes, [&](VolumeId volume) { return std::ranges::find(row->members, volume) != row->members.end(); });
}

rt::Task<std::vector<VolumeId>> ids_of(pool::Pool& pool, std::vector<VolumeUuid> uuids) { co_return volumes_of(pool, uuids); }

rt::Task<Result<Lsn>> move_members(pool::Pool& pool, GroupId from, GroupId to, std::vector<VolumeId> volumes) {
  co_return co_await pool.move_members(from, to, std::move(volumes));
}

// From here on, and over any crash: should the volumes come back to this group, their target lacks what was written while they were away,
// and no journal or map says what that is. The source compares until that is settled.
rt::Task<Result<>> mark_as_leaving(pool::Pool& pool, GroupId group, RelationshipId relationship) {
  std::string held = purpose(moved_away, relationship);
  if (find_internal(pool, group, held)) co_return Result<>{};
  std::string label = "leaving-" + text_of(relationship).substr(0, 8);
  Result<SnapshotId> marked = co_await pool.snapshot(group, std::move(label), std::move(held));
  if (!marked) co_return fail(marked.error());
  co_return Result<>{};
}

// What is in `from` goes back to `to`. A pass that was under way would end before that.
rt::Task<Result<>> give_back(pool::Pool& pool, GroupId from, GroupId to, std::vector<VolumeUuid> uuids, RelationshipId relationship) {
  std::vector<VolumeUuid> asked = uuids;
  bool there = co_await has_members(pool, from, std::move(asked));
  if (!there) {
    std::string held = purpose(moved_away, relationship);
    co_return co_await drop_internal(pool, to, std::move(held), SnapshotId{});
  }
  Result<> dropped = co_await drop_passes(pool, to, relationship);
  if (!dropped) co_return dropped;
  Result<Lsn> back = co_await pool.move_members(from, to, volumes_of(pool, uuids));
  if (!back) co_return fail(back.error());
  co_return Result<>{};
}

// Target volumes of other relationships join this one's group; the groups that they leave go.
rt::Task<Result<>> join_target(pool::Pool& pool, GroupId group, std::vector<VolumeUuid> uuids, RelationshipId with) {
  const store::GroupRow* row = group_row(pool, group);
  if (row == nullptr) co_return fail(Code::not_found, "its group is gone");
  std::vector<VolumeId> volumes = volumes_of(pool, uuids);
  if (volumes.size() != uuids.size()) co_return fail(Code::not_found, "one of the volumes is gone");
  bool joined = std::ranges::all_of(volumes, [&](VolumeId volume) { return std::ranges::find(row->members, volume) != row->members.end(); });
  if (joined) co_return Result<>{};
  if (row->resync) co_return fail(Code::busy, "a copy to the target is under way: wait for its end");
  for (VolumeId volume : volumes) {
    const store::GroupRow* now = group_holding(pool, volume);
    if (now == nullptr) co_return fail(Code::not_found, "volume '" + pool.catalog().volumes.at(volume).name + "' is in no group");
    if (now->id == group) continue;
    if (now->resync) co_return fail(Code::busy, "a copy to group '" + now->name + "' is under way: wait for its end");
    GroupId old = now->id;
    std::vector<VolumeId> one{volume};
    Result<Lsn> moved = co_await pool.move_members(old, group, std::move(one));
    if (!moved) co_return fail(moved.error());
    const store::GroupRow* left = group_row(pool, old);
    if (left == nullptr || !left->members.empty()) continue;
    Result<> forgotten = co_await forget_follower(pool, follower_id(with, old));
    if (forgotten) forgotten = co_await forget_follower(pool, surplus_id(with, old));
    if (!forgotten) co_return forgotten;
    Result<> deleted = co_await pool.delete_group(old);
    ignore(deleted, "an empty group harms nobody");
  }
  co_return Result<>{};
}

rt::Task<bool> has_strayed(const Source* source) { co_return source == nullptr || source->strayed(); }

std::vector<VolumeUuid> firsts(const Order::Pairs& pairs, bool second) {
  std::vector<VolumeUuid> out;
  for (const auto& [source, target] : pairs) out.push_back(second ? target : source);
  return out;
}

}  // namespace

Result<> Steps::stands_alone(const Entry& entry, End end, RelationshipId but) const {
  bool far = end == End::target && entry.local(ground_.self.id);
  const Relationship& place = far ? entry.far : entry.kept;
  for (const auto& [id, other] : roster_.all()) {
    if (id == entry.kept.id || id == but) continue;
    for (const Relationship* r : {&other->kept, &other->far}) {
      if (r->pool == place.pool && r->group == place.group)
        return fail(Code::busy, "relationship '" + entry.kept.name + "': relationship '" + r->name + "' has an end at the same group; its pairs would differ. Detach that one first");
    }
  }
  return {};
}

rt::Task<Result<Outcome>> Steps::leave(EntryRef entry, End end, Order order) {
  CO_TRY_VOID(stands_alone(*entry, end, RelationshipId{}));
  bool local = entry->local(ground_.self.id);
  pool::Pool* pool = roster_.pool_of(*entry);
  GroupId group = entry->kept.group;
  if (local && end == End::target) {
    std::optional<Roster::Place> place = co_await roster_.local_target(entry->kept.id);
    if (!place) co_return fail(Code::not_found, "relationship '" + entry->kept.name + "': the target's group is gone");
    pool = place->pool;
    group = place->group;
  }
  if (pool == nullptr) co_return fail(Code::unreachable, "relationship '" + entry->kept.name + "': its pool on system '" + ground_.self.name + "' is not open");
  std::vector<VolumeUuid> volumes = firsts(order.pairs, end == End::target);
  if (end == End::source) co_await flows_.stop(entry, true);
  if (end == End::source) co_await roster_.close_source(entry, false);
  else co_await roster_.close_target(entry);
  Result<std::vector<std::string>> groups = co_await rt::run_on(pool->loop(), take_out(*pool, group, std::move(volumes), order.keeps));
  Result<> done;
  if (!groups) done = fail(groups.error().in("relationship '" + entry->kept.name + "'"));
  if (done && end == End::source) done = co_await rt::run_on(pool->loop(), drop_passes(*pool, group, entry->kept.id));
  bool keeps_pairs = local && end == End::target;   // the source's end, which is the one that is kept, says which are left
  if (done && !keeps_pairs) {
    std::erase_if(entry->kept.pairs, [&](const auto& pair) {
      return std::ranges::any_of(order.pairs, [&](const auto& gone) { return pair.first == (end == End::source ? gone.first : gone.second); });
    });
    done = co_await roster_.save(entry);
  }
  bool waits = keeps_pairs && done;
  if (!waits) {
    co_await roster_.open_ends(entry, false);
    flows_.start(entry);
    roster_.tell(entry);
  }
  if (!done) co_return fail(done.error());
  Outcome out;
  out.groups = *std::move(groups);
  co_return out;
}

// On failure the volumes may be in either group.
rt::Task<Result<>> Steps::move_in(EntryRef entry, EntryRef other, std::vector<VolumeUuid> volumes) {
  pool::Pool& pool = *entry->source.pool;
  GroupId group = entry->kept.group;
  GroupId from = other->kept.group;
  std::vector<VolumeId> ids = co_await rt::run_on(pool.loop(), ids_of(pool, std::move(volumes)));
  if (entry->kept.intent == CopyState::synchronized) {
    Result<> near = co_await rt::run_on(pool.loop(), other->source.end->catch_up(level_most));
    if (!near) co_return near;
    Result<> taken = co_await rt::run_on(pool.loop(), entry->source.end->take_in(from, std::move(ids), level_most));
    if (!taken) co_return taken;
  } else {
    Result<Lsn> moved = co_await rt::run_on(pool.loop(), move_members(pool, from, group, std::move(ids)));
    if (!moved) co_return fail(moved.error());
  }
  // Nothing is written to its group any more: now its target has all that ever was.
  Result<> level = co_await rt::run_on(pool.loop(), other->source.end->catch_up(level_most));
  co_return level;
}

// The volumes of a relationship's pairs are in the group of another one: it ends, and its empty group with it.
rt::Task<Result<>> Steps::end_emptied(EntryRef other) {
  pool::Pool* pool = roster_.pool_of(*other);
  GroupId emptied = other->kept.group;
  co_await flows_.stop(other, true);
  co_await roster_.close_ends(other, true);
  Result<> forgotten = co_await roster_.forget(other);
  if (!forgotten || pool == nullptr) co_return forgotten;
  Result<> deleted = co_await rt::run_on(pool->loop(), pool->delete_group(emptied));
  ignore(deleted, "an empty group harms nobody");
  co_return Result<>{};
}

rt::Task<Result<>> Steps::check_admission(EntryRef entry, EntryRef other, std::size_t pairs) {
  std::string what = "relationship '" + entry->kept.name + "'";
  CO_TRY_VOID(stands_alone(*other, End::source, entry->kept.id));
  bool fits = other->kept.sync_type == SyncType::mirror && other->kept.end == End::source && other->kept.peer == entry->kept.peer && other->kept.pool == entry->kept.pool;
  if (!fits) co_return fail(Code::invalid, what + ": relationship '" + other->kept.name + "' does not mirror between the same pools in the same direction");
  if (other->kept.pairs.size() != pairs) co_return fail(Code::invalid, what + ": name all pairs of relationship '" + other->kept.name + "', or none");
  if (!entry->source.end || !other->source.end) co_return fail(Code::unreachable, what + ": a source is not there");
  co_await roster_.refresh(other);
  CopyState state = roster_.report_of(*other).copy_state;
  if (state != CopyState::synchronized)
    co_return fail(Code::busy, what + ": relationship '" + other->kept.name + "' of the pairs is " + std::string(name_of(state)) + "; it has to be Synchronized");
  co_return Result<>{};
}

// One that broke off halfway, by a crash or because the target was lost from sight, is undone before it is begun anew.
rt::Task<Result<Outcome>> Steps::admit(EntryRef entry, Order order) {
  auto known = [&](const auto& pair) { return std::ranges::find(entry->kept.pairs, pair) != entry->kept.pairs.end(); };
  CO_TRY_VOID(stands_alone(*entry, End::source, order.with));
  EntryRef other = roster_.find(order.with);
  std::string what = "relationship '" + entry->kept.name + "'";
  if (std::ranges::all_of(order.pairs, known)) {
    if (other != nullptr && other != entry) CO_TRY_VOID(co_await end_emptied(other));
    co_return Outcome{};
  }
  if (other == nullptr) co_return fail(Code::not_found, what + ": the relationship of the pairs is not there");
  pool::Pool* pool = roster_.pool_of(*entry);
  if (pool == nullptr) co_return fail(Code::unreachable, what + ": its pool on system '" + ground_.self.name + "' is not open");
  GroupId group = entry->kept.group;
  std::vector<VolumeUuid> volumes = firsts(order.pairs, false);
  std::vector<VolumeUuid> asked = volumes;
  bool there = co_await rt::run_on(pool->loop(), has_members(*pool, group, std::move(asked)));
  if (there) {
    CO_TRY_VOID(co_await undo_admission(entry, other, std::move(volumes)));
    co_return fail(Code::busy, what + ": an earlier AddSyncPair broke off, and is undone; add the pair again when relationship '" + other->kept.name + "' is Synchronized");
  }
  CO_TRY_VOID(co_await check_admission(entry, other, order.pairs.size()));
  GroupId leaving = other->kept.group;
  CO_TRY_VOID(co_await rt::run_on(pool->loop(), mark_as_leaving(*pool, leaving, other->kept.id)));
  std::vector<VolumeUuid> moving = volumes;
  Result<> moved = co_await move_in(entry, other, std::move(moving));
  co_await flows_.stop(entry, moved.has_value());
  bool strayed = co_await rt::run_on(pool->loop(), has_strayed(entry->source.end.get()));
  if (moved && strayed) {   // it may be past the LSN, by a pass that knew nothing of the volumes
    moved = fail(Code::busy, what + ": the connection to the target ended meanwhile; add the pair again when relationship '" + other->kept.name + "' is Synchronized");
  }
  if (!moved) {
    Result<> undone = co_await undo_admission(entry, other, std::move(volumes));
    if (!undone) co_return fail(moved.error().in("and could not be undone (" + undone.error().message + ")"));
    co_return fail(moved.error());
  }
  co_await roster_.close_source(entry, false);
  for (const auto& pair : order.pairs) entry->kept.pairs.push_back(pair);
  Result<> saved = co_await roster_.save(entry);
  Result<> ended;
  if (saved) ended = co_await end_emptied(other);
  co_await roster_.open_ends(entry, false);   // until the target has joined, it says that its pairs are others
  if (!saved) co_return fail(saved.error());
  if (!ended) co_return fail(ended.error());
  co_return Outcome{};
}

// Both ends are closed meanwhile: a target that was told of the way back would seem to have what was written elsewhere.
rt::Task<Result<>> Steps::undo_admission(EntryRef entry, EntryRef other, std::vector<VolumeUuid> volumes) {
  pool::Pool* pool = roster_.pool_of(*entry);
  for (const EntryRef& each : {entry, other}) {
    co_await flows_.stop(each, true);
    co_await roster_.close_source(each, false);
  }
  GroupId from = entry->kept.group, to = other->kept.group;
  Result<> back = co_await rt::run_on(pool->loop(), give_back(*pool, from, to, std::move(volumes), other->kept.id));
  for (const EntryRef& each : {entry, other}) {
    co_await roster_.open_ends(each, false);
    flows_.start(each);
    roster_.tell(each);
  }
  if (!back) co_return fail(back.error().in("relationship '" + entry->kept.name + "': the volumes could not be given back to group '" + other->kept.name + "'"));
  co_return Result<>{};
}

// The relationship that these volumes were targets of so far.
EntryRef Steps::target_of(const std::vector<VolumeUuid>& volumes, const EntryRef& but) const {
  for (const auto& [id, other] : roster_.all()) {
    auto among = [&](const auto& pair) { return std::ranges::find(volumes, pair.first) != volumes.end(); };
    bool target = other->kept.end == End::target && other->kept.peer == but->kept.peer && other->kept.sync_type == SyncType::mirror;
    if (other != but && target && std::ranges::all_of(other->kept.pairs, among)) return other;
  }
  return nullptr;
}

rt::Task<Result<Outcome>> Steps::join(EntryRef entry, Order order) {
  CO_TRY_VOID(stands_alone(*entry, End::target, order.with));
  bool local = entry->local(ground_.self.id);
  pool::Pool* pool = roster_.pool_of(*entry);
  GroupId group = entry->kept.group;
  if (local) {
    std::optional<Roster::Place> place = co_await roster_.local_target(entry->kept.id);
    if (!place) co_return fail(Code::not_found, "relationship '" + entry->kept.name + "': the target's group is gone");
    pool = place->pool;
    group = place->group;
  }
  if (pool == nullptr) co_return fail(Code::unreachable, "relationship '" + entry->kept.name + "': its pool on system '" + ground_.self.name + "' is not open");
  std::vector<VolumeUuid> volumes = firsts(order.pairs, true);
  EntryRef other = local ? nullptr : target_of(volumes, entry);
  RelationshipId with = other != nullptr ? other->kept.id : order.with;
  if (other != nullptr) {
    co_await roster_.close_ends(other, true);
    Result<> forgotten = co_await roster_.forget(other);
    if (!forgotten) co_return fail(forgotten.error());
  }
  co_await roster_.close_target(entry);
  Result<> joined = co_await rt::run_on(pool->loop(), join_target(*pool, group, std::move(volumes), with));
  if (joined && !local) {
    for (const auto& [source, target] : order.pairs) {
      std::pair<VolumeUuid, VolumeUuid> pair(target, source);
      if (std::ranges::find(entry->kept.pairs, pair) == entry->kept.pairs.end()) entry->kept.pairs.push_back(pair);
    }
    joined = co_await roster_.save(entry);
  }
  co_await roster_.open_ends(entry, false);
  roster_.tell(entry);
  if (!joined) co_return fail(joined.error().in("relationship '" + entry->kept.name + "', target"));
  co_return Outcome{};
}

}  // namespace lockstep::replica
