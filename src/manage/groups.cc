#include <algorithm>

#include "manage/storage.h"

namespace lockstep::manage {

namespace {

// On the pool's loop.
rt::Task<std::vector<GroupInfo>> groups_of(pool::Pool* pool, std::string pool_name) {
  const store::Catalog& catalog = pool->catalog();
  std::vector<GroupInfo> out;
  for (const auto& [id, row] : catalog.groups) {
    GroupInfo& info = out.emplace_back();
    info.pool_id = pool->id();
    info.pool = pool_name;
    info.row = row;
    for (VolumeId member : row.members) {
      auto volume = catalog.volumes.find(member);
      info.volumes.push_back(volume == catalog.volumes.end() ? "" : volume->second.name);
    }
    for (const auto& [follower, claim] : catalog.followers)
      if (claim.group == id && claim.window != Duration{0}) info.rewind = {claim.window, claim.journal_budget};
  }
  std::ranges::sort(out, {}, [](const GroupInfo& info) { return info.row.name; });
  co_return out;
}

// On the pool's loop.
rt::Task<std::vector<VolumeUuid>> uuids_of(pool::Pool* pool, std::vector<VolumeId> volumes) {
  std::vector<VolumeUuid> out;
  for (VolumeId volume : volumes) {
    auto row = pool->catalog().volumes.find(volume);
    if (row != pool->catalog().volumes.end()) out.push_back(row->second.uuid);
  }
  co_return out;
}

// On the pool's loop. The first volume that is in another group already.
rt::Task<std::optional<std::string>> taken_member(pool::Pool* pool, std::vector<VolumeId> members, GroupId own) {
  const store::Catalog& catalog = pool->catalog();
  for (const auto& [id, row] : catalog.groups) {
    if (id == own) continue;
    for (VolumeId member : members)
      if (std::ranges::find(row.members, member) != row.members.end())
        co_return "volume '" + catalog.volumes.at(member).name + "' is in group '" + row.name + "'";
  }
  co_return std::nullopt;
}

// On the pool's loop.
rt::Task<Result<>> rename_group_in(pool::Pool* pool, GroupId group, std::string name) {
  const store::Catalog& catalog = pool->catalog();
  auto found = catalog.groups.find(group);
  if (found == catalog.groups.end()) co_return fail(Code::not_found, "the group is gone");
  for (const auto& [id, row] : catalog.groups)
    if (id != group && row.name == name) co_return fail(Code::exists, "there is a group '" + name + "' already");
  store::GroupRow row = found->second;
  row.name = std::move(name);
  co_return co_await pool->change_group(std::move(row));
}

Answer<> check_group_name(const std::string& name) {
  if (!good_name(name)) return bad_parameter("FriendlyName", "'" + name + "' is no name for a group", "1 to 100 letters, digits, '.', '_' or '-', not starting with '.' or '-'.");
  return {};
}

}  // namespace

rt::Task<Answer<>> Storage::create_group(std::string name, std::vector<std::string> volumes) {
  PoolAndName wanted = split_name(name);
  CO_ASK_VOID(check_group_name(wanted.name));
  CO_ASK(VolumesAt at, co_await locate_volumes(pools_, wanted.pool, std::move(volumes), "StorageElements"));
  std::vector<GroupInfo> known = co_await rt::run_on(at.hold.loop(), groups_of(&at.hold.pool(), at.hold.name()));
  for (const GroupInfo& info : known)
    if (info.row.name == wanted.name) co_return taken("group", wanted.name, "FriendlyName");
  auto in_use = co_await rt::run_on(at.hold.loop(), taken_member(&at.hold.pool(), at.ids, GroupId{}));
  if (in_use) co_return wrong_state(wanted.name, *std::move(in_use), "A volume is in one group: take it out of the other one first.");
  Result<GroupId> made = co_await rt::run_on(at.hold.loop(), at.hold.pool().create_group(wanted.name, at.ids));
  if (!made) co_return refuse(made.error(), "FriendlyName");
  tell("Created", "Group", at.hold.name() + "/" + wanted.name);
  co_return Answer<>{};
}

rt::Task<Answer<>> Storage::rename_group(std::string group, std::string name) {
  CO_ASK_VOID(check_group_name(name));
  CO_ASK(GroupAt at, co_await locate_group(pools_, group, "Group"));
  if (at.row.name == name) co_return Answer<>{};
  Result<> done = co_await rt::run_on(at.hold.loop(), rename_group_in(&at.hold.pool(), at.row.id, name));
  if (!done) co_return refuse(done.error(), "FriendlyName");
  tell("Changed", "Group", at.hold.name() + "/" + name, at.row.name, name);
  co_return Answer<>{};
}

rt::Task<Answer<>> Storage::change_members(std::string group, std::vector<std::string> volumes, Change change) {
  CO_ASK(GroupAt at, co_await locate_group(pools_, group, "Group"));
  CO_ASK(VolumesAt given, co_await locate_volumes(pools_, at.hold.name(), volumes, "StorageElements"));
  std::vector<VolumeId> members = at.row.members;
  if (change == Change::set) members = given.ids;
  for (std::size_t i = 0; i < given.ids.size(); ++i) {
    const VolumeId volume = given.ids[i];
    bool there = std::ranges::find(at.row.members, volume) != at.row.members.end();
    if (change == Change::add && !there) members.push_back(volume);
    if (change == Change::remove) {
      if (!there) {
        std::string message = "volume '" + volumes[i] + "' is not in group '" + at.row.name + "'";
        co_return refuse(Refusal{ReturnCode::not_found, std::move(message), "`lockstep group show " + at.row.name + "` lists its volumes.", "StorageElements", Code::not_found});
      }
      std::erase(members, volume);
    }
  }
  if (members == at.row.members) co_return Answer<>{};
  // What is in no pair may go: an AddSyncPair that did not end has left it.
  bool unpaired = change == Change::remove;
  if (unpaired) {
    std::vector<VolumeUuid> uuids = co_await rt::run_on(at.hold.loop(), uuids_of(&at.hold.pool(), given.ids));
    for (const replica::Relationship& r : relationships_of(at.hold.id(), at.row))
      for (const auto& [here, there] : r.pairs) unpaired = unpaired && std::ranges::find(uuids, here) == uuids.end();
  }
  if (!unpaired) {
    CO_ASK_VOID(refuse_if_replicated(at.hold.id(), at.row, "its members change with AddSyncPair and RemoveSyncPair"));
  }
  auto in_use = co_await rt::run_on(at.hold.loop(), taken_member(&at.hold.pool(), members, at.row.id));
  if (in_use) co_return wrong_state(at.row.name, *std::move(in_use), "A volume is in one group: take it out of the other one first.");
  Result<> done = co_await rt::run_on(at.hold.loop(), at.hold.pool().set_members(at.row.id, members));
  if (!done) co_return refuse(done.error(), "StorageElements");
  tell("Changed", "Group", at.hold.name() + "/" + at.row.name, std::to_string(at.row.members.size()) + " volumes", std::to_string(members.size()) + " volumes");
  co_return Answer<>{};
}

rt::Task<Answer<>> Storage::delete_group(std::string group) {
  CO_ASK(GroupAt at, co_await locate_group(pools_, group, "Group"));
  std::vector<replica::Relationship> relationships = relationships_of(at.hold.id(), at.row);
  if (!relationships.empty()) {
    std::string message = "group '" + at.row.name + "' is in relationship '" + relationships.front().name + "'";
    co_return refuse(Refusal{ReturnCode::contains_replicas, std::move(message), "Detach its relationships first: `lockstep replica list` shows them, `lockstep replica detach NAME` ends one.", at.row.name, Code::busy});
  }
  Result<> done = co_await rt::run_on(at.hold.loop(), at.hold.pool().delete_group(at.row.id));
  if (!done) co_return refuse(done.error(), at.row.name);
  tell("Deleted", "Group", at.hold.name() + "/" + at.row.name);
  co_return Answer<>{};
}

rt::Task<std::vector<GroupInfo>> Storage::groups() {
  std::vector<GroupInfo> out;
  std::vector<PoolSet::Hold> holds = pools_.hold_all();
  for (PoolSet::Hold& hold : holds) {
    std::vector<GroupInfo> some = co_await rt::run_on(hold.loop(), groups_of(&hold.pool(), hold.name()));
    for (GroupInfo& info : some) out.push_back(std::move(info));
  }
  for (GroupInfo& info : out)
    for (const replica::Relationship& relationship : relationships_of(info.pool_id, info.row)) info.relationships.push_back(relationship.id);
  co_return out;
}

}  // namespace lockstep::manage
