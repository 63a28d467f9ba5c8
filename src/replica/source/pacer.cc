#include "replica/source/pacer.h"

#include <algorithm>

namespace lockstep::replica {
namespace {

constexpr Duration measured_most = std::chrono::seconds(8);
constexpr Duration measured_least = std::chrono::milliseconds(500);

double seconds(Duration d) { return std::chrono::duration<double>(d).count(); }

}  // namespace

// At 0.9 of the objective hosts write as fast as the link takes; below it queues may grow, above it they shrink.
double share_at(double part) {
  constexpr double begins = 0.5, level = 0.9, full = 1.0;
  constexpr double most = 4, least = 0.5;
  if (part < begins) return 0;
  if (part < level) return most + (1 - most) * (part - begins) / (level - begins);
  if (part < full) return 1 + (least - 1) * (part - level) / (full - level);
  return least;
}

void Pacer::stop() {
  samples_.clear();
  rate_ = 0;
  allowed_ = 0;
  debt_ = 0;
}

// Only a link that has something to do all the time shows how fast it is. Acknowledgements come in leaps: the rate is
// measured from leap to leap, and falls while one that is due does not come.
void Pacer::measure(const Sight& sight) {
  bool anew = samples_.empty() || sight.backlog == 0 || sight.received < samples_.back().received;
  if (anew) {
    samples_.assign(1, {sight.now, sight.received});
    if (sight.backlog == 0) rate_ = 0;
    return;
  }
  if (sight.received > samples_.back().received) samples_.push_back({sight.now, sight.received});
  Duration window = std::clamp<Duration>(sight.objective / 2, measured_least, measured_most);
  while (samples_.size() > 2 && sight.now - samples_[1].at >= window) samples_.pop_front();
  const Sample &first = samples_.front(), &last = samples_.back();
  if (samples_.size() < 2 || last.at - first.at < measured_least) return;
  Duration leap = (last.at - first.at) / static_cast<int>(samples_.size() - 1);
  bool overdue = sight.now - last.at > 2 * leap;
  rate_ = static_cast<double>(last.received - first.received) / seconds((overdue ? sight.now : last.at) - first.at);
}

void Pacer::look(const Sight& sight) {
  measure(sight);
  double before = allowed_;
  double debt = debt_ + static_cast<double>(sight.written - debt_written_) - before * seconds(sight.now - debt_at_);
  allowed_ = 0;
  if (rate_ > 0 && sight.objective > Duration{0}) {
    double way = static_cast<double>(sight.backlog) / rate_;
    double share = share_at(way / seconds(sight.objective));
    if (share > 0) allowed_ = std::max(share * rate_, static_cast<double>(least));
  }
  // Nobody saves up what he did not write.
  debt_ = before > 0 && allowed_ > 0 ? std::max(debt, 0.0) : 0;
  debt_at_ = sight.now;
  debt_written_ = sight.written;
}

Duration Pacer::delay(Instant now, std::uint64_t written) const {
  if (allowed_ <= 0) return Duration{0};
  double debt = debt_ + static_cast<double>(written - debt_written_) - allowed_ * seconds(now - debt_at_);
  if (debt <= 0) return Duration{0};
  auto wait = std::chrono::microseconds(static_cast<std::int64_t>(debt / allowed_ * 1e6) + 1);
  return std::min<Duration>(wait, wait_most);
}

}  // namespace lockstep::replica
