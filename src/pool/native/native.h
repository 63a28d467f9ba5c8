// NativePool: the pool face over a journal and a store of its own. Only routes: each part has its file.
#pragma once

#include "pool/native/checkpoint.h"
#include "pool/native/filler.h"
#include "pool/native/followers.h"
#include "pool/native/identity.h"
#include "pool/native/objects.h"
#include "pool/native/shipping.h"
#include "pool/native/volume.h"

namespace lockstep::pool::native {

class NativePool final : public Pool {
 public:
  // `on_device`: the same machine with a device's files, where the pool lies on one.
  NativePool(os::Host& machine, std::unique_ptr<os::Host> on_device, rt::Loop& loop, Options options);
  ~NativePool() override;

  rt::Task<Result<>> open(std::string directory, std::string name, bool create);

  [[nodiscard]] rt::Loop& loop() override { return core_.loop; }
  [[nodiscard]] PoolId id() const override { return core_.id; }
  [[nodiscard]] Status status() const override;
  [[nodiscard]] const store::Catalog& catalog() const override { return core_.catalog; }

  rt::Task<Result<VolumeId>> create_volume(std::string name, Bytes size) override { return objects_.create_volume(std::move(name), size); }
  rt::Task<Result<>> resize_volume(VolumeId volume, Bytes size) override { return objects_.resize_volume(volume, size); }
  rt::Task<Result<>> rename_volume(VolumeId volume, std::string name) override { return objects_.rename_volume(volume, std::move(name)); }
  rt::Task<Result<>> set_read_only(VolumeId volume, bool read_only) override { return objects_.set_read_only(volume, read_only); }
  rt::Task<Result<>> delete_volume(VolumeId volume) override { return objects_.delete_volume(volume); }
  Result<VolumeRef> open_volume(VolumeId volume) override { return objects_.open_volume(volume); }
  [[nodiscard]] std::optional<VolumeId> find_volume(std::string_view name) const override { return objects_.find_volume(name); }

  rt::Task<Result<GroupId>> create_group(std::string name, std::vector<VolumeId> members) override { return objects_.create_group(std::move(name), std::move(members)); }
  rt::Task<Result<Lsn>> move_members(GroupId from, GroupId to, std::vector<VolumeId> volumes) override { return objects_.move_members(from, to, std::move(volumes)); }
  rt::Task<Result<>> set_members(GroupId group, std::vector<VolumeId> members) override { return objects_.set_members(group, std::move(members)); }
  rt::Task<Result<>> delete_group(GroupId group) override { return objects_.delete_group(group); }
  rt::Task<Result<>> discard_group(GroupId group) override { return objects_.discard_group(group); }
  rt::Task<Result<>> change_group(store::GroupRow row) override { return objects_.change_group(std::move(row)); }
  rt::Task<Result<Generation>> begin_generation(GroupId group) override { return objects_.begin_generation(group); }
  [[nodiscard]] Origin position(GroupId group) const override { return objects_.position(group); }

  rt::Task<Result<SnapshotId>> snapshot(GroupId group, std::string name, std::string internal_purpose) override {
    return objects_.snapshot(group, std::move(name), std::move(internal_purpose));
  }
  rt::Task<Result<>> delete_snapshot(SnapshotId snapshot) override { return objects_.delete_snapshot(snapshot); }
  rt::Task<Result<>> hold_snapshot(SnapshotId snapshot, std::string purpose) override { return objects_.hold_snapshot(snapshot, std::move(purpose)); }
  Result<VolumeRef> open_snapshot(SnapshotId snapshot, std::size_t index) override { return objects_.open_snapshot(snapshot, index); }
  rt::Task<Result<std::vector<VolumeId>>> clone(SnapshotId snapshot, std::vector<std::string> names) override { return objects_.clone(snapshot, std::move(names)); }
  rt::Task<Result<GroupId>> clone_group(SnapshotId snapshot, std::vector<std::string> names, store::GroupRow row) override {
    return objects_.clone_group(snapshot, std::move(names), std::move(row));
  }
  rt::Task<Result<SnapshotId>> revert(GroupId group, SnapshotId snapshot, std::string keep_as) override { return objects_.revert(group, snapshot, std::move(keep_as)); }

