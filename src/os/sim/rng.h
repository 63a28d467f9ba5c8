// Rng: the seed's stream of numbers. Streams with different names are independent: a draw more in one shifts no other.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/base.h"
#include "os/random.h"

namespace lockstep::os::sim {

struct Range {
  Duration least{0};
  Duration most{0};
};

class Rng {
 public:
  explicit Rng(std::uint64_t seed) : state_(seed) {}
  [[nodiscard]] Rng named(std::string_view name) const { return Rng(mix(state_ ^ checksum_of(as_span(name)).value)); }

  std::uint64_t next() { return mix(state_ += 0x9E3779B97F4A7C15ull); }
  std::uint64_t below(std::uint64_t n) { return n == 0 ? 0 : next() % n; }   // 0 when n is 0
  bool chance(unsigned per_mille) { return below(1000) < per_mille; }
  bool coin() { return (next() >> 63) != 0; }
  Duration in(Range range) {
    auto width = static_cast<std::uint64_t>((range.most - range.least).count());
    return range.least + Duration(static_cast<std::int64_t>(below(width + 1)));
  }
  void fill(MutSpan into) {
    for (std::byte& b : into) b = static_cast<std::byte>(next() >> 56);
  }

 private:
  static std::uint64_t mix(std::uint64_t z) {   // SplitMix64
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ull;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBull;
    return z ^ (z >> 31);
  }
  std::uint64_t state_;
};

// A host's randomness, for programs.
class SimRandom final : public Random {
 public:
  explicit SimRandom(Rng rng) : rng_(rng) {}
  void fill(MutSpan into) override { rng_.fill(into); }

 private:
  Rng rng_;
};

}  // namespace lockstep::os::sim
