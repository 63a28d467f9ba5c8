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
  if (row->resync) co_return fail(Code::busy, "a copy to the target is under way: wait for its end, or abort it, before pairs leave");
  std::vector<VolumeId> leaving = volumes_of(pool, uuids);
  if (leaving.size() != uuids.size()) co_return fail(Code::not_found, "one of the volumes is gone");
  std::vector<VolumeId> staying = row->members;
  for (VolumeId volume : leaving) std::erase(staying, volume);
  if (staying.empty()) co_return fail(Code::busy, "no pair would be left: detach the relationship instead");
  if (staying.size() < row->members.size()) {
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

rt::Task<std::vector<VolumeId>> ids_of(pool::Pool& pool, std::vector<VolumeUuid> uuids) { co_return volumes_of(pool, uuids); }

rt::Task<Result<Lsn>> move_members(pool::Pool& pool, GroupId from, GroupId to, std::vector<VolumeId> volumes) {
  co_return co_await pool.move_members(from, to, std::move(volumes));
}

// Its target lacks what was written while the volumes were elsewhere, and no journal or map says what that is: the next contact compares.
rt::Task<Result<>> forget_what_it_has(pool::Pool& pool, GroupId group, RelationshipId relationship) {
  store::FollowerRow row;
  row.id = follower_id(relationship, group);
  row.group = group;
  row.durable = row.mapped_upto = pool.status().appended;
  row.mapped = true;
  co_return co_await pool.set_follower(std::move(row));
}

// Target volumes of other relationships join this one's group; the groups that they leave go.
rt::Task<Result<>> join_target(pool::Pool& pool, GroupId group, std::vector<VolumeUuid> uuids, RelationshipId with) {
  const store::GroupRow* row = group_row(pool, group);
  if (row == nullptr) co_return fail(Code::not_found, "its group is gone");
  if (row->resync) co_return fail(Code::busy, "a copy to the target is under way: wait for its end");
  std::vector<VolumeId> volumes = volumes_of(pool, uuids);
  if (volumes.size() != uuids.size()) co_return fail(Code::not_found, "one of the volumes is gone");
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

rt::Task<void> go_past(Source& source) {
  source.go_past();
  co_return;
}

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

rt::Task<Result<>> Steps::move_in(EntryRef entry, EntryRef other, std::vector<VolumeUuid> volumes) {
  pool::Pool& pool = *entry->source.pool;
  GroupId group = entry->kept.group;
  GroupId from = other->kept.group;
  std::vector<VolumeId> ids = co_await rt::run_on(pool.loop(), ids_of(pool, std::move(volumes)));
  bool flows = entry->kept.intent == CopyState::synchronized;
  if (flows) {
    Result<> near = co_await rt::run_on(pool.loop(), other->source.end->catch_up(level_most));
    if (!near) co_return near;
    Result<> taken = co_await rt::run_on(pool.loop(), entry->source.end->take_in(from, ids, level_most));
    if (!taken) co_return taken;
  } else {
    Result<Lsn> moved = co_await rt::run_on(pool.loop(), move_members(pool, from, group, ids));
    if (!moved) co_return fail(moved.error());
  }
  // Nothing is written to its group any more: now its target has all that ever was.
  Result<> level = co_await rt::run_on(pool.loop(), other->source.end->catch_up(level_most));
  if (level) co_return level;
  Result<Lsn> back = co_await rt::run_on(pool.loop(), move_members(pool, group, from, std::move(ids)));
  ignore(back, "opened again, both ends find that their pairs differ from their group");
  if (flows) co_await rt::run_on(pool.loop(), go_past(*entry->source.end));
  co_return level;
}

rt::Task<Result<Outcome>> Steps::admit(EntryRef entry, Order order) {
  auto known = [&](const auto& pair) { return std::ranges::find(entry->kept.pairs, pair) != entry->kept.pairs.end(); };
  if (std::ranges::all_of(order.pairs, known)) co_return Outcome{};
  CO_TRY_VOID(stands_alone(*entry, End::source, order.with));
  EntryRef other = roster_.find(order.with);
  std::string what = "relationship '" + entry->kept.name + "'";
  if (other == nullptr) co_return fail(Code::not_found, what + ": the relationship of the pairs is not there");
  CO_TRY_VOID(stands_alone(*other, End::source, entry->kept.id));
  bool fits = other->kept.sync_type == SyncType::mirror && other->kept.end == End::source && other->kept.peer == entry->kept.peer && other->kept.pool == entry->kept.pool;
  if (!fits) co_return fail(Code::invalid, what + ": relationship '" + other->kept.name + "' does not mirror between the same pools in the same direction");
  if (other->kept.pairs.size() != order.pairs.size()) co_return fail(Code::invalid, what + ": name all pairs of relationship '" + other->kept.name + "', or none");
  if (!entry->source.end || !other->source.end) co_return fail(Code::unreachable, what + ": a source is not there");
  co_await roster_.refresh(other);
  CopyState state = roster_.report_of(*other).copy_state;
  if (state != CopyState::synchronized)
    co_return fail(Code::busy, what + ": relationship '" + other->kept.name + "' of the pairs is " + std::string(name_of(state)) + "; it has to be Synchronized");
  std::vector<VolumeUuid> volumes = firsts(order.pairs, false);
  Result<> moved = co_await move_in(entry, other, std::move(volumes));
  pool::Pool* pool = entry->source.pool;
  if (!moved) {
    co_await flows_.stop(other, false);
    co_await roster_.close_source(other, false);
    GroupId from = other->kept.group;
    Result<> compares = co_await rt::run_on(pool->loop(), forget_what_it_has(*pool, from, other->kept.id));
    co_await roster_.open_ends(other, false);
    flows_.start(other);
    roster_.tell(other);
    if (!compares) co_return fail(moved.error().in("and what the target of the pairs lacks could not be noted (" + compares.error().message + ")"));
    co_return fail(moved.error());
  }
  co_await flows_.stop(entry, true);
  co_await roster_.close_source(entry, false);
  for (const auto& pair : order.pairs) entry->kept.pairs.push_back(pair);
  Result<> saved = co_await roster_.save(entry);
  GroupId emptied = other->kept.group;
  co_await flows_.stop(other, true);
  co_await roster_.close_ends(other, true);
  Result<> forgotten = co_await roster_.forget(other);
  Result<> deleted = co_await rt::run_on(pool->loop(), pool->delete_group(emptied));
  ignore(deleted, "an empty group harms nobody");
  co_await roster_.open_ends(entry, false);   // until the target has joined, it says that its pairs are others
  if (!saved) co_return fail(saved.error());
  if (!forgotten) co_return fail(forgotten.error());
  co_return Outcome{};
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
  EntryRef other = roster_.find(order.with);
  if (other != nullptr && other->kept.end == End::target && !local) {
    co_await roster_.close_ends(other, true);
    Result<> forgotten = co_await roster_.forget(other);
    if (!forgotten) co_return fail(forgotten.error());
  }
  co_await roster_.close_target(entry);
  std::vector<VolumeUuid> volumes = firsts(order.pairs, true);
  Result<> joined = co_await rt::run_on(pool->loop(), join_target(*pool, group, std::move(volumes), order.with));
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
