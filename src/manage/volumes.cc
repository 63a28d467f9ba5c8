#include <algorithm>

#include "manage/storage.h"

namespace lockstep::manage {

namespace {

struct GroupOfVolume {
  std::optional<store::GroupRow> group;
  Bytes size;
};

// On the pool's loop.
rt::Task<GroupOfVolume> group_of(pool::Pool* pool, VolumeId volume) {
  GroupOfVolume out;
  const store::Catalog& catalog = pool->catalog();
  if (auto row = catalog.volumes.find(volume); row != catalog.volumes.end()) out.size = row->second.size;
  for (const auto& [id, row] : catalog.groups)
    if (std::ranges::find(row.members, volume) != row.members.end()) out.group = row;
  co_return out;
}

// On the pool's loop.
rt::Task<std::vector<VolumeInfo>> volumes_of(pool::Pool* pool, std::string pool_name) {
  const store::Catalog& catalog = pool->catalog();
  std::map<VolumeId, const store::GroupRow*> group_by_volume;
  for (const auto& [id, row] : catalog.groups)
    for (VolumeId member : row.members) group_by_volume[member] = &row;
  std::vector<VolumeInfo> out;
  for (const auto& [id, row] : catalog.volumes) {
    if (row.hidden) continue;
    VolumeInfo& info = out.emplace_back();
    info.pool_id = pool->id();
    info.pool = pool_name;
    info.row = row;
    info.export_name = pool_name + "/" + row.name;
    info.writable = !row.read_only && !pool->status().damage;
    if (auto group = group_by_volume.find(id); group != group_by_volume.end()) {
      info.group = group->second->name;
      info.writable = info.writable && (group->second->role == store::Role::source || group->second->role == store::Role::target_writable);
    }
  }
  std::ranges::sort(out, {}, [](const VolumeInfo& info) { return info.row.name; });
  co_return out;
}

Answer<> check_size(Bytes size) {
  if (size.value == 0 || size.value % sector_size != 0 || size.value > (std::uint64_t{1} << 50))
    return bad_parameter("Size", std::to_string(size.value) + " bytes is no size for a volume", "A multiple of 512 bytes, at most 1 PiB.");
  return {};
}

Answer<> check_name(const std::string& name) {
  if (!good_name(name)) return bad_parameter("Name", "'" + name + "' is no name for a volume", "1 to 100 letters, digits, '.', '_' or '-', not starting with '.' or '-'.");
  return {};
}

}  // namespace

rt::Task<Answer<>> Storage::create_volume(std::string volume, Bytes size) {
  PoolAndName name = split_name(volume);
  if (name.pool.empty()) co_return bad_parameter("Name", "'" + volume + "' names no pool", "Write POOL/NAME.");
  CO_ASK_VOID(check_name(name.name));
  CO_ASK_VOID(check_size(size));
  CO_ASK(PoolSet::Hold hold, pools_.hold(name.pool, "StoragePool"));
  Result<VolumeId> made = co_await rt::run_on(hold.loop(), hold.pool().create_volume(name.name, size));
  if (!made) co_return refuse(made.error(), made.error().code == Code::exists ? "Name" : "Size");
  tell("Created", "Volume", volume);
  co_return Answer<>{};
}

rt::Task<Answer<>> Storage::refuse_if_volume_replicated(const VolumeAt* at, std::string_view what) {
  GroupOfVolume known = co_await rt::run_on(at->hold.loop(), group_of(&at->hold.pool(), at->id));
  if (!known.group) co_return Answer<>{};
  co_return refuse_if_replicated(at->hold.id(), *known.group, what);
}

rt::Task<Answer<>> Storage::resize_volume(std::string volume, Bytes size) {
  CO_ASK_VOID(check_size(size));
  CO_ASK(VolumeAt at, co_await locate_volume(pools_, volume, "Name"));
  CO_ASK_VOID(co_await refuse_if_volume_replicated(&at, "its volumes keep their sizes"));
  GroupOfVolume known = co_await rt::run_on(at.hold.loop(), group_of(&at.hold.pool(), at.id));
  if (size < known.size)
    co_return bad_parameter("Size", "volume '" + at.name + "' has " + std::to_string(known.size.value) + " bytes and does not shrink", "Make a smaller volume and copy what is needed.");
  if (size == known.size) co_return Answer<>{};
  Result<> done = co_await rt::run_on(at.hold.loop(), at.hold.pool().resize_volume(at.id, size));
  if (!done) co_return refuse(done.error(), "Size");
  tell("Changed", "Volume", at.hold.name() + "/" + at.name, std::to_string(known.size.value), std::to_string(size.value));
  co_return Answer<>{};
}

rt::Task<Answer<>> Storage::set_read_only(std::string volume, bool read_only) {
  CO_ASK(VolumeAt at, co_await locate_volume(pools_, volume, "Name"));
  Result<> done = co_await rt::run_on(at.hold.loop(), at.hold.pool().set_read_only(at.id, read_only));
  if (!done) co_return refuse(done.error(), at.name);
  tell("Changed", "Volume", at.hold.name() + "/" + at.name, read_only ? "ReadWrite" : "Read", read_only ? "Read" : "ReadWrite");
  co_return Answer<>{};
}

rt::Task<Answer<>> Storage::rename_volume(std::string volume, std::string name) {
  CO_ASK_VOID(check_name(name));
  CO_ASK(VolumeAt at, co_await locate_volume(pools_, volume, "Name"));
  if (at.name == name) co_return Answer<>{};
  Result<> done = co_await rt::run_on(at.hold.loop(), at.hold.pool().rename_volume(at.id, name));
  if (!done) co_return refuse(done.error(), "Name");
  tell("Changed", "Volume", at.hold.name() + "/" + name, at.name, name);
  co_return Answer<>{};
}

rt::Task<Answer<>> Storage::delete_volume(std::string volume) {
  CO_ASK(VolumeAt at, co_await locate_volume(pools_, volume, "Name"));
  GroupOfVolume known = co_await rt::run_on(at.hold.loop(), group_of(&at.hold.pool(), at.id));
  if (known.group) co_return wrong_state(at.name, "volume '" + at.name + "' is in group '" + known.group->name + "'", "Take it out of the group, or delete the group, first.");
  Result<> done = co_await rt::run_on(at.hold.loop(), at.hold.pool().delete_volume(at.id));
  if (!done) co_return refuse(done.error(), at.name);
  tell("Deleted", "Volume", at.hold.name() + "/" + at.name);
  co_return Answer<>{};
}

rt::Task<std::vector<VolumeInfo>> Storage::volumes() {
  std::vector<VolumeInfo> out;
  std::vector<PoolSet::Hold> holds = pools_.hold_all();
  for (PoolSet::Hold& hold : holds) {
    std::vector<VolumeInfo> some = co_await rt::run_on(hold.loop(), volumes_of(&hold.pool(), hold.name()));
    for (VolumeInfo& info : some) out.push_back(std::move(info));
  }
  if (hooks_.sessions) {
    auto sessions = hooks_.sessions();
    for (VolumeInfo& info : out)
      if (auto found = sessions.find(info.row.uuid); found != sessions.end()) info.sessions = found->second;
  }
  co_return out;
}

}  // namespace lockstep::manage
