#include "replica/target_objects.h"

#include <set>

#include "replica/ledger.h"

namespace lockstep::replica {
namespace {

bool group_name_taken(pool::Pool& pool, const std::string& name) {
  for (const auto& [id, row] : pool.catalog().groups) {
    if (row.name == name) return true;
  }
  return false;
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

}  // namespace

rt::Task<Result<TargetMade>> make_target_objects(pool::Pool& pool, TargetWish wish) {
  TargetMade out;
  out.pool = pool.status().name;
  out.group_name = wish.group;
  if (out.group_name.empty())
    out.group_name = group_name_taken(pool, wish.source_group) ? wish.name : wish.source_group;
  if (group_name_taken(pool, out.group_name))
    co_return fail(Code::exists, "a group '" + out.group_name + "' is there already in pool '" + out.pool +
                                     "'; name another with --group");
  CO_TRY(std::vector<std::string> names, names_for(pool, wish));
  if (wish.dry_run) co_return out;

  std::vector<VolumeId> made;
  Result<> done;
  for (std::size_t i = 0; i < names.size() && done; ++i) {
    std::string name = names[i];
    Result<VolumeId> volume = co_await pool.create_volume(std::move(name), wish.volumes[i].second);
    if (volume) {
      made.push_back(*volume);
    } else {
      done = fail(volume.error());
    }
  }
  std::optional<GroupId> group;
  if (done) {
    std::string name = out.group_name;
    std::vector<VolumeId> members = made;
    Result<GroupId> created = co_await pool.create_group(std::move(name), std::move(members));
    if (created) {
      group = *created;
    } else {
      done = fail(created.error());
    }
  }
  if (done) {
    store::GroupRow row = *group_row(pool, *group);
    row.role = store::Role::target;
    row.following = wish.relationship;
    row.position = Origin{};
    done = co_await pool.change_group(std::move(row));
  }
  if (done) {
    out.group = *group;
    for (VolumeId id : made) out.volumes.push_back(pool.catalog().volumes.at(id).uuid);
    co_return out;
  }
  if (group) {
    Result<> gone = co_await pool.delete_group(*group);
    ignore(gone, "what failed before is what is reported");
  }
  Result<> gone = co_await remove_volumes(pool, std::move(made));
  ignore(gone, "what failed before is what is reported");
  co_return fail(done.error());
}

rt::Task<Result<>> remove_target_objects(pool::Pool& pool, GroupId group) {
  const store::GroupRow* row = group_row(pool, group);
  if (row == nullptr) co_return Result<>{};
  if (row->was_synchronized)
    co_return fail(Code::busy, "group '" + row->name + "' holds a state of its source; detach it instead");
  std::vector<VolumeId> volumes = row->members;
  std::vector<RelationshipId> claims;
  for (const auto& [id, follower] : pool.catalog().followers) {
    if (follower.group == group) claims.push_back(id);
  }
  for (RelationshipId claim : claims) {
    Result<> dropped = co_await forget_follower(pool, claim);
    if (!dropped) co_return dropped;
  }
  Result<> gone = co_await pool.delete_group(group);
  if (!gone) co_return gone;
  co_return co_await remove_volumes(pool, std::move(volumes));
}

}  // namespace lockstep::replica
