#include "os/sim/file_node.h"

#include <algorithm>

#include "os/sim/disk.h"

namespace lockstep::os::sim {

void FileNode::write(std::uint64_t at, Buffer data) {
  std::uint64_t length = data.size(), end = at + length;
  now_.write(at, data);
  std::erase_if(bad_, [&](const BadRange& bad) { return at <= bad.from && bad.to <= end; });   // the drive finds another sector
  pending_.push_back({Change::Kind::write, at, length, std::move(data)});
}

void FileNode::truncate(std::uint64_t size) {
  now_.truncate(size);
  pending_.push_back({Change::Kind::truncate, size, 0, {}});
}

void FileNode::allocate(std::uint64_t at, std::uint64_t length) {
  now_.allocate(at, length);
  pending_.push_back({Change::Kind::allocate, at, length, {}});
}

void FileNode::punch(std::uint64_t at, std::uint64_t length) {
  now_.punch(at, length);
  pending_.push_back({Change::Kind::punch, at, length, {}});
}

void FileNode::apply(const Change& change, Content& to) {
  switch (change.kind) {
    case Change::Kind::write: return to.write(change.at, change.data);
    case Change::Kind::truncate: return to.truncate(change.at);
    case Change::Kind::allocate: return to.allocate(change.at, change.length);
    case Change::Kind::punch: return to.punch(change.at, change.length);
  }
}

void FileNode::sync() {
  for (const Change& change : pending_) apply(change, durable_);
  pending_.clear();
}

void FileNode::sync_badly(Rng& rng) {
  for (const Change& change : pending_)
    if (change.durable || rng.coin()) apply(change, durable_);
  pending_.clear();
}

void FileNode::write_back(std::uint64_t at, std::uint64_t length, Rng& rng) {
  constexpr std::size_t looked_at_max = 64;   // the latest; it is a hint
  for (std::size_t i = pending_.size() - std::min(pending_.size(), looked_at_max); i < pending_.size(); ++i) {
    Change& change = pending_[i];
    if (change.kind == Change::Kind::write && change.at < at + length && at < change.at + change.length && rng.coin())
      change.durable = true;
  }
}

// A prefix of its sectors, or any of them; then perhaps one sector that is neither old nor new. Bytes outside the write
// are never touched: a drive that rewrites a neighbour puts back what was there.
void FileNode::apply_torn(Change& change, Content& to, bool inside_sectors, Rng& rng) {
  std::uint64_t end = change.at + change.length;
  std::uint64_t first = change.at / sector_size, last = (end + sector_size - 1) / sector_size;
  bool prefix = rng.coin();
  std::uint64_t kept = rng.below(last - first + 1);
  std::uint64_t garbled = inside_sectors ? first + rng.below(last - first) : last;
  for (std::uint64_t sector = first; sector < last; ++sector) {
    std::uint64_t from = std::max(change.at, sector * sector_size), till = std::min(end, (sector + 1) * sector_size);
    MutSpan bytes = MutSpan(change.data).subspan(from - change.at, till - from);
    if (sector == garbled) {
      std::uint64_t new_bytes = rng.below(bytes.size() + 1);
      rng.fill(bytes.subspan(new_bytes));
      if (rng.coin()) to.write(from, bytes);                        // new, then garbage
      else if (new_bytes > 0) to.write(from, bytes.first(new_bytes));   // new, then old
    } else if (prefix ? sector - first < kept : rng.coin()) {
      to.write(from, bytes);
    }
  }
}

void FileNode::power_cut(Tear tear, Rng& rng) {
  for (Change& change : pending_) {
    if (tear == Tear::lose_all) continue;   // what was written early and never synced was in the drive's cache
    if (change.durable || tear == Tear::keep_all) {
      apply(change, durable_);
      continue;
    }
    bool may_tear = tear != Tear::whole_writes && change.kind == Change::Kind::write && change.length > 0;
    std::uint64_t fate = rng.below(may_tear ? 3 : 2);
    if (fate == 0) apply(change, durable_);
    else if (fate == 2) apply_torn(change, durable_, tear == Tear::mid_sector, rng);
    std::uint64_t end = change.at + change.length;
    // A file system may know the new size and not the bytes.
    if (change.kind == Change::Kind::write && end > durable_.size() && rng.coin()) durable_.truncate(end);
  }
  pending_.clear();
  now_ = durable_;
  syncs_to_fail = writes_to_fail = 0;
}

void FileNode::flip(std::uint64_t at, std::byte mask) {
  for (Content* content : {&now_, &durable_}) {
    if (at >= content->size()) continue;
    std::byte one[1];
    content->read(at, one);
    one[0] ^= mask;
    content->write(at, one);
  }
  for (Change& change : pending_)
    if (change.kind == Change::Kind::write && change.at <= at && at < change.at + change.length)
      change.data[at - change.at] ^= mask;
}

bool FileNode::readable(std::uint64_t at, std::uint64_t length) const {
  return std::none_of(bad_.begin(), bad_.end(),
                      [&](const BadRange& bad) { return bad.from < at + length && at < bad.to; });
}

}  // namespace lockstep::os::sim
