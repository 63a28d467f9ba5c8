// Fairness: how much one stream may do in one turn without having waited. Then others go first.
#pragma once

#include <cstddef>
#include <cstdint>

namespace lockstep::os::real {

class Fairness {
 public:
  // Counts what was done on the spot in turn `turn`.
  void add(std::uint64_t turn, std::size_t bytes) {
    if (turn != turn_) *this = Fairness(turn);
    ++calls_;
    bytes_ += bytes;
  }
  [[nodiscard]] bool spent(std::uint64_t turn) const {
    return turn == turn_ && (calls_ >= calls_most || bytes_ >= bytes_most);
  }

  Fairness() = default;

 private:
  explicit Fairness(std::uint64_t turn) : turn_(turn) {}
  static constexpr unsigned calls_most = 32;
  static constexpr std::size_t bytes_most = 1 << 20;  // a quarter of a millisecond of copying
  std::uint64_t turn_ = 0;
  unsigned calls_ = 0;
  std::size_t bytes_ = 0;
};

}  // namespace lockstep::os::real
