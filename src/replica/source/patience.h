// Patience: how long an Adaptive relationship lets hosts wait for its target, and when it waits for it again.
// Promises: the first who waits for `bound` is named by due(), never later; trust comes only from answers that
// were measured, all of them below half the bound, for `calm`.
// Lives: nowhere; told what happened and when, it looks at no clock.
#pragma once

#include <deque>
#include <optional>

#include "base/base.h"

namespace lockstep::replica {

class Patience {
 public:
  static constexpr Duration calm = std::chrono::seconds(5);

  explicit Patience(Duration bound) : bound_(bound) {}
  void set_bound(Duration bound) { bound_ = bound; }
  [[nodiscard]] Duration bound() const { return bound_; }

  // Whoever wrote (or flushes) up to here has had this system's own part done at `now`, and waits for the target
  // from then on. Ascending. Those that come within a sixteenth of the bound count as one, by the first of them.
  void written(Lsn upto, Instant now) { wait(writes_, upto, now); }
  void flushing(Lsn upto, Instant now) { wait(flushes_, upto, now); }
  void received(Lsn upto) { drop(writes_, upto); }
  void durable(Lsn upto) { drop(flushes_, upto); }
  void nobody_writes() { writes_.clear(); }
  void nobody_waits();

  // When the oldest wait reaches the bound. None: nobody waits.
  [[nodiscard]] std::optional<Instant> due() const;
  // Of the oldest wait: it is a flush.
  [[nodiscard]] bool flush_is_oldest() const;

  // The target took so long to answer.
  void answered(Duration took, Instant now);
  // It did not answer in time, or there is more for it than is under way.
  void late() { calm_since_.reset(); }
  [[nodiscard]] bool trusts(Instant now) const { return calm_since_ && now - *calm_since_ >= calm; }

 private:
  struct Wait {
    Lsn upto;
    Instant since;
  };
  using Waits = std::deque<Wait>;
  void wait(Waits& waits, Lsn upto, Instant now);
  static void drop(Waits& waits, Lsn upto);

  Duration bound_;
  Waits writes_, flushes_;
  std::optional<Instant> calm_since_;
};

}  // namespace lockstep::replica
