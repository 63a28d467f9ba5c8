// Lineage: who descends from whom, and which epochs of a volume somebody can still look at. A plain fold of catalogue rows.
#pragma once

#include <map>
#include <optional>
#include <unordered_map>
#include <vector>

#include "base/base.h"
#include "store/catalog.h"
#include "store/store.h"

namespace lockstep::store {

class Lineage {
 public:
  static constexpr Epoch forever{~0ull};   // stands for the head wherever an epoch is asked for

  // An epoch of a volume that nobody can look at any more; `forever`: its head.
  struct Lost {
    VolumeId volume;
    Epoch epoch;
    auto operator<=>(const Lost&) const = default;
  };

  // What the change makes unreachable is appended to `lost`; a later change may make it reachable again (ask is_pinned()).
  void apply(const CatalogChange& change, std::vector<Lost>& lost);

  [[nodiscard]] bool knows(VolumeId volume) const { return volumes_.contains(volume); }
  [[nodiscard]] bool has_origin(VolumeId volume) const;
  [[nodiscard]] bool is_filling(VolumeId volume) const;
  [[nodiscard]] bool has_head(VolumeId volume) const;
  // The head, or any pinned epoch.
  [[nodiscard]] bool is_held(VolumeId volume) const { return is_visible(volume, Epoch{0}, forever); }
  // Somebody can look at an epoch in [from, before); with `before` = forever the head counts too.
  [[nodiscard]] bool is_visible(VolumeId volume, Epoch from, Epoch before) const;
  [[nodiscard]] bool is_pinned(VolumeId volume, Epoch epoch) const;
  [[nodiscard]] std::optional<Epoch> pin_below(VolumeId volume, Epoch epoch) const;   // the greatest < epoch
  [[nodiscard]] std::optional<Epoch> pin_above(VolumeId volume, Epoch epoch) const;   // the least > epoch, heads not counted
  [[nodiscard]] std::vector<Epoch> pins(VolumeId volume) const;                       // ascending
  [[nodiscard]] Bytes size(VolumeId volume) const;                                    // 0 when unknown

  // The views that fall through to (volume, at or after epoch) without being heads of `volume` itself: its pinned epochs, and
  // heads and pinned epochs of clones based there, and of their clones.
  [[nodiscard]] std::vector<View> dependents(VolumeId volume, Epoch epoch) const;

  // The view itself, then what absent entries fall through to, and so on. corrupt when it does not end.
  using Chain = std::vector<View>;
  [[nodiscard]] Result<Chain> chain(View view) const;

 private:
  struct Volume {
    VolumeId origin;
    Epoch origin_epoch;
    bool hidden = false;
    Bytes size;
    bool filling = false;
  };
  struct Snapshot {
    std::vector<VolumeId> volumes;
    Epoch epoch;
  };
  struct Applier;
  void pin(VolumeId volume, Epoch epoch);
  void unpin(VolumeId volume, Epoch epoch, std::vector<Lost>& lost);
  void remove(VolumeId id, std::vector<Lost>& lost);
  void remove(SnapshotId id, std::vector<Lost>& lost);

  std::unordered_map<VolumeId, Volume> volumes_;
  std::map<SnapshotId, Snapshot> snapshots_;
  std::unordered_map<VolumeId, std::map<Epoch, std::uint32_t>> pins_;   // how many rows pin it
  std::map<VolumeId, std::vector<VolumeId>> clones_;                    // of an origin
};

}  // namespace lockstep::store
