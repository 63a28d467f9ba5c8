#include <algorithm>
#include <set>

#include "pool/native/objects.h"

namespace lockstep::pool::native {

using store::SnapshotRow;
using store::VolumeRow;

namespace {
constexpr unsigned depth_max = 16;   // of clones of clones: each is one more place to look
}

Result<> Objects::snapshot_name_is_free(GroupId group, std::string_view name) const {
  for (const auto& [id, row] : core_.catalog.snapshots)
    if (row.group == group && !row.hidden && !row.internal && row.name == name)
      return fail(Code::exists, told("snapshot", name) + " exists already");
  return {};
}

SnapshotRow Objects::snapshot_row(const GroupState& group, std::string name, std::string purpose) {
  SnapshotRow row;
  row.id = core_.host.random().id<SnapshotId>();
  row.name = std::move(name);
  row.group = group.id;
  row.volumes = group.row->members;
  row.epoch = core_.catalog.epoch;
  row.lsn = core_.journal->appended() + Lsn{1};   // the record that holds this row
  row.origin = position(group.id);
  row.time = core_.host.clock().wall();
  // What hosts write from now on is dated now or later; what a source sends, by the source's clock.
  bool serves = group.row->role == store::Role::source || group.row->role == store::Role::target_writable;
  row.as_of = serves ? std::max(row.time, group.dated) : group.dated;
  row.internal = !purpose.empty();
  row.purpose = std::move(purpose);
  return row;
}

rt::Task<Result<SnapshotId>> Objects::snapshot(GroupId group, std::string name, std::string purpose) {
  co_await await_shallow(group);
  CO_TRY(GroupState * state, group_of(group));
  CO_TRY_VOID(check_name("snapshot", name));
  CO_TRY_VOID(core_.whole(*state));
  if (purpose.empty()) CO_TRY_VOID(snapshot_name_is_free(group, name));
  SnapshotRow row = snapshot_row(*state, std::move(name), std::move(purpose));
  SnapshotId id = row.id;
  Changes changes{std::move(row)};
  CO_TRY_VOID(co_await commit(std::move(changes), nullptr));
  co_return id;
}

void Objects::add_unheld(Changes& changes) const {
  store::Catalog after = core_.catalog;
  for (const auto& change : changes) after.apply(change);
  auto remove = [&](store::CatalogChange change) {
    after.apply(change);
    changes.push_back(std::move(change));
  };
  for (bool again = true; again;) {
    again = false;
    std::set<std::pair<VolumeId, Epoch>> bases;
    std::set<VolumeId> needed;
    for (const auto& [id, row] : after.volumes) {
      if (row.origin.value == 0) continue;
      bases.insert({row.origin, row.origin_epoch});
      needed.insert(row.origin);
    }
    for (const auto& [id, row] : after.snapshots) needed.insert(row.volumes.begin(), row.volumes.end());
    for (const auto& [id, row] : after.snapshots) {
      if (!row.hidden) continue;
      bool held = std::any_of(row.volumes.begin(), row.volumes.end(), [&](VolumeId volume) { return bases.contains({volume, row.epoch}); });
      if (held) continue;
      remove(store::Removed<SnapshotId>{id});
      again = true;
      break;
    }
    if (again) continue;
    for (const auto& [id, row] : after.volumes) {
      if (!row.hidden || needed.contains(id) || in_use(id)) continue;
      remove(store::Removed<VolumeId>{id});
      again = true;
      break;
    }
  }
}

rt::Task<Result<>> Objects::delete_snapshot(SnapshotId snapshot) {
  auto at = core_.catalog.snapshots.find(snapshot);
  if (at == core_.catalog.snapshots.end() || at->second.hidden)
    co_return fail(Code::not_found, "pool '" + core_.name + "' has no snapshot " + text_of(snapshot));
  auto open = core_.views.find(snapshot);
  if (open != core_.views.end() && open->second > 0) co_return fail(Code::busy, told("snapshot", at->second.name) + " is in use: disconnect its clients first");
  SnapshotRow hidden = at->second;
  hidden.hidden = true;
  Changes changes{std::move(hidden)};
  add_unheld(changes);   // itself, unless a clone depends on it
  CO_TRY_VOID(co_await commit(std::move(changes), nullptr));
  if (!filled_.empty()) co_await drop_origins();
  co_return Result<>{};
}

rt::Task<Result<>> Objects::hold_snapshot(SnapshotId snapshot, std::string purpose) {
  auto at = core_.catalog.snapshots.find(snapshot);
  if (at == core_.catalog.snapshots.end() || at->second.hidden)
    co_return fail(Code::not_found, "pool '" + core_.name + "' has no snapshot " + text_of(snapshot));
  if (!at->second.internal || purpose.empty()) co_return fail(Code::invalid, told("snapshot", at->second.name) + " is not held for anything, or is to be held for nothing");
  SnapshotRow row = at->second;
  row.purpose = std::move(purpose);
  Changes changes{std::move(row)};
  co_return co_await commit(std::move(changes), nullptr);
}

Result<VolumeRef> Objects::open_snapshot(SnapshotId snapshot, std::size_t index) {
  auto at = core_.catalog.snapshots.find(snapshot);
  if (at == core_.catalog.snapshots.end()) return fail(Code::not_found, "pool '" + core_.name + "' has no snapshot " + text_of(snapshot));
  if (core_.closing) return fail(Code::cancelled, "pool '" + core_.name + "' is being closed");
  if (index >= at->second.volumes.size())
    return fail(Code::out_of_range, told("snapshot", at->second.name) + " has " + std::to_string(at->second.volumes.size()) + " volumes");
  VolumeState* state = core_.find(at->second.volumes[index]);
  if (!state) return fail(Code::corrupt, told("snapshot", at->second.name) + " names a volume that does not exist");
  return std::make_shared<NativeVolume>(access_, *state, at->second);
}

unsigned Objects::depth_of(VolumeId volume) const {
  unsigned depth = 0;
  for (auto at = core_.catalog.volumes.find(volume); at != core_.catalog.volumes.end() && at->second.origin.value != 0;
       at = core_.catalog.volumes.find(at->second.origin))
    ++depth;
  return depth;
}

Result<std::vector<VolumeId>> Objects::add_clones(SnapshotId snapshot, const std::vector<std::string>& names, Changes& changes) {
  auto at = core_.catalog.snapshots.find(snapshot);
  if (at == core_.catalog.snapshots.end() || at->second.hidden)
    return fail(Code::not_found, "pool '" + core_.name + "' has no snapshot " + text_of(snapshot));
  const SnapshotRow& row = at->second;
  if (names.size() != row.volumes.size())
    return fail(Code::invalid, told("snapshot", row.name) + " has " + std::to_string(row.volumes.size()) + " volumes; " + std::to_string(names.size()) + " names were given");
  std::vector<VolumeId> ids;
  for (std::size_t i = 0; i < names.size(); ++i) {
    TRY_VOID(check_name("volume", names[i]));
    TRY_VOID(name_is_free(names[i]));
    if (std::count(names.begin(), names.end(), names[i]) > 1) return fail(Code::invalid, "volume name '" + names[i] + "' is given twice");
    if (depth_of(row.volumes[i]) + 1 > depth_max)
      return fail(Code::busy, told("snapshot", row.name) + " is a clone of a clone " + std::to_string(depth_max) + " deep; copy it instead");
    VolumeRow clone;
    clone.id = VolumeId{core_.catalog.next_volume.value + i};
    clone.uuid = core_.host.random().id<VolumeUuid>();
    clone.name = names[i];
    clone.size = core_.catalog.volumes.at(row.volumes[i]).size;
    clone.origin = row.volumes[i];
    clone.origin_epoch = row.epoch;
    clone.born = core_.catalog.epoch;
    clone.created = core_.host.clock().wall();
    ids.push_back(clone.id);
    changes.push_back(std::move(clone));
  }
  return ids;
}

rt::Task<Result<std::vector<VolumeId>>> Objects::clone(SnapshotId snapshot, std::vector<std::string> names) {
  Changes changes;
  CO_TRY(std::vector<VolumeId> ids, add_clones(snapshot, names, changes));
  CO_TRY_VOID(co_await commit(std::move(changes), nullptr));
  co_return ids;
}

rt::Task<Result<GroupId>> Objects::clone_group(SnapshotId snapshot, std::vector<std::string> names, store::GroupRow row) {
  CO_TRY_VOID(check_name("group", row.name));
  CO_TRY_VOID(group_name_is_free(row.name, GroupId{}));
  Changes changes;
  CO_TRY(row.members, add_clones(snapshot, names, changes));
  row.id = core_.host.random().id<GroupId>();
  if (row.history.empty()) row.history.push_back(store::HistoryEntry{core_.host.random().id<Generation>(), Origin{}});
  row.created = core_.host.clock().wall();
  GroupId id = row.id;
  changes.push_back(std::move(row));
  CO_TRY_VOID(co_await commit(std::move(changes), nullptr));
  co_return id;
}

rt::Task<Result<SnapshotId>> Objects::revert(GroupId group, SnapshotId snapshot, std::string keep_as) {
  CO_TRY(GroupState * state, group_of(group));
  auto at = core_.catalog.snapshots.find(snapshot);
  if (at == core_.catalog.snapshots.end()) co_return fail(Code::not_found, "pool '" + core_.name + "' has no snapshot " + text_of(snapshot));
  const SnapshotRow& to = at->second;
  CO_TRY_VOID(check_name("snapshot", keep_as));
  CO_TRY_VOID(core_.whole(*state));
  CO_TRY_VOID(snapshot_name_is_free(group, keep_as));
  // A follower's journal knows nothing of blocks that change without a write.
  for (const auto& [id, row] : core_.catalog.followers)
    if (row.group == group && row.window == Duration{0}) co_return fail(Code::busy, told("group", state->row->name) + " has a relationship: dissolve it before the group is reverted");

  SnapshotRow kept = snapshot_row(*state, keep_as, "");
  SnapshotId kept_id = kept.id;
  store::GroupRow row = *state->row;
  Changes changes{kept};
  std::vector<std::pair<VolumeId, VolumeId>> moves;
  for (std::size_t i = 0; i < row.members.size(); ++i) {
    const VolumeRow& old = core_.catalog.volumes.at(row.members[i]);
    // The same volume under whatever id it had then; of another group's snapshot, the one in its place if it is as large.
    auto base = std::find_if(to.volumes.begin(), to.volumes.end(), [&](VolumeId v) { return core_.catalog.volumes.at(v).uuid == old.uuid; });
    bool pairs = to.group != group && to.volumes.size() == row.members.size() && core_.catalog.volumes.at(to.volumes[i]).size == old.size;
    if (base == to.volumes.end() && pairs) base = to.volumes.begin() + static_cast<std::ptrdiff_t>(i);
    if (base == to.volumes.end()) co_return fail(Code::invalid, told("snapshot", to.name) + " does not hold volume '" + old.name + "'");
    if (depth_of(*base) + 1 > depth_max)
      co_return fail(Code::busy, told("group", row.name) + " was reverted " + std::to_string(depth_max) + " times, and its volumes could not be filled meanwhile: free space in the pool and try again, or copy the snapshot");
    VolumeRow next = old;
    next.id = VolumeId{core_.catalog.next_volume.value + i};
    next.origin = *base;
    next.origin_epoch = to.epoch;
    next.born = Epoch{kept.epoch.value + 1};
    VolumeRow hidden = old;
    hidden.hidden = true;
    moves.emplace_back(old.id, next.id);
    row.members[i] = next.id;
    changes.push_back(std::move(hidden));
    changes.push_back(std::move(next));
  }
  bool follows = row.role == store::Role::target || row.role == store::Role::demoted;
  if (follows) row.position = to.origin;
  changes.push_back(std::move(row));
  CO_TRY(Lsn lsn, core_.append_catalog(std::move(changes), follows ? nullptr : state));
  for (auto [from, now] : moves) {
    VolumeState& before = *core_.find(from);
    if (auto open = before.open.lock()) {
      VolumeState& after = *core_.find(now);
      open->rebind(after);
      after.open = open;
      before.open.reset();
    }
  }
  CO_TRY_VOID(co_await core_.make_durable(lsn));
  for (auto [from, now] : moves) flatten_soon(now);
  co_return kept_id;
}

}  // namespace lockstep::pool::native
