// For tests: the store's plain model. Every view is a map from block to entry; a snapshot and a clone are copies.
#pragma once

#include <map>
#include <memory>
#include <set>
#include <vector>

#include "store/store_testing.h"

namespace lockstep::store {

// What goes wrong is thrown, so that a property can shrink it.
struct Wrong {
  std::string what;
};
inline void claim(bool holds, const std::string& what) {
  if (!holds) throw Wrong{what};
}

class Model {
 public:
  using Content = std::map<std::uint64_t, Entry>;   // no entry: a hole
  struct Volume {
    VolumeRow row;
    Content head;
    Content base;   // what a clone is based on: kept while its row is there
  };
  struct Snapshot {
    SnapshotRow row;
    std::map<VolumeId, Content> views;
  };

  explicit Model(TestStore& s) : s_(s) {}

  // Changes go into the next commit.
  void make_volume() {
    VolumeRow row = volume_row(next_volume_++);
    row.born = epoch_;
    volumes_[row.id] = {row, {}, {}};
    pending_.catalog.push_back(row);
  }
  void write(std::size_t which, std::uint64_t block, std::size_t count, bool same_content) {
    Volume* volume = pick(which);
    if (volume == nullptr) return;
    std::vector<Entry> entries;
    for (std::size_t i = 0; i < count; ++i) {
      Place place = s_.place();
      claim(!referenced().contains(place), "place " + std::to_string(place.value) + " was handed out while in use");
      claim(!limbo_.contains(place), "place " + std::to_string(place.value) + " was handed out before the journal or a read let go of it");
      uncommitted_.insert(place);
      auto had = volume->head.find(block + i);
      std::uint64_t sum = same_content && had != volume->head.end() ? had->second.checksum.value : ++sum_;
      entries.push_back(placed(place, sum));
    }
    for (std::size_t i = 0; i < count; ++i) volume->head[block + i] = entries[i];
    pending_.map.push_back(change(volume->row.id, epoch_, block, entries));
    for (std::size_t i = 0; i < count; ++i) touched_.insert({volume->row.id, block + i});
  }
  void zero(std::size_t which, std::uint64_t block, std::uint64_t count) {
    Volume* volume = pick(which);
    if (volume == nullptr) return;
    volume->head.erase(volume->head.lower_bound(block), volume->head.lower_bound(block + count));
    pending_.map.push_back(zeroes(volume->row.id, epoch_, block, count));
    zeroed_.insert(volume->row.id);
  }
  void snapshot(std::uint64_t subset) {
    std::vector<VolumeId> members;
    Snapshot snapshot;
    for (auto& [id, volume] : volumes_)
      if (!volume.row.hidden && (subset >> (id.value % 8) & 1)) {
        members.push_back(id);
        snapshot.views[id] = volume.head;
      }
    if (members.empty()) return;
    snapshot.row = snapshot_row(next_snapshot_++, members, epoch_);
    pending_.catalog.push_back(snapshot.row);
    snapshots_[snapshot.row.id] = snapshot;
    ++epoch_;
  }
  void clone(std::size_t which, bool note) {
    if (snapshots_.empty()) return;
    const Snapshot& base = std::next(snapshots_.begin(), static_cast<std::ptrdiff_t>(which % snapshots_.size()))->second;
    auto of = std::next(base.views.begin(), static_cast<std::ptrdiff_t>(which / 7 % base.views.size()));
    VolumeRow row = volume_row(next_volume_++);
    row.origin = of->first;
    row.origin_epoch = base.row.epoch;
    row.born = epoch_;
    volumes_[row.id] = {row, of->second, of->second};
    pending_.catalog.push_back(row);
    if (note) s_.store->note_volume(row);
  }
  void delete_snapshot(std::size_t which) {
    if (snapshots_.empty()) return;
    auto it = std::next(snapshots_.begin(), static_cast<std::ptrdiff_t>(which % snapshots_.size()));
    pending_.catalog.push_back(Removed<SnapshotId>{it->first});
    snapshots_.erase(it);
    bury();
  }
  void delete_volume(std::size_t which) {
    Volume* volume = pick(which);
    if (volume == nullptr) return;
    volume->row.hidden = true;
    volume->head.clear();
    pending_.catalog.push_back(volume->row);
    bury();
  }
  // The name goes to a new volume that descends from the snapshot; the old head lives on hidden while somebody needs it.
  void revert(std::size_t which) {
    if (snapshots_.empty()) return;
    const Snapshot& base = std::next(snapshots_.begin(), static_cast<std::ptrdiff_t>(which % snapshots_.size()))->second;
    VolumeId old = base.views.begin()->first;
    if (volumes_.at(old).row.hidden) return;
    clone(which, true);
    volumes_.at(old).row.hidden = true;
    volumes_.at(old).head.clear();
    pending_.catalog.push_back(volumes_.at(old).row);
    bury();
  }

