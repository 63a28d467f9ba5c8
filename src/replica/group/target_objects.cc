#include "replica/group/target_objects.h"

#include <set>

#include "replica/group/ledger.h"

namespace lockstep::replica {
namespace {

const store::GroupRow* group_named(pool::Pool& pool, const std::string& name) {
  for (const auto& [id, row] : pool.catalog().groups) {
    if (row.name == name) return &row;
  }
  return nullptr;
}

std::string told(pool::Pool& pool, const store::GroupRow& row) {
  return "target group '" + pool.status().name + "/" + row.name + "'";
}

rt::Task<Result<>> remove_volumes(pool::Pool& pool, std::vector<VolumeId> volumes) {
  Result<> all;
  for (VolumeId volume : volumes) {
    Result<> gone = co_await pool.delete_volume(volume);
    if (!gone && all) all = gone;
  }
  co_return all;
}

Result<std::vector<std::string>> names_for(pool::Pool& pool, const TargetWish& wish) {
  std::vector<std::string> names;
  std::set<std::string> given;
  int number = 0;
  for (const auto& [name, size] : wish.volumes) {
    ++number;
    std::string chosen = name;
    bool free = wish.own_names && !pool.find_volume(chosen) && !given.contains(chosen);
    if (!free) chosen = wish.name + "_" + std::to_string(number);
    if (pool.find_volume(chosen) || !given.insert(chosen).second) {
      return fail(Code::exists, "a volume '" + chosen + "' is there already in pool '" + pool.status().name +
                                    "'; choose another name for the relationship");
    }
    names.push_back(std::move(chosen));
  }
  return names;
}

// Made a target by a creation that broke off before its relationship was written down, or before it was undone: nothing was copied.
bool is_left_over(const store::GroupRow& row, const TargetWish& wish) {
  bool untouched = row.role == store::Role::target && !row.was_synchronized && row.resync && row.resync->relationship == row.following;
  return untouched && std::ranges::find(wish.known, row.following) == wish.known.end();
}

// An existing group is a target when nobody else has anything to do with it.
Result<> check_free(pool::Pool& pool, const store::GroupRow& row, const TargetWish& wish) {
  bool follows = row.role != store::Role::source || !row.following.is_none();
  if (follows && !is_left_over(row, wish))
    return fail(Code::invalid, told(pool, row) + " is a target already; name another");
  for (const auto& [id, follower] : pool.catalog().followers) {
    if (follower.group == row.id && follower.window == Duration{0})
      return fail(Code::invalid, told(pool, row) + " is the source of another relationship; name another");
  }
  return {};
}

Result<> check_fits(pool::Pool& pool, const store::GroupRow& row, const TargetWish& wish) {
  if (row.members.size() != wish.volumes.size()) {
    return fail(Code::invalid, told(pool, row) + " has " + std::to_string(row.members.size()) +
                                   " volumes, its source has " + std::to_string(wish.volumes.size()));
  }
  for (std::size_t i = 0; i < row.members.size(); ++i) {
    const store::VolumeRow& volume = pool.catalog().volumes.at(row.members[i]);
    bool fits = wish.same_sizes ? volume.size == wish.volumes[i].second : volume.size >= wish.volumes[i].second;
    if (fits) continue;
    return fail(Code::invalid, told(pool, row) + ": volume '" + volume.name + "' has " +
                                   std::to_string(volume.size.value) + " bytes, its source has " +
                                   std::to_string(wish.volumes[i].second.value) +
                                   (wish.same_sizes ? "; in one pool both have the same" : "; grow it"));
  }
  return {};
}

// The group that the wish would get if it were not there: left so, with volumes that fit, before any copy had begun.
const store::GroupRow* left_for(pool::Pool& pool, const TargetWish& wish) {
  for (const std::string& name : {wish.source_group, wish.name}) {
    const store::GroupRow* row = group_named(pool, name);
    bool left = row != nullptr && row->id != wish.source && is_left_over(*row, wish);
    if (left && row->resync->pass == 0 && row->resync->source_position == Origin{} && check_fits(pool, *row, wish)) return row;
  }
  return nullptr;
}

rt::Task<Result<bool>> holds_data_in(pool::Pool& pool, VolumeId id) {
  constexpr std::size_t few = 16;
  CO_TRY(pool::VolumeRef view, pool.open_volume(id));
  for (Bytes at{0}; at < view->size();) {
    auto extents = co_await view->extents(at, view->size() - at, few);
    if (!extents) co_return fail(extents.error());
    if (extents->empty()) break;
    for (const auto& e : *extents) {
      if (!e.hole && !e.zero) co_return true;
    }
    at = extents->back().at + extents->back().length;
  }
  co_return false;
}

// Nobody reads a target before its first copy has ended. Where volumes hold something already, holes of the source
// must travel as well.
store::ResyncBracket open_for_copy(RelationshipId relationship, bool overwrites) {
  store::ResyncBracket bracket;
  bracket.relationship = relationship;
  bracket.pass = overwrites ? overwriting_pass : 0;
  return bracket;
}

}  // namespace

static bool is_related(pool::Pool& pool, GroupId group, const TargetWish& wish) {
  return wish.past && last_common(past_of(pool, group), *wish.past).has_value();
}

Result<TargetPlan> plan_target(pool::Pool& pool, const TargetWish& wish) {
  TargetPlan out;
  out.group_name = wish.group;
  if (out.group_name.empty())
    out.group_name = group_named(pool, wish.source_group) != nullptr ? wish.name : wish.source_group;
  const store::GroupRow* left = wish.group.empty() ? left_for(pool, wish) : nullptr;
  if (left != nullptr) out.group_name = left->name;
  if (const store::GroupRow* row = group_named(pool, out.group_name)) {
    if (wish.group.empty() && left == nullptr) {
      return fail(Code::exists, "a group '" + out.group_name + "' is there already in pool '" +
                                    pool.status().name + "'; name another with --group");
    }
    if (row->id == wish.source) return fail(Code::invalid, told(pool, *row) + " is the source itself; name another");
    TRY_VOID(check_free(pool, *row, wish));
    out.group = row->id;
    out.made = row->members.empty() ? Made::volumes : Made::nothing;
    if (out.made == Made::nothing) {
      TRY_VOID(check_fits(pool, *row, wish));
      TRY_VOID(check_unused(pool, row->id));
      return out;
    }
  }
  if (wish.seeded)
    return fail(Code::invalid, "pool '" + pool.status().name + "' has no group '" + out.group_name +
                                   "' with volumes that hold a copy of the source; name the one that was seeded");
  TRY(out.names, names_for(pool, wish));
  return out;
}

Result<> check_unused(pool::Pool& pool, GroupId group) {
  const store::GroupRow* row = group_row(pool, group);
  if (row == nullptr) return {};
  for (VolumeId id : row->members) {
    TRY(pool::VolumeRef volume, pool.open_volume(id));
    if (volume.use_count() > 1)
      return fail(Code::busy, told(pool, *row) + ": volume '" + volume->name() + "' is in use; disconnect its clients first");
  }
  return {};
}

std::vector<VolumeUuid> uuids_of(pool::Pool& pool, GroupId group) {
  std::vector<VolumeUuid> out;
  const store::GroupRow* row = group_row(pool, group);
  if (row == nullptr) return out;
  for (VolumeId id : row->members) out.push_back(pool.catalog().volumes.at(id).uuid);
  return out;
}

rt::Task<Result<bool>> holds_data(pool::Pool& pool, GroupId group) {
  const store::GroupRow* row = group_row(pool, group);
  std::vector<VolumeId> members;
  if (row != nullptr) members = row->members;
  for (VolumeId id : members) {
    Result<bool> holds = co_await holds_data_in(pool, id);
    if (!holds || *holds) co_return holds;
  }
  co_return false;
}

rt::Task<Result<GroupId>> gather_target(pool::Pool& pool, TargetPlan plan, std::vector<VolumeId> volumes) {
  Result<GroupId> out = plan.group;
  std::vector<VolumeId> members = volumes;
  if (plan.made == Made::all) {
    std::string name = plan.group_name;
    out = co_await pool.create_group(std::move(name), std::move(members));
  } else {
    GroupId group = plan.group;
    Result<> set = co_await pool.set_members(group, std::move(members));
    if (!set) out = fail(set.error());
  }
  if (out) co_return out;
  Result<> gone = co_await remove_volumes(pool, std::move(volumes));
  ignore(gone, "what failed before is what is reported");
  co_return out;
}

rt::Task<Result<TargetMade>> make_target_objects(pool::Pool& pool, TargetWish wish, WallTime now) {
  CO_TRY(TargetPlan plan, plan_target(pool, wish));
  TargetMade out;
  out.pool = pool.status().name;
  out.group_name = plan.group_name;
  out.made = plan.made;
  out.related = plan.made == Made::nothing && is_related(pool, plan.group, wish);
  if (wish.dry_run) co_return out;

  std::vector<VolumeId> made;
  Result<> done;
  for (std::size_t i = 0; i < plan.names.size() && done; ++i) {
    std::string name = plan.names[i];
    Result<VolumeId> volume = co_await pool.create_volume(std::move(name), wish.volumes[i].second);
    if (volume) {
      made.push_back(*volume);
    } else {
      done = fail(volume.error());
    }
  }
  if (!done) {
    Result<> gone = co_await remove_volumes(pool, std::move(made));
    ignore(gone, "what failed before is what is reported");
    co_return fail(done.error());
  }
  out.group = plan.group;
  bool overwrites = false;
  if (plan.made == Made::nothing) {
    GroupId group = plan.group;
    Result<bool> holds = co_await holds_data(pool, group);
    if (!holds) co_return fail(holds.error());
    overwrites = *holds && !out.related;
  } else {
    Result<GroupId> group = co_await gather_target(pool, plan, std::move(made));
    if (!group) co_return fail(group.error());
    out.group = *group;
  }
  if (overwrites) {
    GroupId group = out.group;
    std::string label = snapshot_name(pool, "before-" + wish.name, now);
    std::string no_purpose;
    Result<SnapshotId> kept = co_await pool.snapshot(group, std::move(label), std::move(no_purpose));
    if (!kept) co_return fail(kept.error().in("what the target group holds could not be kept, so it is not overwritten"));
  }
  bool at_once = wish.at_once && plan.made != Made::nothing;
  if (at_once) {
    GroupId group = out.group;
    done = co_await pool.begin_fill(group);
    if (!done && done.error().code == Code::unsupported) {
      at_once = false;
      done = Result<>{};
    }
  }
  store::GroupRow row = *group_row(pool, out.group);
  row.role = at_once ? store::Role::target_writable : store::Role::target;
  row.following = wish.relationship;
  // What has something in common with the source is a state of it, old or diverged: the first contact tells.
  row.position = out.related ? pool.position(out.group) : Origin{};
  row.was_synchronized = out.related;
  row.resync.reset();
  if (!out.related && !at_once) row.resync = open_for_copy(wish.relationship, overwrites);
  if (done) done = co_await pool.change_group(std::move(row));
  if (!done) {
    GroupId group = out.group;
    Result<> gone = co_await remove_target_objects(pool, group, plan.made);
    ignore(gone, "what failed before is what is reported");
    co_return fail(done.error());
  }
  out.volumes = uuids_of(pool, out.group);
  co_return out;
}

rt::Task<Result<>> remove_target_objects(pool::Pool& pool, GroupId group, Made made) {
  const store::GroupRow* row = group_row(pool, group);
  if (row == nullptr) co_return Result<>{};
  if (row->was_synchronized && made != Made::nothing)
    co_return fail(Code::busy, "group '" + row->name + "' holds a state of its source; detach it instead");
  if (made == Made::all) co_return co_await delete_target_objects(pool, group);
  store::GroupRow free = *row;
  std::vector<VolumeId> volumes = row->members;
  free.role = store::Role::source;
  free.following = RelationshipId{};
  free.resync.reset();
  Result<> freed = co_await pool.change_group(std::move(free));
  if (!freed || made == Made::nothing) co_return freed;
  std::vector<VolumeId> none;
  Result<> emptied = co_await pool.set_members(group, std::move(none));
  if (!emptied) co_return emptied;
  co_return co_await remove_volumes(pool, std::move(volumes));
}

rt::Task<Result<>> delete_target_objects(pool::Pool& pool, GroupId group) {
  const store::GroupRow* row = group_row(pool, group);
  if (row == nullptr) co_return Result<>{};
  Result<> unused = check_unused(pool, group);
  if (!unused) co_return unused;
  std::vector<VolumeId> volumes = row->members;
  std::vector<RelationshipId> claims;
  for (const auto& [id, follower] : pool.catalog().followers) {
    if (follower.group != group) continue;
    bool own = follower.window != Duration{0} || id == follower_id(row->following, group) || id == surplus_id(row->following, group);
    if (!own) co_return fail(Code::busy, told(pool, *row) + " is the source of another relationship; detach that one first");
    claims.push_back(id);
  }
  for (RelationshipId claim : claims) {
    Result<> dropped = co_await forget_follower(pool, claim);
    if (!dropped) co_return dropped;
  }
  std::vector<SnapshotId> snapshots;
  for (const auto& [id, snapshot] : pool.catalog().snapshots) {
    if (snapshot.group == group && !snapshot.hidden) snapshots.push_back(id);
  }
  for (SnapshotId id : snapshots) {
    Result<> dropped = co_await pool.delete_snapshot(id);
    if (!dropped) co_return dropped;
  }
  Result<> gone = co_await pool.delete_group(group);
  if (!gone) co_return gone;
  co_return co_await remove_volumes(pool, std::move(volumes));
}

}  // namespace lockstep::replica
