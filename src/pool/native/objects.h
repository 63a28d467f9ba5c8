// Objects: volumes, groups, snapshots and clones as rows of the catalogue. Each change is checked against the live catalogue, appended
// as one record and durable before it returns; nothing is waited for between the check and the record.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "pool/native/core.h"
#include "pool/native/volume.h"

namespace lockstep::pool::native {

// 1 to 100 bytes of [A-Za-z0-9._-], not starting with '.' or '-'.
[[nodiscard]] Result<> check_name(std::string_view what, std::string_view name);

class Objects {
 public:
  explicit Objects(const Access& access) : access_(access), core_(access.core) {}

  // Volumes (volumes.cc).
  rt::Task<Result<VolumeId>> create_volume(std::string name, Bytes size);
  rt::Task<Result<>> resize_volume(VolumeId volume, Bytes size);
  rt::Task<Result<>> rename_volume(VolumeId volume, std::string name);
  rt::Task<Result<>> set_read_only(VolumeId volume, bool read_only);
  rt::Task<Result<>> delete_volume(VolumeId volume);
  Result<VolumeRef> open_volume(VolumeId volume);
  [[nodiscard]] std::optional<VolumeId> find_volume(std::string_view name) const;

  // Groups (groups.cc).
  rt::Task<Result<GroupId>> create_group(std::string name, std::vector<VolumeId> members);
  rt::Task<Result<>> set_members(GroupId group, std::vector<VolumeId> members);
  rt::Task<Result<Lsn>> move_members(GroupId from, GroupId to, std::vector<VolumeId> volumes);
  rt::Task<Result<>> delete_group(GroupId group);
  rt::Task<Result<>> discard_group(GroupId group);
  rt::Task<Result<>> change_group(store::GroupRow row);
  rt::Task<Result<Generation>> begin_generation(GroupId group);
  [[nodiscard]] Origin position(GroupId group) const;
  // For every group that hosts may write: what this open writes is another stretch of history than what was lost. Nothing where there is none.
  rt::Task<Result<>> begin_generations();

  // Snapshots and clones (snapshots.cc).
  rt::Task<Result<SnapshotId>> snapshot(GroupId group, std::string name, std::string purpose);
  rt::Task<Result<>> delete_snapshot(SnapshotId snapshot);
  rt::Task<Result<>> hold_snapshot(SnapshotId snapshot, std::string purpose);
  Result<VolumeRef> open_snapshot(SnapshotId snapshot, std::size_t index);
  rt::Task<Result<std::vector<VolumeId>>> clone(SnapshotId snapshot, std::vector<std::string> names);
  rt::Task<Result<GroupId>> clone_group(SnapshotId snapshot, std::vector<std::string> names, store::GroupRow row);
  rt::Task<Result<SnapshotId>> revert(GroupId group, SnapshotId snapshot, std::string keep_as);

 private:
  using Changes = std::vector<store::CatalogChange>;
  rt::Task<Result<>> commit(Changes changes, GroupState* stream);
  [[nodiscard]] Result<store::VolumeRow*> visible(VolumeId volume);
  [[nodiscard]] Result<GroupState*> group_of(GroupId group);
  [[nodiscard]] Result<> name_is_free(std::string_view name) const;              // for a volume
  [[nodiscard]] Result<> group_name_is_free(std::string_view name, GroupId but) const;
  [[nodiscard]] Result<> snapshot_name_is_free(GroupId group, std::string_view name) const;
  [[nodiscard]] Result<> check_members(GroupId group, const std::vector<VolumeId>& members) const;
  [[nodiscard]] bool in_use(VolumeId volume) const;
  [[nodiscard]] unsigned depth_of(VolumeId volume) const;
  [[nodiscard]] store::SnapshotRow snapshot_row(const GroupState& group, std::string name, std::string purpose);
  // Flattening (flatten.cc).
  void flatten_soon(VolumeId volume);   // if it is deep
  rt::Task<void> flatten(VolumeId volume);
  rt::Task<Result<>> fill(VolumeId volume);
  rt::Task<void> drop_origins();
  rt::Task<void> await_shallow(GroupId group);
  Result<std::vector<VolumeId>> add_clones(SnapshotId snapshot, const std::vector<std::string>& names, Changes& changes);
  Result<> remove_group(const GroupState& group, Changes& changes) const;
  // Adds the removal of everything hidden that nothing depends on once `changes` are made.
  void add_unheld(Changes& changes) const;
  [[nodiscard]] std::string told(std::string_view what, std::string_view name) const;   // "volume 'pool/name'"
  [[nodiscard]] GroupState* stream_of(VolumeId volume) const;   // where its changes belong to a history that others follow

  const Access& access_;
  Core& core_;
  std::set<VolumeId> flattening_;
  std::set<VolumeId> filled_;   // heads that share nothing any more, but their row still names an origin
};

}  // namespace lockstep::pool::native
