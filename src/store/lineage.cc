#include "store/lineage.h"

#include <algorithm>

namespace lockstep::store {

struct Lineage::Applier {
  Lineage& to;
  std::vector<Lost>& lost;

  void operator()(const VolumeRow& row) {
    bool had_head = to.has_head(row.id);
    // The new row's pins come before the old row's go: an epoch that stays pinned is never lost.
    if (row.origin.value != 0) to.pin(row.origin, row.origin_epoch);
    std::vector<Lost> head;
    to.remove(row.id, head);
    std::copy_if(head.begin(), head.end(), std::back_inserter(lost), [&](const Lost& l) { return l.volume != row.id || l.epoch != forever; });
    to.volumes_[row.id] = {row.origin, row.origin_epoch, row.hidden, row.size, row.filling};
    if (row.origin.value != 0) to.clones_[row.origin].push_back(row.id);
    if (had_head && row.hidden) lost.push_back({row.id, forever});
  }
  void operator()(const SnapshotRow& row) {
    for (VolumeId volume : row.volumes) to.pin(volume, row.epoch);
    to.remove(row.id, lost);
    to.snapshots_[row.id] = {row.volumes, row.epoch};
  }
  void operator()(const Removed<VolumeId>& row) { to.remove(row.key, lost); }
  void operator()(const Removed<SnapshotId>& row) { to.remove(row.key, lost); }
  void operator()(const auto&) {}
};

void Lineage::apply(const CatalogChange& change, std::vector<Lost>& lost) { std::visit(Applier{*this, lost}, change); }

void Lineage::pin(VolumeId volume, Epoch epoch) { ++pins_[volume][epoch]; }

void Lineage::unpin(VolumeId volume, Epoch epoch, std::vector<Lost>& lost) {
  auto of = pins_.find(volume);
  CHECK(of != pins_.end());
  auto it = of->second.find(epoch);
  CHECK(it != of->second.end());
  if (--it->second != 0) return;
  of->second.erase(it);
  if (of->second.empty()) pins_.erase(of);
  lost.push_back({volume, epoch});
}

void Lineage::remove(VolumeId id, std::vector<Lost>& lost) {
  auto it = volumes_.find(id);
  if (it == volumes_.end()) return;
  Volume volume = it->second;
  volumes_.erase(it);
  if (!volume.hidden) lost.push_back({id, forever});
  if (volume.origin.value == 0) return;
  auto& siblings = clones_[volume.origin];
  siblings.erase(std::find(siblings.begin(), siblings.end(), id));
  if (siblings.empty()) clones_.erase(volume.origin);
  unpin(volume.origin, volume.origin_epoch, lost);
}

void Lineage::remove(SnapshotId id, std::vector<Lost>& lost) {
  auto it = snapshots_.find(id);
  if (it == snapshots_.end()) return;
  Snapshot snapshot = std::move(it->second);
  snapshots_.erase(it);
  for (VolumeId volume : snapshot.volumes) unpin(volume, snapshot.epoch, lost);
}

bool Lineage::has_origin(VolumeId volume) const {
  auto it = volumes_.find(volume);
  return it != volumes_.end() && it->second.origin.value != 0;
}

bool Lineage::is_filling(VolumeId volume) const {
  auto it = volumes_.find(volume);
  return it != volumes_.end() && it->second.filling;
}

bool Lineage::has_head(VolumeId volume) const {
  auto it = volumes_.find(volume);
  return it != volumes_.end() && !it->second.hidden;
}

bool Lineage::is_visible(VolumeId volume, Epoch from, Epoch before) const {
  if (before == forever && has_head(volume)) return true;
  auto of = pins_.find(volume);
  if (of == pins_.end()) return false;
  auto it = of->second.lower_bound(from);
  return it != of->second.end() && it->first < before;
}

bool Lineage::is_pinned(VolumeId volume, Epoch epoch) const {
  if (epoch == forever) return has_head(volume);
  auto of = pins_.find(volume);
  return of != pins_.end() && of->second.contains(epoch);
}

std::optional<Epoch> Lineage::pin_below(VolumeId volume, Epoch epoch) const {
  auto of = pins_.find(volume);
  if (of == pins_.end()) return std::nullopt;
  auto it = of->second.lower_bound(epoch);
  if (it == of->second.begin()) return std::nullopt;
  return std::prev(it)->first;
}

std::optional<Epoch> Lineage::pin_above(VolumeId volume, Epoch epoch) const {
  auto of = pins_.find(volume);
  if (of == pins_.end()) return std::nullopt;
  auto it = of->second.upper_bound(epoch);
  if (it == of->second.end()) return std::nullopt;
  return it->first;
}

std::vector<Epoch> Lineage::pins(VolumeId volume) const {
  std::vector<Epoch> out;
  if (auto of = pins_.find(volume); of != pins_.end())
    for (const auto& [epoch, rows] : of->second) out.push_back(epoch);
  return out;
}

Bytes Lineage::size(VolumeId volume) const {
  auto it = volumes_.find(volume);
  return it == volumes_.end() ? Bytes{0} : it->second.size;
}

std::vector<View> Lineage::dependents(VolumeId volume, Epoch epoch) const {
  std::vector<View> out;
  std::vector<View> next{{volume, epoch}};   // pinned epochs of it from there on count
  while (!next.empty()) {
    View from = next.back();
    next.pop_back();
    if (auto of = pins_.find(from.volume); of != pins_.end())
      for (auto it = of->second.lower_bound(from.epoch); it != of->second.end(); ++it) out.push_back({from.volume, it->first});
    auto clones = clones_.find(from.volume);
    if (clones == clones_.end()) continue;
    for (VolumeId clone : clones->second) {
      const Volume& row = volumes_.at(clone);
      if (row.origin_epoch < from.epoch || out.size() > 1'000'000) continue;
      out.push_back({clone, forever});
      next.push_back({clone, Epoch{0}});
    }
  }
  return out;
}

Result<Lineage::Chain> Lineage::chain(View view) const {
  Chain chain{view};
  for (;;) {
    auto it = volumes_.find(chain.back().volume);
    if (it == volumes_.end() || it->second.origin.value == 0) return chain;
    chain.push_back({it->second.origin, it->second.origin_epoch});
    if (chain.size() > 256) return fail(Code::corrupt, "volume " + std::to_string(view.volume.value) + ": its origins do not end");
  }
}

}  // namespace lockstep::store
