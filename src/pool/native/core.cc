#include "pool/native/core.h"

#include <algorithm>

#include "pool/native/volume.h"

namespace lockstep::pool::native {

using journal::Kind;
using journal::Record;

Core::~Core() = default;

VolumeState* Core::find(VolumeId volume) const {
  auto at = volumes.find(volume);
  return at == volumes.end() ? nullptr : at->second.get();
}

GroupState* Core::find(GroupId group) const {
  auto at = groups.find(group);
  return at == groups.end() || !at->second->row ? nullptr : at->second.get();
}

// What comes from elsewhere has its date; what is written here gets one. In one group dates never go back.
WallTime Core::date_for(const GroupState* group, WallTime given) const {
  WallTime date = given.us != 0 ? given : host.clock().wall();
  return group ? std::max(date, group->dated) : date;
}

Result<Lsn> Core::append_blocks(VolumeState& volume, Record record, bool mending) {
  record.volume = volume.id;
  record.time = date_for(volume.group, record.time);
  if (record.origin.lsn.value != 0) record.flags |= journal::flag_elsewhere;
  if (volume.group && !mending) {
    record.group = volume.group->id;
    if (record.origin.lsn.value == 0) record.origin.generation = volume.group->generation;
  }
  auto appended = journal->append(record);
  if (!appended) {
    if (record.kind == Kind::write) store->unreserve(record.count);
    if (journal->failed()) stop(appended.error());
    return fail(std::move(appended).error());
  }
  fold_blocks(volume, *appended);
  if (on_growth) on_growth();
  return appended->lsn;
}

void Core::fold_blocks(VolumeState& volume, const Record& record) {
  std::uint64_t spare = overlay->add(*volume.layers, record);
  if (spare > 0 && !replaying) store->unreserve(spare);
  volume.last = record.lsn;
  if (record.kind == Kind::direct) last_direct_ = record.lsn;
  if (volume.told && !volume.watches.empty()) {
    volume.told = false;
    untold.push_back(&volume);
  }
  if (volume.group && record.group == volume.group->id) {
    trace(record, {});
    if ((record.flags & journal::flag_resync) == 0) volume.group->row->position = record.origin;
  }
}

void Core::trace(const Record& record, std::span<const store::CatalogChange> rows) {
  for (const auto& change : rows) {
    const auto* row = std::get_if<store::GroupRow>(&change);
    GroupState* group = row && !row->position.generation.is_none() ? find(row->id) : nullptr;
    if (group) group->trail.set(record.lsn, row->position);
    const auto* snapshot = std::get_if<store::SnapshotRow>(&change);
    if (GroupState* of = snapshot ? find(snapshot->group) : nullptr) of->dated = std::max(of->dated, snapshot->as_of);
  }
  GroupState* group = record.group.is_none() ? nullptr : find(record.group);
  if (!group || record.kind == Kind::mark) return;
  group->last = record.lsn;
  group->dated = std::max(group->dated, record.time);
  // A lag is measured by the clock here: what another system dated counts from when it came.
  WallTime came = replaying ? std::min(record.time, opened_at) : record.dated_here() ? record.time : host.clock().wall();
  const bool holds_blocks = record.kind == Kind::write || record.kind == Kind::direct;
  group->times.add(record.lsn, came, holds_blocks ? record.count * block_size : 0);
  if ((record.flags & journal::flag_resync) != 0) return;
  group->trail.pass(record.lsn, record.origin);
}

Result<Lsn> Core::append_catalog(std::vector<store::CatalogChange> changes, GroupState* stream) {
  TRY_VOID(writable());
  Buffer rows = store::encode(changes);
  Record record;
  record.kind = Kind::catalog;
  record.data = rows;
  if (stream) {
    record.group = stream->id;
    record.origin.generation = stream->generation;
  }
  return append_foreign(record);
}

Result<Lsn> Core::append_foreign(Record record) {
  record.time = date_for(record.group.is_none() ? nullptr : find(record.group), record.time);
  if (record.origin.lsn.value != 0) record.flags |= journal::flag_elsewhere;
  auto appended = journal->append(record);
  if (!appended) {
    if (journal->failed()) stop(appended.error());
    return fail(std::move(appended).error());
  }
  TRY_VOID(fold(*appended));
  if (on_growth) on_growth();
  return appended->lsn;
}

Result<> Core::fold(const Record& record) {
  switch (record.kind) {
    case Kind::write:
    case Kind::direct:
    case Kind::zero: {
      VolumeState* volume = find(record.volume);
      if (!volume) return fail(Code::corrupt, "journal record " + std::to_string(record.lsn.value) + " names volume " + std::to_string(record.volume.value) + ", which does not exist");
      fold_blocks(*volume, record);
      return {};
    }
    case Kind::catalog: {
      TRY(auto changes, store::decode(record.data));
      Epoch epoch = catalog.epoch;
      for (auto& change : changes) {
        if (auto* row = std::get_if<store::FollowerRow>(&change)) keep_progress(*row);
        catalog.apply(change);
        // The store hears of new volumes only: what becomes of others, it learns together with the rows that pin what they hold.
        if (const auto* row = std::get_if<store::VolumeRow>(&change); row && !row->hidden && !store->catalog().volumes.contains(row->id)) store->note_volume(*row);
        unfolded.push_back(change);
      }
      // What is written from here on belongs to the new epoch, and to a layer of its own.
      if (catalog.epoch != epoch) overlay->close_layer(catalog.epoch, record.lsn);
      refresh();
      if (GroupState* group = find(record.group)) group->row->position = record.origin;
      trace(record, changes);
      return {};
    }
    case Kind::position:
      if (GroupState* group = find(record.group)) group->row->position = record.origin;
      trace(record, {});
      return {};
    case Kind::mark: return {};
  }
  return fail(Code::corrupt, "journal record " + std::to_string(record.lsn.value) + " is of a kind that this release does not know");
}

// What only commits move is not taken back by a row that was written before one of them and is replayed after it.
void Core::keep_progress(store::FollowerRow& row) const {
  auto at = catalog.followers.find(row.id);
  if (at == catalog.followers.end()) return;
  row.durable = std::max(row.durable, at->second.durable);
  row.mapped = at->second.mapped;
  row.mapped_upto = at->second.mapped_upto;
}

void Core::refresh() {
  for (auto& [group_id, group] : groups) group->row = nullptr;
  for (auto& [group_id, row] : catalog.groups) {
    auto& group = groups[group_id];
    if (!group) group = std::make_unique<GroupState>(loop, group_id);
    group->row = &row;
    group->generation = row.history.empty() ? Generation{} : row.history.back().generation;
  }
  filling.clear();
  for (auto& [volume_id, row] : catalog.volumes) {
    if (row.filling) filling.insert(volume_id);
    auto& volume = volumes[volume_id];
    if (!volume) {
      volume = std::make_unique<VolumeState>();
      volume->id = volume_id;
      volume->layers = &overlay->of(volume_id);
    }
    volume->row = &row;
    volume->group = nullptr;
  }
  for (auto& [group_id, row] : catalog.groups)
    for (VolumeId member : row.members)
      if (VolumeState* volume = find(member)) volume->group = groups[group_id].get();
  std::erase_if(volumes, [this](auto& entry) {
    if (catalog.volumes.contains(entry.first)) return false;
    std::erase(untold, entry.second.get());
    return true;
  });
  for (auto& [volume_id, volume] : volumes) volume->may_write = !refuses(*volume).has_value();
}

Result<> Core::whole(const GroupState& group) const {
  for (VolumeId member : group.row->members) {
    if (!is_filling(member)) continue;
    return fail(Code::busy, "volume '" + name + "/" + catalog.volumes.at(member).name + "' is still being filled from another system; wait until it is complete");
  }
  return {};
}

std::vector<Level> Core::levels_of(VolumeId volume, Epoch upto) {
  std::vector<Level> levels;
  while (volume.value != 0) {
    levels.push_back({&overlay->of(volume), upto});
    auto row = catalog.volumes.find(volume);
    if (row == catalog.volumes.end()) break;
    volume = row->second.origin;
    upto = row->second.origin_epoch;
  }
  return levels;
}

std::optional<Error> Core::refuses(const VolumeState& volume) const {
  if (auto ok = writable(); !ok) return ok.error();
  const std::string who = "volume '" + name + "/" + volume.row->name + "'";
  if (volume.row->hidden) return Error{Code::read_only, who + " was deleted; it is held only for what depends on it"};
  if (volume.row->read_only) return Error{Code::read_only, who + " is set read-only"};
  if (!volume.group) return std::nullopt;
  switch (volume.group->row->role) {
    case store::Role::source:
    case store::Role::target_writable: return std::nullopt;
    case store::Role::target:
      return Error{Code::read_only, who + " is a replication target: it follows its source; fail over or split to write to it"};
    case store::Role::demoted:
      return Error{Code::read_only, who + " gave up its role as source: write to the system that took over"};
  }
  return std::nullopt;
}

Result<> Core::writable() const {
  if (stopped) return fail(Code::io, "pool '" + name + "' has stopped: " + stopped->message + "; restart it to go on from what is safe");
  if (damage) return fail(Code::read_only, "pool '" + name + "' is read-only: " + *damage);
  if (closing) return fail(Code::cancelled, "pool '" + name + "' is being closed");
  return {};
}

void Core::note_journal_damage(const Error& error) {
  Damage noted;
  noted.where = "pool '" + name + "', " + directory + "/journal";
  noted.what = error.message;
  const Damage& kept = damages.add(std::move(noted));
  if (repair) repair->met(kept);
}

void Core::stop(Error why) {
  if (stopped) return;
  stopped = std::move(why);
  for (auto& [volume_id, volume] : volumes) volume->may_write = false;
  wake_all();
}

void Core::wake_all() {
  arrived.wake_all();
  changed.wake_all();
  answered.wake_all();
  for (auto& [volume_id, volume] : volumes)
    for (std::size_t i = 0; i < volume->watches.size(); ++i) volume->watches[i]->answers_moved();
}

rt::Task<Result<>> Core::make_durable(Lsn lsn) {
  auto done = co_await journal->commit(lsn);
  if (!done) {
    if (journal->failed()) stop(done.error());
    co_return fail(std::move(done).error());
  }
  co_return Result<>{};
}

rt::Task<Result<>> Core::sync_data() {
  Lsn upto = last_direct_;   // appended only once their data had been written
  auto done = co_await store->sync_data();
  if (!done) {
    stop(done.error());
    co_return fail(std::move(done).error());
  }
  synced_direct_ = std::max(synced_direct_, upto);
  co_return Result<>{};
}

rt::Task<Result<>> Core::sync_big_writes() {
  if (last_direct_ <= synced_direct_) co_return Result<>{};
  co_return co_await sync_data();
}

}  // namespace lockstep::pool::native