  void commit();
  void check();                       // every view; nothing pending
  void check_beside_tidy(std::uint64_t salt);
  void check_diff(std::size_t a, std::size_t b);
  void check_space(bool exact);
  void delete_all() {
    while (!snapshots_.empty()) delete_snapshot(0);
    while (pick(0) != nullptr) delete_volume(0);
  }

  void release() {
    s_.release();
    released_ = s_.store->checkpoint_lsn();
    calm();
  }
  void begin_read() { guards_.emplace(++turn_, s_.store->begin_read()); }
  void end_reads() {
    guards_.clear();
    calm();
  }
  void reopen() {
    claim(pending_.map.empty() && pending_.catalog.empty(), "a test reopens only when all is committed");
    guards_.clear();
    calm();
    s_.reopen();
  }
  [[nodiscard]] bool has_pending() const { return !pending_.map.empty() || !pending_.catalog.empty(); }
  [[nodiscard]] const Commit& pending() const { return pending_; }
  [[nodiscard]] std::vector<std::pair<View, const Content*>> views() const;
  [[nodiscard]] std::set<Place> referenced() const;
  // After a crash: the state before the commit that was running, or after it.
  struct State {
    std::map<VolumeId, Volume> volumes;
    std::map<SnapshotId, Snapshot> snapshots;
    Epoch epoch;
  };
  [[nodiscard]] State state() const { return {volumes_, snapshots_, epoch_}; }
  void restore(State state) {
    volumes_ = std::move(state.volumes);
    snapshots_ = std::move(state.snapshots);
    epoch_ = state.epoch;
    pending_ = {};
    uncommitted_.clear();
    touched_.clear();
    zeroed_.clear();
  }

 private:
  struct Limbo {
    Lsn lsn;
    std::uint64_t turn = 0;
  };
  Volume* pick(std::size_t which) {
    std::vector<Volume*> live;
    for (auto& [id, volume] : volumes_)
      if (!volume.row.hidden) live.push_back(&volume);
    return live.empty() ? nullptr : live[which % live.size()];
  }
  // Hidden volumes go when no snapshot lists them and no clone is based on them.
  void bury() {
    for (bool again = true; again;) {
      again = false;
      for (auto& [id, volume] : volumes_) {
        if (!volume.row.hidden) continue;
        bool needed = false;
        for (auto& [sid, snapshot] : snapshots_) needed = needed || snapshot.views.contains(id);
        for (auto& [other, clone] : volumes_) needed = needed || clone.row.origin == id;
        if (needed) continue;
        pending_.catalog.push_back(Removed<VolumeId>{id});
        volumes_.erase(id);
        again = true;
        break;
      }
    }
  }
  void calm() {
    std::erase_if(limbo_, [&](const auto& one) {
      return one.second.lsn <= released_ && (guards_.empty() || guards_.begin()->first > one.second.turn);
    });
  }

  TestStore& s_;
  std::map<VolumeId, Volume> volumes_;
  std::map<SnapshotId, Snapshot> snapshots_;
  Epoch epoch_{1};
  std::uint64_t next_volume_ = 1;
  std::uint64_t next_snapshot_ = 1;
  std::uint64_t sum_ = 0;
  Commit pending_;
  std::set<std::pair<VolumeId, std::uint64_t>> touched_;   // by what is pending
  std::set<VolumeId> zeroed_;
  std::set<Place> uncommitted_;
  std::set<Place> committed_refs_;
  std::map<Place, Limbo> limbo_;
  Lsn released_;
  std::uint64_t turn_ = 0;
  std::map<std::uint64_t, std::unique_ptr<Store::ReadGuard>> guards_;
};

inline std::vector<std::pair<View, const Model::Content*>> Model::views() const {
  std::vector<std::pair<View, const Content*>> out;
  for (const auto& [id, volume] : volumes_)
    if (!volume.row.hidden) out.push_back({{id, epoch_}, &volume.head});
  for (const auto& [id, snapshot] : snapshots_)
    for (const auto& [volume, content] : snapshot.views) out.push_back({{volume, snapshot.row.epoch}, &content});
  return out;
}

inline std::set<Place> Model::referenced() const {
  std::set<Place> out = uncommitted_;
  out.insert(committed_refs_.begin(), committed_refs_.end());
  for (const auto& [view, content] : views())
    for (const auto& [block, entry] : *content) out.insert(entry.place);
  for (const auto& [id, volume] : volumes_)
    for (const auto& [block, entry] : volume.base) out.insert(entry.place);
  return out;
}

}  // namespace lockstep::store