  void set_acks(GroupId group, Acks* acks) override;
  void acks_moved(GroupId group) override;
  void set_repair(Repair* repair) override { core_.repair = repair; }
  [[nodiscard]] std::vector<Damage> damages(std::uint64_t after) const override { return core_.damages.after(after); }
  void set_spares(Spares* spares) override { core_.spares = spares; }
  rt::Task<Result<Stream>> stream(GroupId group, Lsn after, Bytes at_most) override { return shipping_.stream(group, after, at_most); }
  rt::Signal& arrived() override { return core_.arrived; }
  rt::Task<Result<Span>> data_of(const journal::Record& record, Buffer& scratch) override { return shipping_.data_of(record, scratch); }
  rt::Task<Result<std::optional<Lsn>>> lsn_of(GroupId group, Origin origin) override { return shipping_.lsn_of(group, origin); }
  [[nodiscard]] WallTime time_of_oldest_after(GroupId group, Lsn after) const override;
  [[nodiscard]] Bytes written(GroupId group) const override;
  [[nodiscard]] Bytes written_after(GroupId group, Lsn after) const override;
  [[nodiscard]] WallTime dated(GroupId group) const override;
  [[nodiscard]] Bytes journal_after(Lsn after) const override { return core_.journal->bytes_after(after); }
  [[nodiscard]] Bytes journal_budget() const override { return core_.options.journal_budget; }

  rt::Task<Result<>> set_budget(RelationshipId follower, Bytes budget) override { return followers_.set_budget(follower, budget); }
  rt::Task<Result<>> set_follower(store::FollowerRow row) override { return followers_.set(std::move(row)); }
  void follower_durable(RelationshipId follower, Lsn durable) override { followers_.durable(follower, durable); }
  void stretch_budget(RelationshipId follower, Bytes least) override { followers_.stretch(follower, least); }
  rt::Task<Result<>> drop_follower(RelationshipId follower) override { return followers_.drop(follower); }
  rt::Task<Result<>> fold_follower(RelationshipId follower, Lsn upto) override { return followers_.fold(follower, upto); }
  rt::Task<Result<>> clear_change_map(RelationshipId follower, Lsn upto) override { return followers_.clear(follower, upto); }
  rt::Task<Result<std::vector<store::ChangeMapUpdate::Leaf>>> change_map(RelationshipId follower, VolumeId volume, std::uint64_t from_leaf, std::size_t most) override {
    return core_.store->change_map(follower, volume, from_leaf, most);
  }
  rt::Task<Result<std::uint64_t>> blocks_lacking(RelationshipId follower, Lsn after) override { return followers_.blocks_lacking(follower, after); }
  rt::Task<Result<std::uint64_t>> change_map_blocks(RelationshipId follower) override { return core_.store->change_map_blocks(follower); }

  rt::Task<Result<Lsn>> apply(GroupId group, std::vector<journal::Record> records) override { return shipping_.apply(group, std::move(records)); }
  rt::Task<Result<>> commit(Lsn lsn) override { return core_.make_durable(lsn); }
  rt::Task<Result<>> begin_fill(GroupId group) override { return filler_.begin(group); }
  void set_fetch(GroupId group, Fetch* fetch) override;
  rt::Task<Result<Lsn>> fill(GroupId group, std::vector<journal::Record> records) override { return filler_.fill(group, std::move(records)); }
  rt::Task<Result<>> end_fill(GroupId group) override { return filler_.end(group); }
  rt::Task<Result<>> await_received(Lsn lsn) override { return answers_.await_received(lsn); }

  rt::Task<Result<std::vector<Checksum>>> leaf_hashes(SnapshotId snapshot, std::size_t index, std::uint64_t from_leaf, std::size_t count) override;
  rt::Task<Result<std::vector<store::Entry>>> leaf_entries(SnapshotId snapshot, std::size_t index, std::uint64_t leaf) override;

  rt::Task<Result<>> checkpoint() override;
  rt::Task<Result<>> close() override;

 private:
  // open.cc
  rt::Task<Result<>> recover(bool fresh);
  rt::Task<Result<>> reserve_replayed(std::uint64_t blocks);
  rt::Task<Result<bool>> believe(const journal::Record& record);
  Result<> replayed(const journal::Record& record);
  rt::Task<Result<>> tear_down(Result<> outcome);
  // The snapshot's volume `index` as of it, once the store holds all of it.
  rt::Task<Result<store::View>> settled_view(SnapshotId snapshot, std::size_t index);

  std::unique_ptr<os::Host> on_device_;   // outlives whatever has a file of it open
  Core core_;
  Admission admission_;
  Answers answers_;
  Reader reader_;
  Writer writer_;
  const Access access_;
  Objects objects_;
  Shipping shipping_;
  Filler filler_;
  Followers followers_;
  Checkpointer checkpointer_;
  std::unique_ptr<os::FileLock> lock_;
  bool closed_ = false;
  bool believed_synced_ = false;
};

}  // namespace lockstep::pool::native
