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

std::uint64_t Bitmap::set(Run run) {
  std::uint64_t changed = 0;
  for (std::uint64_t at = run.first.value, end = at + run.count; at < end;) {
    std::uint64_t in_word = std::min(end - at, 64 - at % 64);
    std::uint64_t bits = mask(at % 64, in_word);
    changed += static_cast<std::uint64_t>(std::popcount(bits & ~words_[at / 64]));
    words_[at / 64] |= bits;
    summarise(at / 64);
    at += in_word;
  }
  set_ += changed;
  return changed;
}

std::uint64_t Bitmap::clear(Run run) {
  std::uint64_t changed = 0;
  for (std::uint64_t at = run.first.value, end = at + run.count; at < end;) {
    std::uint64_t in_word = std::min(end - at, 64 - at % 64);
    std::uint64_t bits = mask(at % 64, in_word);
    changed += static_cast<std::uint64_t>(std::popcount(bits & words_[at / 64]));
    words_[at / 64] &= ~bits;
    summarise(at / 64);
    at += in_word;
  }
  set_ -= changed;
  return changed;
}

bool Bitmap::set_bits(std::uint64_t first, Span bits) {
  for (std::uint64_t i = 0; i < bits.size() / 8; ++i) {
    auto word = load_le<std::uint64_t>(bits.data() + 8 * i);
    if (word == 0) continue;
    std::uint64_t at = first + 64 * i;
    if (at + 64 - static_cast<std::uint64_t>(std::countl_zero(word)) > size_) return false;
    set_ += static_cast<std::uint64_t>(std::popcount(word & ~words_[at / 64]));
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

// Takes runs of at least `least` from the hint on, once around at most. True when everything was found.
bool Bitmap::take_run(std::uint64_t least, std::uint64_t wanted, std::uint64_t& left, std::vector<Run>& out) {
  std::uint64_t budget = least == 1 ? ~0ull : look_most * 64;
  std::uint64_t at = hint_;
  bool wrapped = false;
  while (left != 0) {
    std::uint64_t first = next_free(at);
    if (first >= size_ || (wrapped && first >= hint_)) {
      if (wrapped) return false;
      wrapped = true;
      at = 0;
      continue;
    }
    std::uint64_t end = next_set(first, std::min(left, wanted));
    if (end - first >= std::min(least, left)) {
      Run run{Place{first}, end - first};
      set(run);
      if (!out.empty() && out.back().first.value + out.back().count == first) out.back().count += run.count;
      else out.push_back(run);
      left -= run.count;
      if (left == 0) hint_ = end;
    }
    std::uint64_t looked = end - at;
    if (end < at || looked >= budget) return false;
    budget -= looked;
    at = end;
  }
  return true;
}

std::vector<Run> Bitmap::allocate(std::uint64_t places) {
  CHECK(places <= free());
  std::vector<Run> out;
  std::uint64_t left = places;
  for (std::uint64_t least = std::min<std::uint64_t>(places, 8192); left != 0; least /= 4) {
    if (least == 0) least = 1;
    if (take_run(least, 1ull << 30, left, out) || least == 1) break;
  }
  CHECK(left == 0);
  return out;
}

}  // namespace lockstep::store
