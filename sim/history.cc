#include "sim/history.h"

#include <algorithm>

namespace lockstep::sim {

std::uint64_t History::submit(Spot at, std::uint64_t count) {
  writes_[*next_] = Write{.at = at, .count = count, .submitted = ++tick_};
  return (*next_)++;
}

void History::appended(std::uint64_t number, Lsn lsn) {
  if (auto it = writes_.find(number); it != writes_.end()) it->second.lsn = lsn;
}

void History::answered(std::uint64_t number) {
  if (auto it = writes_.find(number); it != writes_.end()) {
    it->second.answered = ++tick_;
    ++answers_;
  }
}

void History::flush_answered(std::uint64_t begun) { covered_ = std::max(covered_, begun); }

std::string History::describe(std::uint64_t number) const {
  auto it = writes_.find(number);
  if (it == writes_.end()) return "write " + std::to_string(number) + " (unknown)";
  const Write& w = it->second;
  return "write " + std::to_string(number) + " (volume " + std::to_string(w.at.volume) + " block " + std::to_string(w.at.block) + " +" + std::to_string(w.count) + ", lsn " +
         (w.lsn ? std::to_string(w.lsn->value) : "unknown") + (w.answered ? ", answered" : ", not answered") + ")";
}

std::optional<std::string> History::invented(const Found& found) const {
  for (const auto& [spot, number] : found) {
    if (number == never) continue;
    auto it = writes_.find(number);
    bool fits = it != writes_.end() && it->second.at.volume == spot.volume && spot.block >= it->second.at.block && spot.block < it->second.at.block + it->second.count;
    if (!fits) return "volume " + std::to_string(spot.volume) + " block " + std::to_string(spot.block) + " holds " + describe(number) + ", which was never written there or is gone for good";
  }
  return std::nullopt;
}

std::optional<std::string> History::lost(const Found& found, std::uint64_t answered_before, const char* promise) const {
  if (auto wrong = invented(found)) return wrong;
  for (const auto& [number, write] : writes_) {
    if (write.answered == never || write.answered >= answered_before) continue;
    for (std::uint64_t i = 0; i < write.count; ++i) {
      auto there = found.find(Spot{write.at.volume, write.at.block + i});
      if (there != found.end() && there->second < number) return std::string(promise) + ": " + describe(number) + " is lost; there is " + describe(there->second) + " instead";
    }
  }
  return std::nullopt;
}

std::optional<std::string> History::not_of_then(const Found& found, std::uint64_t first, std::uint64_t second) const {
  if (auto wrong = lost(found, first, "answered before the instant and not there")) return wrong;
  for (const auto& [spot, number] : found) {
    auto it = writes_.find(number);
    if (it != writes_.end() && it->second.submitted > second) return describe(number) + " is there, and was submitted after the instant";
  }
  return std::nullopt;
}

std::optional<std::string> History::lost_answered(const Found& found) const { return lost(found, ~std::uint64_t{0}, "answered and lost"); }
std::optional<std::string> History::lost_flushed(const Found& found) const { return lost(found, covered_, "flushed and lost"); }

std::optional<std::string> History::not_a_prefix(const Found& found) const {
  if (auto wrong = invented(found)) return wrong;
  Lsn newest{0};
  std::uint64_t newest_number = never;
  for (const auto& [spot, number] : found) {
    auto it = writes_.find(number);
    if (it != writes_.end() && it->second.lsn && *it->second.lsn > newest) newest = *it->second.lsn, newest_number = number;
  }
  for (const auto& [number, write] : writes_) {
    if (!write.lsn || *write.lsn > newest) continue;
    for (std::uint64_t i = 0; i < write.count; ++i) {
      auto there = found.find(Spot{write.at.volume, write.at.block + i});
      if (there != found.end() && there->second < number)
        return "not a prefix: " + describe(newest_number) + " is there, and the earlier " + describe(number) + " is not; there is " + describe(there->second) + " instead";
    }
  }
  return std::nullopt;
}

History History::forked(const Found& found) const {
  History there = *this;
  there.rebase(found);
  return there;
}

void History::rebase(const Found& found) {
  std::map<std::uint64_t, Write> kept;
  for (const auto& [spot, number] : found) {
    auto it = writes_.find(number);
    if (it == writes_.end()) continue;
    Write write = it->second;
    write.lsn = Lsn{0};   // the beginning, whatever comes
    if (write.answered == never) write.answered = ++tick_;
    kept[number] = write;
  }
  // Only the blocks that still hold a number belong to it; overwritten parts of long writes are vouched for by their successors.
  writes_ = std::move(kept);
  covered_ = never;
}

void fill_block(std::uint64_t number, MutSpan block) {
  for (std::size_t at = 0; at + 16 <= block.size(); at += 16) {
    store_le(block.data() + at, number);
    store_le(block.data() + at + 8, number * 0x9E3779B97F4A7C15ull);
  }
}

std::optional<std::uint64_t> number_in(Span block) {
  if (is_zero(block)) return never;
  auto number = load_le<std::uint64_t>(block.data());
  Buffer expected(block.size());
  fill_block(number, expected);
  if (number == never || !std::equal(block.begin(), block.end(), expected.begin())) return std::nullopt;
  return number;
}

}  // namespace lockstep::sim
