#include "pool/native/overlay.h"

#include <algorithm>

namespace lockstep::pool::native {

using journal::Kind;
using journal::Record;

std::uint64_t VolumeLayer::add(const Record& record) {
  CHECK(record.lsn > base_ && record.lsn.value - base_.value <= UINT32_MAX);
  auto lsn = static_cast<std::uint32_t>(record.lsn.value - base_.value);
  std::uint64_t replaced = 0;
  if (record.kind == Kind::write) {
    auto distance = record.checksums.data() - record.data.data();   // one batch holds both
    CHECK(distance > INT32_MIN / 2 && distance < INT32_MAX / 2);
    for (std::uint64_t i = 0; i < record.count; ++i) {
      Cell cell;
      cell.key = record.block.value + i + 1;
      cell.data = record.data.data() + i * block_size;
      cell.checksum_at = static_cast<std::int32_t>(distance + static_cast<std::ptrdiff_t>(i * 8) - static_cast<std::ptrdiff_t>(i * block_size));
      cell.lsn = lsn;
      if (cells_.put(cell)) ++replaced;
    }
    return replaced;
  }
  Stretch stretch;
  stretch.end = record.block.value + record.count;
  stretch.lsn = lsn;
  stretch.base = record.block.value;
  if (record.kind == Kind::direct) {
    stretch.checksums = record.checksums.data();
    stretch.places = record.places.data();
    directs_.push_back({record.block.value, record.count, record.places.data(), record.checksums.data(), lsn});
  }
  stretches_.put(record.block.value, stretch);
  return 0;   // cells below it keep their reservation until the layer is placed
}

Overlay::Overlay(Epoch epoch, Lsn base) : dropped_(base) {
  layers_.push_back(std::make_unique<Layer>());
  open().epoch = epoch;
  open().base = base;
  open().last = base;
}

VolumeLayers& Overlay::of(VolumeId volume) {
  auto& slot = volumes_[volume];
  if (!slot) {
    slot = std::make_unique<VolumeLayers>();
    slot->volume = volume;
  }
  return *slot;
}

std::uint64_t Overlay::cost_of(const Record& record) {
  return 192 + record.data.size() + record.checksums.size() + record.places.size() +
         (record.kind == Kind::write ? record.count * 48 : record.kind == Kind::direct ? record.count * 24 : 0);
}

std::uint64_t Overlay::add(VolumeLayers& volume, const Record& record) {
  Layer& layer = open();
  if (!volume.open) {
    auto& slot = layer.volumes[volume.volume];
    slot = std::make_unique<VolumeLayer>(layer.epoch, layer.base);
    volume.open = slot.get();
    volume.layers.push_back(slot.get());
  }
  std::uint64_t cost = cost_of(record);
  layer.bytes.value += cost;
  bytes_.value += cost;
  layer.last = record.lsn;
  if (record.hold && (layer.holds.empty() || layer.holds.back() != record.hold)) layer.holds.push_back(record.hold);
  std::uint64_t replaced = volume.open->add(record);
  if (record.kind == Kind::write) layer.reserved += record.count - replaced;
  return replaced;
}

void Overlay::close_layer(Epoch epoch, Lsn base) {
  Layer& last = open();
  if (last.volumes.empty()) {   // nothing to keep apart
    last.epoch = epoch;
    last.base = base;
    last.last = base;
    return;
  }
  for (auto& [id, layer] : last.volumes) of(id).open = nullptr;
  layers_.push_back(std::make_unique<Layer>());
  open().epoch = epoch;
  open().base = base;
  open().last = base;
}

std::uint64_t Overlay::reserved() const {
  std::uint64_t reserved = 0;
  for (const auto& layer : layers_) reserved += layer->reserved;
  return reserved;
}

std::vector<const Layer*> Overlay::freeze(Lsn base) {
  close_layer(open().epoch, base);
  std::vector<const Layer*> frozen;
  for (std::size_t i = 0; i + 1 < layers_.size(); ++i) frozen.push_back(layers_[i].get());
  return frozen;
}

std::vector<std::unique_ptr<Layer>> Overlay::drop(std::size_t count) {
  CHECK(count < layers_.size());
  std::vector<std::unique_ptr<Layer>> gone;
  for (std::size_t i = 0; i < count; ++i) {
    std::unique_ptr<Layer> layer = std::move(layers_.front());
    layers_.pop_front();
    for (auto& [id, part] : layer->volumes) {
      auto& list = of(id).layers;
      CHECK(!list.empty() && list.front() == part.get());
      list.erase(list.begin());
    }
    bytes_ -= layer->bytes;
    dropped_ = std::max(dropped_, layer->last);
    gone.push_back(std::move(layer));
  }
  return gone;
}

}  // namespace lockstep::pool::native
