// DamageLog: damaged blocks that reads met since the pool was opened. Bounded; on the pool's loop.
#pragma once

#include <deque>
#include <utility>
#include <vector>

#include "pool/pool.h"

namespace lockstep::pool::native {

class DamageLog {
 public:
  const Damage& add(Damage damage) {
    damage.number = ++last_;
    if (kept_.size() == most) kept_.pop_front();
    kept_.push_back(std::move(damage));
    return kept_.back();
  }
  [[nodiscard]] std::vector<Damage> after(std::uint64_t number) const {
    std::vector<Damage> out;
    for (const Damage& damage : kept_)
      if (damage.number > number) out.push_back(damage);
    return out;
  }

 private:
  static constexpr std::size_t most = 512;
  std::deque<Damage> kept_;
  std::uint64_t last_ = 0;
};

}  // namespace lockstep::pool::native
