// Pacer: how fast hosts may write so that the target never lacks more than the recovery point objective allows.
// What is written now is received when everything before it is: after backlog / rate. That is held below the
// objective, and not the present lag, which answers a change only after as long a time as it is itself.
// Promises: nobody is slowed while the way to the target takes less than half the objective, nor while nothing
// is known of the link's rate; hosts keep half the link's speed, and each connection a request a second.
// Lives: nowhere; told figures and times, it looks at no clock.
#pragma once

#include <deque>

#include "base/base.h"

namespace lockstep::replica {

class Pacer {
 public:
  static constexpr Duration look_every = std::chrono::milliseconds(100);
  static constexpr Duration wait_most = std::chrono::seconds(1);
  static constexpr std::uint64_t least = 4 << 10;  // bytes a second, however slow the link is

  struct Sight {
    Instant now;
    std::uint64_t written = 0;   // by hosts, in all; bytes
    std::uint64_t received = 0;  // by the target, in all; bytes
    std::uint64_t backlog = 0;   // bytes that the target lacks
    Duration objective{0};
  };
  // To be told every look_every while the link is up.
  void look(const Sight& sight);
  // The link is down, or nobody wants this any more: nobody is slowed.
  void stop();

  [[nodiscard]] bool active() const { return allowed_ > 0; }
  // How long the next write waits, when hosts have written so much in all.
  [[nodiscard]] Duration delay(Instant now, std::uint64_t written) const;

  [[nodiscard]] double rate() const { return rate_; }  // bytes a second, as measured; 0: unknown

 private:
  struct Sample {
    Instant at;
    std::uint64_t received;
  };
  void measure(const Sight& sight);

  std::deque<Sample> samples_;  // since the link has been busy without a pause
  double rate_ = 0;
  double allowed_ = 0;  // bytes a second; 0: as much as they like
  // What had been written beyond what was allowed, and when.
  double debt_ = 0;
  Instant debt_at_;
  std::uint64_t debt_written_ = 0;
};

// What hosts may write of the link's rate when the way to the target takes this part of the objective.
// 0: as much as they like.
[[nodiscard]] double share_at(double part);

}  // namespace lockstep::replica
