// Overlay: what the journal holds beyond the last checkpoint, in memory, as a short list of layers. "Overwritten" counts only within
// a layer, so a snapshot, which closes the open layer, keeps what it saw. The bytes stay in the journal's batches; this is an index.
// Promises: find() answers with the newest record's bytes as of an epoch; frozen layers never change until dropped.
// Lives on: one loop; frozen layers may be read by a worker.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <vector>

#include "base/base.h"
#include "journal/record.h"
#include "pool/native/index.h"
#include "store/store.h"

namespace lockstep::pool::native {

struct Hit {
  enum class Kind : std::uint8_t { none, zero, data, direct } kind = Kind::none;
  const std::byte* data = nullptr;   // data
  Place place;                       // direct
  Checksum checksum;                 // data, direct
  Lsn lsn;
};

// One volume in one layer.
class VolumeLayer {
 public:
  VolumeLayer(Epoch epoch, Lsn base) : epoch_(epoch), base_(base) {}

  [[nodiscard]] Hit find(Block block) const {
    const Cell* cell = cells_.find(block);
    const Stretch* stretch = stretches_.find(block);
    Hit hit;
    if (cell && (!stretch || cell->lsn > stretch->lsn)) {
      hit.kind = Hit::Kind::data;
      hit.data = cell->data;
      hit.checksum = cell->checksum();
      hit.lsn = lsn_of(cell->lsn);
    } else if (stretch) {
      hit.lsn = lsn_of(stretch->lsn);
      hit.kind = stretch->is_zero() ? Hit::Kind::zero : Hit::Kind::direct;
      if (hit.kind == Hit::Kind::direct) {
        hit.place = stretch->place(block.value);
        hit.checksum = stretch->checksum(block.value);
      }
    }
    return hit;
  }
  [[nodiscard]] Epoch epoch() const { return epoch_; }
  [[nodiscard]] Lsn lsn_of(std::uint32_t offset) const { return base_ + Lsn{offset}; }
  [[nodiscard]] const CellTable& cells() const { return cells_; }
  [[nodiscard]] const StretchMap& stretches() const { return stretches_; }
  struct Direct {   // a big write, whole, whatever became of it since
    std::uint64_t block = 0;
    std::uint64_t count = 0;
    const std::byte* places = nullptr;
    const std::byte* checksums = nullptr;
    std::uint32_t lsn = 0;
  };
  [[nodiscard]] const std::vector<Direct>& directs() const { return directs_; }

  // Returns how many of the record's blocks replaced a cell.
  std::uint64_t add(const journal::Record& record);

 private:
  Epoch epoch_;
  Lsn base_;
  CellTable cells_;
  StretchMap stretches_;
  std::vector<Direct> directs_;
};

struct Layer {
  Epoch epoch;
  Lsn base;                                                     // every record in it is after this
  Lsn last;                                                     // of its records
  Bytes bytes;                                                  // journal memory it holds
  std::uint64_t reserved = 0;                                   // blocks of data space admitted for its cells
  std::map<VolumeId, std::unique_ptr<VolumeLayer>> volumes;
  std::vector<std::shared_ptr<const void>> holds;
};

// The layers of one volume, oldest first. Stays where it is while the overlay lives.
struct VolumeLayers {
  VolumeId volume;
  std::vector<VolumeLayer*> layers;
  VolumeLayer* open = nullptr;   // the last one, when it belongs to the open layer

  // As of the end of epoch `upto`.
  [[nodiscard]] Hit find(Block block, Epoch upto) const {
    for (auto at = layers.rbegin(); at != layers.rend(); ++at) {
      if ((*at)->epoch() > upto) continue;
      Hit hit = (*at)->find(block);
      if (hit.kind != Hit::Kind::none) return hit;
    }
    return {};
  }
};

class Overlay {
 public:
  Overlay(Epoch epoch, Lsn base);

  VolumeLayers& of(VolumeId volume);

  // A write, zero or direct record. Its hold is kept. Returns how many reserved blocks it made superfluous.
  std::uint64_t add(VolumeLayers& volume, const journal::Record& record);
  // The open layer ends; what comes next belongs to `epoch`. `base`: the last LSN given.
  void close_layer(Epoch epoch, Lsn base);
  // Closes the open layer too (same epoch) and returns all layers, oldest first. They stay readable until drop().
  std::vector<const Layer*> freeze(Lsn base);
  // The oldest `count` layers go; their memory is returned to be let go of in slices.
  std::vector<std::unique_ptr<Layer>> drop(std::size_t count);

  [[nodiscard]] Bytes bytes() const { return bytes_; }
  [[nodiscard]] Lsn dropped() const { return dropped_; }   // no record after this has left the overlay
  [[nodiscard]] bool empty() const { return layers_.size() == 1 && layers_.front()->last <= layers_.front()->base; }
  [[nodiscard]] std::uint64_t reserved() const;            // blocks of data space, by all layers
  [[nodiscard]] std::size_t layers() const { return layers_.size(); }

  // What one record takes of the budget.
  [[nodiscard]] static std::uint64_t cost_of(const journal::Record& record);
  [[nodiscard]] static constexpr std::uint64_t cost_of_data(std::uint64_t blocks) { return 192 + blocks * (block_size + 8 + 48); }
  [[nodiscard]] static constexpr std::uint64_t cost_of_direct(std::uint64_t blocks) { return 192 + blocks * (16 + 24); }

 private:
  Layer& open() { return *layers_.back(); }
  std::deque<std::unique_ptr<Layer>> layers_;
  std::map<VolumeId, std::unique_ptr<VolumeLayers>> volumes_;
  Bytes bytes_;
  Lsn dropped_;
};

}  // namespace lockstep::pool::native
