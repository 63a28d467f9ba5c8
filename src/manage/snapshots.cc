#include <algorithm>

#include "manage/refusal.h"
#include "manage/room.h"
#include "manage/storage.h"

namespace lockstep::manage {

namespace {

// On the pool's loop. A name that is taken is refused; none is made from the time.
rt::Task<Result<SnapshotId>> take(pool::Pool* pool, GroupId group, std::string name) {
  for (const auto& [id, row] : pool->catalog().snapshots)
    if (row.group == group && row.name == name && !row.hidden) co_return fail(Code::exists, "there is a snapshot '" + name + "' of that group already");
  co_return co_await pool->snapshot(group, std::move(name), "");
}

// On the pool's loop.
rt::Task<std::vector<SnapshotInfo>> snapshots_of(pool::Pool* pool, std::string pool_name) {
  const store::Catalog& catalog = pool->catalog();
  std::vector<SnapshotInfo> out;
  for (const auto& [id, row] : catalog.snapshots) {
    if (row.hidden) continue;
    SnapshotInfo& info = out.emplace_back();
    info.pool_id = pool->id();
    info.pool = pool_name;
    if (auto group = catalog.groups.find(row.group); group != catalog.groups.end()) info.group = group->second.name;
    for (VolumeId volume : row.volumes) {
      auto found = catalog.volumes.find(volume);
      info.volumes.push_back(found == catalog.volumes.end() || found->second.hidden ? "" : found->second.name);
    }
    info.row = row;
  }
  std::ranges::sort(out, {}, [](const SnapshotInfo& info) { return std::pair(info.row.time, info.row.id); });
  co_return out;
}

// On the pool's loop.
rt::Task<std::vector<std::string>> names_of(pool::Pool* pool, std::vector<VolumeId> volumes) {
  std::vector<std::string> out;
  for (VolumeId volume : volumes) {
    auto found = pool->catalog().volumes.find(volume);
    out.push_back(found == pool->catalog().volumes.end() ? "volume-" + std::to_string(volume.value) : found->second.name);
  }
  co_return out;
}

// On the pool's loop.
rt::Task<std::vector<VolumeUuid>> uuids_of(pool::Pool* pool, std::vector<VolumeId> volumes) {
  std::vector<VolumeUuid> out;
  for (VolumeId volume : volumes)
    if (auto found = pool->catalog().volumes.find(volume); found != pool->catalog().volumes.end()) out.push_back(found->second.uuid);
  co_return out;
}

}  // namespace

rt::Task<Answer<SnapshotId>> Storage::create_snapshot(std::string group, std::string name) {
  if (name.empty()) name = time_name(loop_.clock().wall());
  if (!good_name(name)) co_return bad_parameter("Name", "'" + name + "' is no name for a snapshot", "1 to 100 letters, digits, '.', '_' or '-', not starting with '.' or '-'.");
  CO_ASK(GroupAt at, co_await locate_group(pools_, group, "Group"));
  CO_ASK_VOID(co_await room_for(at.hold, "a snapshot"));
  Result<SnapshotId> made = co_await rt::run_on(at.hold.loop(), take(&at.hold.pool(), at.row.id, name));
  if (!made) co_return refuse(made.error(), "Name");
  tell("Created", "Snapshot", at.hold.name() + "/" + at.row.name + "@" + name);
  co_return *made;
}

rt::Task<Answer<>> Storage::delete_snapshot(std::string group, std::string name) {
  CO_ASK(SnapshotAt at, co_await locate_snapshot(pools_, group, name, "Name"));
  if (at.row.internal) co_return wrong_state(at.row.name, "snapshot '" + at.row.name + "' is held for " + at.row.purpose, "It goes when that ends.");
  Result<> done = co_await rt::run_on(at.hold.loop(), at.hold.pool().delete_snapshot(at.row.id));
  if (!done) co_return refuse(done.error(), at.row.name);
  tell("Deleted", "Snapshot", at.hold.name() + "/" + at.group.name + "@" + at.row.name);
  co_return Answer<>{};
}

rt::Task<std::vector<SnapshotInfo>> Storage::snapshots() {
  std::vector<SnapshotInfo> out;
  std::vector<PoolSet::Hold> holds = pools_.hold_all();
  for (PoolSet::Hold& hold : holds) {
    std::vector<SnapshotInfo> some = co_await rt::run_on(hold.loop(), snapshots_of(&hold.pool(), hold.name()));
    for (SnapshotInfo& info : some) out.push_back(std::move(info));
  }
  co_return out;
}

rt::Task<Answer<std::vector<std::string>>> Storage::clone_snapshot(std::string group, std::string snapshot, std::string prefix) {
  CO_ASK(SnapshotAt at, co_await locate_snapshot(pools_, group, snapshot, "Snapshot"));
  std::vector<std::string> names = co_await rt::run_on(at.hold.loop(), names_of(&at.hold.pool(), at.row.volumes));
  for (std::string& name : names) {
    name = prefix + name;
    if (!good_name(name)) co_return bad_parameter("Prefix", "'" + name + "' is no name for a volume", "Letters, digits, '.', '_' and '-', at most 100 in all.");
  }
  CO_ASK_VOID(co_await room_for(at.hold, "a clone"));
  Result<std::vector<VolumeId>> made = co_await rt::run_on(at.hold.loop(), at.hold.pool().clone(at.row.id, names));
  if (!made) co_return refuse(made.error(), "Prefix");
  for (std::string& name : names) {
    name = at.hold.name() + "/" + name;
    tell("Created", "Volume", name);
  }
  co_return names;
}

rt::Task<Answer<std::string>> Storage::revert_group(std::string group, std::string snapshot, std::string keep_as) {
  CO_ASK(SnapshotAt at, co_await locate_snapshot(pools_, group, snapshot, "Snapshot"));
  if (keep_as.empty()) keep_as = "before-revert-" + time_name(loop_.clock().wall());
  if (!good_name(keep_as)) co_return bad_parameter("KeepAs", "'" + keep_as + "' is no name for a snapshot", "Letters, digits, '.', '_' and '-', at most 100.");
  CO_ASK_VOID(refuse_if_replicated(at.hold.id(), at.group, "its content is the relationship's business"));
  std::vector<VolumeUuid> volumes = co_await rt::run_on(at.hold.loop(), uuids_of(&at.hold.pool(), at.group.members));
  for (VolumeUuid volume : volumes)
    if (sessions_of(volume) > 0) co_return wrong_state(at.group.name, "a volume of group '" + at.group.name + "' is in use over NBD", "Disconnect its clients first: their content would change under them.");
  Result<SnapshotId> kept = co_await rt::run_on(at.hold.loop(), at.hold.pool().revert(at.group.id, at.row.id, keep_as));
  if (!kept) co_return refuse(kept.error(), "Snapshot");
  tell("Changed", "Group", at.hold.name() + "/" + at.group.name, keep_as, at.row.name);
  co_return keep_as;
}

}  // namespace lockstep::manage
