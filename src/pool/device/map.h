// Map: where a file's bytes lie on the device, as of one shape. On one thread.
#pragma once

#include <algorithm>
#include <optional>
#include <vector>

#include "pool/device/table.h"

namespace lockstep::pool::device {

struct Piece {
  Bytes at;       // on the device
  std::uint64_t length = 0;
};

class Map {
 public:
  explicit Map(Table& table, NodePtr node) : table_(table), node_(std::move(node)) {}

  // Before each look: the file may have been changed through another handle.
  void refresh() {
    if (node_->changed.load(std::memory_order_acquire) != version_) reload();
  }
  [[nodiscard]] Bytes size() const { return size_; }
  // All of [at, at+length) in one piece; nothing when there are several, or less room.
  [[nodiscard]] std::optional<Bytes> whole(Bytes at, std::uint64_t length) const {
    if (parts_.empty()) return std::nullopt;
    const Part& part = parts_.size() == 1 ? parts_.front() : part_at(at.value);
    if (at.value < part.from || at.value + length > part.to) return std::nullopt;
    return Bytes{part.device + (at.value - part.from)};
  }
  // The file has that room.
  [[nodiscard]] std::vector<Piece> pieces(Bytes at, std::uint64_t length) const {
    std::vector<Piece> out;
    while (length > 0) {
      const Part& part = part_at(at.value);
      CHECK(at.value >= part.from && at.value < part.to);
      const std::uint64_t n = std::min(length, part.to - at.value);
      out.push_back({Bytes{part.device + (at.value - part.from)}, n});
      at += Bytes{n};
      length -= n;
    }
    return out;
  }
  [[nodiscard]] Node& node() { return *node_; }
  [[nodiscard]] const NodePtr& pointer() const { return node_; }

 private:
  struct Part {
    std::uint64_t from, to;   // in the file
    std::uint64_t device;
  };
  void reload() {
    Shape shape = table_.shape_of(*node_);
    version_ = shape.version;
    size_ = shape.size;
    parts_.clear();
    std::uint64_t at = 0;
    for (const ChunkRun& run : shape.runs) {
      const std::uint64_t end = at + run.count * table_.chunk().value;
      parts_.push_back({at, end, offset_of_chunk(run.first, table_.chunk()).value});
      at = end;
    }
  }
  [[nodiscard]] const Part& part_at(std::uint64_t at) const {
    auto after = std::ranges::upper_bound(parts_, at, {}, &Part::from);
    return *std::prev(after);
  }
  Table& table_;
  NodePtr node_;
  std::uint64_t version_ = ~std::uint64_t{0};
  Bytes size_;
  std::vector<Part> parts_;
};

}  // namespace lockstep::pool::device
