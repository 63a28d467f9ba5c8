#include "pool/native/gather.h"

#include <algorithm>

namespace lockstep::pool::native {

using store::Entry;
using store::EntryKind;
using store::MapChange;

namespace {

// Entries of one stretch of a big write, cut where `keep` says no.
template <class Keep>
void add_direct(std::vector<MapChange>& into, VolumeId volume, Epoch epoch, std::uint64_t begin, std::uint64_t end, const Stretch& stretch, Keep&& keep) {
  MapChange change{.volume = volume, .epoch = epoch, .block = Block{begin}, .entries = {}, .zero_count = 0};
  for (std::uint64_t block = begin; block < end; ++block) {
    if (!keep(block)) {
      if (!change.entries.empty()) into.push_back(std::exchange(change, MapChange{.volume = volume, .epoch = epoch, .block = {}, .entries = {}, .zero_count = 0}));
      continue;
    }
    if (change.entries.empty()) change.block = Block{block};
    change.entries.push_back(Entry{EntryKind::placed, stretch.place(block), stretch.checksum(block)});
  }
  if (!change.entries.empty()) into.push_back(std::move(change));
}

Gathered::Part gather(VolumeId volume, const VolumeLayer& layer, bool alive) {
  Gathered::Part part;
  part.volume = volume;
  part.epoch = layer.epoch();

  // Big writes of which something was overwritten in this layer: their places must be heard of once, or nobody would free them.
  for (const VolumeLayer::Direct& direct : layer.directs()) {
    Stretch stretch;
    stretch.base = direct.block;
    stretch.places = direct.places;
    stretch.checksums = direct.checksums;
    add_direct(part.before, volume, layer.epoch(), direct.block, direct.block + direct.count, stretch, [&](std::uint64_t block) {
      if (!alive) return true;
      Hit hit = layer.find(Block{block});
      return hit.kind != Hit::Kind::direct || hit.lsn != layer.lsn_of(direct.lsn);
    });
  }
  if (!alive) return part;
  // What stretches cover. Where a later cell lies on one, the cell comes after and wins.
  for (const auto& [begin, stretch] : layer.stretches().all()) {
    if (stretch.is_zero()) {
      part.before.push_back(MapChange{.volume = volume, .epoch = layer.epoch(), .block = Block{begin}, .entries = {}, .zero_count = stretch.end - begin});
      continue;
    }
    add_direct(part.before, volume, layer.epoch(), begin, stretch.end, stretch, [](std::uint64_t) { return true; });
  }
  part.cells.reserve(layer.cells().size());
  layer.cells().each([&](const Cell& cell) {
    const Stretch* stretch = layer.stretches().find(cell.block());
    if (stretch && stretch->lsn > cell.lsn) return;
    if (cell.checksum() == checksum_of_zero_block() && is_zero(Span(cell.data, block_size))) part.zeroes.push_back(cell.block());
    else part.cells.push_back(cell);
  });
  std::sort(part.cells.begin(), part.cells.end(), [](const Cell& a, const Cell& b) { return a.key < b.key; });
  std::sort(part.zeroes.begin(), part.zeroes.end());
  return part;
}

}  // namespace

Gathered gather(const std::vector<const Layer*>& layers, const std::set<VolumeId>& alive) {
  Gathered gathered;
  for (const Layer* layer : layers) {
    gathered.reserved += layer->reserved;
    for (const auto& [volume, part] : layer->volumes) {
      gathered.parts.push_back(gather(volume, *part, alive.contains(volume)));
      gathered.to_place += gathered.parts.back().cells.size();
    }
  }
  return gathered;
}

}  // namespace lockstep::pool::native
