#include "manage/inspection.h"

#include <algorithm>

namespace lockstep::manage {

namespace {

constexpr std::uint64_t leaves_at_once = 1024;
constexpr std::uint64_t read_at_once = 1 << 20;
constexpr std::size_t extents_at_once = 64;
constexpr Duration read_for = std::chrono::milliseconds(20);

}  // namespace

rt::Task<Result<>> Inspection::begin() {
  CO_TRY(snapshot_, co_await pool_.snapshot(group_, "drill-check", "drill check"));
  count_ = pool_.catalog().snapshots.at(snapshot_).volumes.size();
  co_return Result<>{};
}

rt::Task<void> Inspection::end() {
  if (snapshot_.is_none()) co_return;
  ignore(co_await pool_.delete_snapshot(snapshot_), "it goes with the drill's group at the latest");
  snapshot_ = SnapshotId{};
}

rt::Task<Result<Bytes>> Inspection::data_in(std::size_t index) {
  CO_TRY(pool::VolumeRef view, pool_.open_snapshot(snapshot_, index));
  Bytes data{0};
  for (Bytes at{0}; at < view->size();) {
    CO_TRY(std::vector<pool::BlockExtent> extents, co_await view->extents(at, view->size() - at, extents_at_once));
    if (extents.empty()) break;
    for (const pool::BlockExtent& extent : extents)
      if (!extent.hole && !extent.zero) data += extent.length;
    at = extents.back().at + extents.back().length;
  }
  co_return data;
}

rt::Task<Result<>> Inspection::look_up(std::vector<Drill::Volume>& volumes) {
  volumes.resize(count_);
  total_ = Bytes{0};
  for (std::size_t i = 0; i < count_; ++i) {
    Drill::Volume& volume = volumes[i];
    {
      CO_TRY(pool::VolumeRef view, pool_.open_snapshot(snapshot_, i));
      volume.size = view->size();
    }
    CO_TRY(volume.data, co_await data_in(i));
    total_ += volume.data;
    const std::uint64_t leaves = (blocks_in(volume.size) + store::leaf_blocks - 1) / store::leaf_blocks;
    Checksum all{0};
    for (std::uint64_t leaf = 0; leaf < leaves; leaf += leaves_at_once) {
      std::uint64_t n = std::min(leaves_at_once, leaves - leaf);
      CO_TRY(std::vector<Checksum> hashes, co_await pool_.leaf_hashes(snapshot_, i, leaf, n));
      Buffer bytes;
      Writer out(bytes);
      out.checksum(all);
      for (Checksum hash : hashes) out.checksum(hash);
      all = checksum_of(bytes);
    }
    std::array<std::byte, 8> big{};
    for (std::size_t b = 0; b < 8; ++b) big[b] = static_cast<std::byte>(all.value >> (56 - 8 * b));
    volume.checksum = hex_of(big);
  }
  co_return Result<>{};
}

rt::Task<Result<bool>> Inspection::read_on(std::vector<Drill::Volume>& volumes) {
  const Instant until = pool_.loop().clock().now() + read_for;
  while (volume_ < count_ && pool_.loop().clock().now() < until) {
    CO_TRY(pool::VolumeRef view, pool_.open_snapshot(snapshot_, volume_));
    if (at_ >= view->size()) {
      ++volume_;
      at_ = Bytes{0};
      continue;
    }
    CO_TRY(std::vector<pool::BlockExtent> extents, co_await view->extents(at_, view->size() - at_, 1));
    if (extents.empty()) {
      at_ = view->size();
      continue;
    }
    pool::BlockExtent extent = extents.front();
    Bytes length{std::min(extent.length.value, read_at_once)};
    if (extent.hole || extent.zero) {
      at_ = extent.at + extent.length;
      continue;
    }
    Buffer bytes(length.value);
    Result<> read = co_await view->read(extent.at, bytes);
    if (!read && read.error().code != Code::corrupt && read.error().code != Code::io) co_return fail(read.error());
    if (!read && volumes[volume_].damage.empty()) volumes[volume_].damage = read.error().message;
    done_ += length;
    at_ = extent.at + length;
    co_await rt::yield(pool_.loop());
  }
  co_return volume_ < count_;
}

}  // namespace lockstep::manage
