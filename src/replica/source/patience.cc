#include "replica/source/patience.h"

#include <algorithm>

namespace lockstep::replica {

void Patience::wait(Waits& waits, Lsn upto, Instant now) {
  if (!waits.empty() && upto <= waits.back().upto) return;
  if (!waits.empty() && now - waits.back().since < bound_ / 16) {
    waits.back().upto = upto;
    return;
  }
  waits.push_back({upto, now});
}

void Patience::drop(Waits& waits, Lsn upto) {
  while (!waits.empty() && waits.front().upto <= upto) waits.pop_front();
}

void Patience::nobody_waits() {
  writes_.clear();
  flushes_.clear();
}

std::optional<Instant> Patience::due() const {
  std::optional<Instant> oldest;
  for (const Waits* waits : {&writes_, &flushes_}) {
    if (waits->empty()) continue;
    oldest = oldest ? std::min(*oldest, waits->front().since) : waits->front().since;
  }
  if (oldest) oldest = *oldest + bound_;
  return oldest;
}

bool Patience::flush_is_oldest() const {
  if (flushes_.empty() || writes_.empty()) return writes_.empty() && !flushes_.empty();
  return flushes_.front().since < writes_.front().since;
}

void Patience::answered(Duration took, Instant now) {
  if (took * 2 >= bound_) {
    late();
  } else if (!calm_since_) {
    calm_since_ = now;
  }
}

}  // namespace lockstep::replica
