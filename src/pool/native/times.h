// Times: when the records of one group were written, coarsely, so that a lag costs no search. Bounded: the older, the coarser.
#pragma once

#include <deque>

#include "base/base.h"

namespace lockstep::pool::native {

class Times {
 public:
  void add(Lsn lsn, WallTime time) {
    if (!spans_.empty() && time.us - spans_.back().time.us < span_us) {
      spans_.back().last = lsn;
      return;
    }
    spans_.push_back({lsn, time});
    if (spans_.size() > spans_max) thin();
  }
  // Never later than the oldest record after `after` was written, as far as it was told of them; 0 when it knows none.
  [[nodiscard]] WallTime oldest_after(Lsn after) const {
    std::size_t low = 0, high = spans_.size();
    while (low < high) {
      std::size_t middle = (low + high) / 2;
      if (spans_[middle].last > after) high = middle;
      else low = middle + 1;
    }
    return low < spans_.size() ? spans_[low].time : WallTime{};
  }
  void forget(Lsn upto) {
    while (!spans_.empty() && spans_.front().last <= upto) spans_.pop_front();
  }

 private:
  static constexpr std::int64_t span_us = 10'000;
  static constexpr std::size_t spans_max = 8192;
  struct Span {
    Lsn last;
    WallTime time;   // of its first record
  };
  void thin() {   // pairs of the older half become one
    std::deque<Span> fewer;
    for (std::size_t i = 0; i < spans_.size(); ++i) {
      if (i < spans_.size() / 2 && i % 2 == 1) fewer.back().last = spans_[i].last;
      else fewer.push_back(spans_[i]);
    }
    spans_ = std::move(fewer);
  }
  std::deque<Span> spans_;
};

}  // namespace lockstep::pool::native
