// Intervals<T>: disjoint half-open intervals of leaves, each with a value; the last assignment wins.
#pragma once

#include <cstdint>
#include <iterator>
#include <map>
#include <utility>

#include "base/base.h"

namespace lockstep::store {

template <class T>
class Intervals {
 public:
  struct Held {
    std::uint64_t end = 0;
    T value{};
  };
  using Map = std::map<std::uint64_t, Held>;   // by first leaf

  void assign(std::uint64_t first, std::uint64_t end, T value) {
    cut(first, end);
    auto it = held_.emplace(first, Held{end, std::move(value)}).first;
    if (it != held_.begin()) {
      auto before = std::prev(it);
      if (before->second.end == first && before->second.value == it->second.value) {
        before->second.end = end;
        held_.erase(it);
        it = before;
      }
    }
    auto after = std::next(it);
    if (after != held_.end() && after->first == end && after->second.value == it->second.value) {
      it->second.end = after->second.end;
      held_.erase(after);
    }
  }

  void cut(std::uint64_t first, std::uint64_t end) {
    if (first >= end) return;
    auto it = reaching(first);
    while (it != held_.end() && it->first < end) {
      std::uint64_t from = it->first;
      Held held = it->second;
      it = held_.erase(it);
      if (from < first) held_.emplace(from, Held{first, held.value});
      if (held.end > end) held_.emplace(end, Held{held.end, held.value});
    }
  }

  [[nodiscard]] const T* find(std::uint64_t leaf) const {
    auto it = held_.upper_bound(leaf);
    if (it == held_.begin()) return nullptr;
    --it;
    return leaf < it->second.end ? &it->second.value : nullptr;
  }
  // The first interval that ends after `leaf`.
  [[nodiscard]] typename Map::iterator reaching(std::uint64_t leaf) {
    auto it = held_.upper_bound(leaf);
    if (it != held_.begin() && std::prev(it)->second.end > leaf) --it;
    return it;
  }
  [[nodiscard]] const Map& all() const { return held_; }
  [[nodiscard]] bool empty() const { return held_.empty(); }

 private:
  Map held_;
};

}  // namespace lockstep::store
