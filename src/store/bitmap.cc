#include "store/bitmap.h"

#include <algorithm>
#include <bit>

namespace lockstep::store {
namespace {

// Bits [from, from + count) of one word.
std::uint64_t mask(std::uint64_t from, std::uint64_t count) {
  return (count >= 64 ? ~0ull : (1ull << count) - 1) << from;
}

}  // namespace

void Bitmap::grow(std::uint64_t places) {
  if (places <= size_) return;
  std::uint64_t words = (places + 63) / 64;
  // Bits past the end of the last word stay set, so that a search never finds them.
  std::uint64_t had = words_.size();
  words_.resize(words, 0);
  std::uint64_t of_first = had * 64;
  if (size_ < of_first) words_[had - 1] &= ~mask(size_ % 64, std::min(of_first, places) - size_);
  if (places % 64 != 0) words_.back() |= ~mask(0, places % 64);
  for (std::uint64_t at = size_; at < places;) {   // what is new is free
    zone_free_.resize(at / zone_places + 1);
    std::uint64_t end = std::min(places, (at / zone_places + 1) * zone_places);
    zone_free_.back() = static_cast<std::uint16_t>(zone_free_.back() + end - at);
    at = end;
  }
  size_ = places;
  has_free_.resize((words + 63) / 64, 0);
  has_free2_.resize((has_free_.size() + 63) / 64, 0);
  for (std::uint64_t w = had == 0 ? 0 : had - 1; w < words; ++w) summarise(w);
}

void Bitmap::summarise(std::uint64_t word) {
  std::uint64_t& one = has_free_[word / 64];
  if (words_[word] != ~0ull) one |= 1ull << (word % 64);
  else one &= ~(1ull << (word % 64));
  std::uint64_t up = word / 64;
  if (one != 0) has_free2_[up / 64] |= 1ull << (up % 64);
  else has_free2_[up / 64] &= ~(1ull << (up % 64));
}

void Bitmap::count(std::uint64_t word, std::uint64_t changed, bool set) {
  set_ += set ? changed : 0 - changed;
  std::uint16_t& free = zone_free_[word / (zone_places / 64)];
  free = static_cast<std::uint16_t>(set ? free - changed : free + changed);
}

std::uint64_t Bitmap::set(Run run) {
  std::uint64_t changed = 0;
  for (std::uint64_t at = run.first.value, end = at + run.count; at < end;) {
    std::uint64_t in_word = std::min(end - at, 64 - at % 64);
    std::uint64_t bits = mask(at % 64, in_word);
    auto fresh = static_cast<std::uint64_t>(std::popcount(bits & ~words_[at / 64]));
    changed += fresh;
    count(at / 64, fresh, true);
    words_[at / 64] |= bits;
    summarise(at / 64);
    at += in_word;
  }
  return changed;
}

std::uint64_t Bitmap::clear(Run run) {
  std::uint64_t changed = 0;
  for (std::uint64_t at = run.first.value, end = at + run.count; at < end;) {
    std::uint64_t in_word = std::min(end - at, 64 - at % 64);
    std::uint64_t bits = mask(at % 64, in_word);
    auto fresh = static_cast<std::uint64_t>(std::popcount(bits & words_[at / 64]));
    changed += fresh;
    count(at / 64, fresh, false);
    words_[at / 64] &= ~bits;
    summarise(at / 64);
    at += in_word;
  }
  return changed;
}

bool Bitmap::set_bits(std::uint64_t first, Span bits) {
  for (std::uint64_t i = 0; i < bits.size() / 8; ++i) {
    auto word = load_le<std::uint64_t>(bits.data() + 8 * i);
    if (word == 0) continue;
    std::uint64_t at = first + 64 * i;
    if (at + 64 - static_cast<std::uint64_t>(std::countl_zero(word)) > size_) return false;
    count(at / 64, static_cast<std::uint64_t>(std::popcount(word & ~words_[at / 64])), true);
    words_[at / 64] |= word;
    summarise(at / 64);
  }
  return true;
}

std::uint64_t Bitmap::next_free(std::uint64_t from) const {
  if (from >= size_) return size_;
  std::uint64_t w = from / 64;
  if (std::uint64_t bits = ~words_[w] & (~0ull << (from % 64))) return w * 64 + static_cast<std::uint64_t>(std::countr_zero(bits));
  std::uint64_t s = (w + 1) / 64;
  if (s >= has_free_.size()) return size_;
  std::uint64_t bits = has_free_[s] & (~0ull << ((w + 1) % 64));
  if (bits == 0) {
    std::uint64_t t = (s + 1) / 64;
    if (t >= has_free2_.size()) return size_;
    std::uint64_t up = has_free2_[t] & (~0ull << ((s + 1) % 64));
    while (up == 0) {
      if (++t == has_free2_.size()) return size_;
      up = has_free2_[t];
    }
    s = t * 64 + static_cast<std::uint64_t>(std::countr_zero(up));
    bits = has_free_[s];
  }
  w = s * 64 + static_cast<std::uint64_t>(std::countr_zero(bits));
  return w * 64 + static_cast<std::uint64_t>(std::countr_zero(~words_[w]));
}

// The first set place in [from, from + most), or its end.
std::uint64_t Bitmap::next_set(std::uint64_t from, std::uint64_t most) const {
  std::uint64_t end = std::min(size_, from + most);
  while (from < end) {
    if (std::uint64_t bits = words_[from / 64] & (~0ull << (from % 64)))
      return std::min(end, from / 64 * 64 + static_cast<std::uint64_t>(std::countr_zero(bits)));
    from = (from / 64 + 1) * 64;
  }
  return end;
}

std::uint64_t Bitmap::emptiest_zone() const {
  std::uint64_t zones = zone_free_.size();
  std::uint64_t start = std::min(hint_ / zone_places, zones - 1) + 1;
  std::uint64_t best = start % zones;
  for (std::uint64_t i = 0; i < zones && zone_free_[best] < zone_places; ++i) {
    std::uint64_t zone = start + i < zones ? start + i : start + i - zones;
    if (zone_free_[zone] > zone_free_[best]) best = zone;
  }
  return best;
}

std::uint64_t Bitmap::find_run(std::uint64_t places) const {
  std::uint64_t at = hint_;
  for (int looked = 0; looked < look_most; ++looked) {
    std::uint64_t first = next_free(at);
    if (first >= size_) return size_;
    std::uint64_t end = next_set(first, places);
    if (end - first == places) return first;
    at = end;
  }
  return size_;
}

void Bitmap::take(std::uint64_t first, std::uint64_t count, std::vector<Run>& out) {
  set({Place{first}, count});
  hint_ = first + count;
  if (!out.empty() && out.back().first.value + out.back().count == first) out.back().count += count;
  else out.push_back({Place{first}, count});
}

std::vector<Run> Bitmap::allocate(std::uint64_t places) {
  CHECK(places <= free());
  std::vector<Run> out;
  if (std::uint64_t first = find_run(places); first < size_) {
    take(first, places, out);
    return out;
  }
  std::uint64_t emptiest = emptiest_zone();
  if (zone_free_[emptiest] >= zone_places / 8 * 7) hint_ = emptiest * zone_places;
  for (std::uint64_t left = places; left != 0;) {
    std::uint64_t zone_end = (hint_ / zone_places + 1) * zone_places;
    std::uint64_t first = next_free(hint_);
    if (first >= std::min(zone_end, size_)) {
      hint_ = emptiest_zone() * zone_places;
      continue;
    }
    std::uint64_t end = next_set(first, std::min(left, zone_end - first));
    take(first, end - first, out);
    left -= end - first;
  }
  return out;
}

}  // namespace lockstep::store
