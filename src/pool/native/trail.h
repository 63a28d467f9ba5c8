// Trail: where in this journal a group reached which origin number: now and then a mark, so that finding one is a short read and not a
// long one. Within a generation both numbers grow together.
#pragma once

#include <deque>
#include <optional>

#include "base/base.h"

namespace lockstep::pool::native {

class Trail {
 public:
  struct Mark {
    Lsn lsn;
    Origin origin;
  };

  // A record of the group, in order of LSN. Marks the first of each generation and every so manyth.
  void pass(Lsn lsn, Origin origin) {
    if (!marks_.empty() && marks_.back().origin.generation == origin.generation && ++unmarked_ < step_) return;
    set(lsn, origin);
  }
  // At `lsn` the group is at `origin`, whether or not a record says so.
  void set(Lsn lsn, Origin origin) {
    unmarked_ = 0;
    marks_.push_back({lsn, origin});
    if (marks_.size() > marks_max) thin();
  }
  // Of the last mark at or before `origin` in its generation. Nothing: it is not in what the trail covers.
  [[nodiscard]] std::optional<Mark> at_or_before(Origin origin) const {
    for (auto mark = marks_.rbegin(); mark != marks_.rend(); ++mark)
      if (mark->origin.generation == origin.generation && mark->origin.lsn <= origin.lsn) return *mark;
    return std::nullopt;
  }
  // Records before `first` are gone. The last mark before it stays: it says from which origin on the journal has everything.
  void forget_before(Lsn first) {
    while (marks_.size() > 1 && marks_[1].lsn < first) marks_.pop_front();
  }

 private:
  static constexpr std::size_t marks_max = 16384;
  void thin() {
    std::deque<Mark> fewer;
    for (std::size_t i = 0; i < marks_.size(); ++i)
      if (i % 2 == 0 || fewer.back().origin.generation != marks_[i].origin.generation) fewer.push_back(marks_[i]);
    marks_ = std::move(fewer);
    if (step_ < 65536) step_ *= 2;
  }
  std::deque<Mark> marks_;
  unsigned unmarked_ = 0;
  unsigned step_ = 256;
};

}  // namespace lockstep::pool::native
