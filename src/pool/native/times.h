// Times: when the records of one group were written and how many bytes of blocks they hold, coarsely, so that a lag or a backlog costs no
// search. Bounded: the older, the coarser.
#pragma once

#include <deque>

#include "base/base.h"

namespace lockstep::pool::native {

class Times {
 public:
  void add(Lsn lsn, WallTime time, std::uint64_t bytes) {
    total_ += bytes;
    if (!spans_.empty() && time.us - spans_.back().time.us < span_us) {
      spans_.back().last = lsn;
      spans_.back().total = total_;
      return;
    }
    spans_.push_back({lsn, time, total_});
    if (spans_.size() > spans_max) thin();
  }
  // Never later than the oldest record after `after` was written, as far as it was told of them; 0 when it knows none.
  [[nodiscard]] WallTime oldest_after(Lsn after) const {
    std::size_t at = first_beyond(after);
    return at < spans_.size() ? spans_[at].time : WallTime{};
  }
  // Bytes of blocks in all that was added.
  [[nodiscard]] std::uint64_t total() const { return total_; }
  // Those after `after`, as far as it was told of them: of the records of one span, as if all were alike.
  [[nodiscard]] std::uint64_t bytes_after(Lsn after) const {
    std::size_t at = first_beyond(after);
    if (at == spans_.size()) return 0;
    const Span& span = spans_[at];
    const Lsn begin = at > 0 ? spans_[at - 1].last : base_;
    const std::uint64_t before = at > 0 ? spans_[at - 1].total : base_total_;
    std::uint64_t inside = span.total - before;
    if (after > begin) inside = static_cast<std::uint64_t>(static_cast<double>(inside) * static_cast<double>(span.last.value - after.value) / static_cast<double>(span.last.value - begin.value));
    return total_ - span.total + inside;
  }
  void forget(Lsn upto) {
    while (!spans_.empty() && spans_.front().last <= upto) {
      base_ = spans_.front().last;
      base_total_ = spans_.front().total;
      spans_.pop_front();
    }
  }

 private:
  static constexpr std::int64_t span_us = 10'000;
  static constexpr std::size_t spans_max = 8192;
  struct Span {
    Lsn last;
    WallTime time;         // of its first record
    std::uint64_t total;   // bytes up to its last
  };
  [[nodiscard]] std::size_t first_beyond(Lsn after) const {
    std::size_t low = 0, high = spans_.size();
    while (low < high) {
      std::size_t middle = (low + high) / 2;
      if (spans_[middle].last > after) high = middle;
      else low = middle + 1;
    }
    return low;
  }
  void thin() {   // pairs of the older half become one
    std::deque<Span> fewer;
    for (std::size_t i = 0; i < spans_.size(); ++i) {
      if (i < spans_.size() / 2 && i % 2 == 1) {
        fewer.back().last = spans_[i].last;
        fewer.back().total = spans_[i].total;
      } else {
        fewer.push_back(spans_[i]);
      }
    }
    spans_ = std::move(fewer);
  }
  std::deque<Span> spans_;
  std::uint64_t total_ = 0;
  Lsn base_;                       // of what was forgotten
  std::uint64_t base_total_ = 0;
};

}  // namespace lockstep::pool::native
