// Bitmap: which places may not be handed out: one bit a place (32 MiB per TiB), with two levels of summary above.
#pragma once

#include <cstdint>
#include <vector>

#include "base/base.h"
#include "store/store.h"

namespace lockstep::store {

class Bitmap {
 public:
  void grow(std::uint64_t places);   // new ones are free
  [[nodiscard]] std::uint64_t size() const { return size_; }
  [[nodiscard]] std::uint64_t free() const { return size_ - set_; }
  [[nodiscard]] bool test(std::uint64_t place) const { return (words_[place / 64] >> (place % 64)) & 1; }

  // How many changed.
  std::uint64_t set(Run run);
  std::uint64_t clear(Run run);

  // Sets the places whose bits are set in `bits` (low bit first), the first of which, a multiple of 64, is `first`. Past the end: false.
  [[nodiscard]] bool set_bits(std::uint64_t first, Span bits);

  // `places` free ones (there must be as many), now set. One run where one is found close to where the last allocation ended;
  // else what is free from there to the end of its zone, then of the emptiest zones: where most is free, runs are longest.
  std::vector<Run> allocate(std::uint64_t places);

 private:
  static constexpr std::uint64_t zone_places = 8192;   // 32 MiB of data
  static constexpr int look_most = 256;                // free runs that are looked at for one that is long enough
  [[nodiscard]] std::uint64_t next_free(std::uint64_t from) const;   // size_ when there is none
  [[nodiscard]] std::uint64_t next_set(std::uint64_t from, std::uint64_t most) const;
  void summarise(std::uint64_t word);
  void count(std::uint64_t word, std::uint64_t changed, bool set);
  [[nodiscard]] std::uint64_t emptiest_zone() const;                 // the next one after the hint's, of equals
  [[nodiscard]] std::uint64_t find_run(std::uint64_t places) const;  // size_ when there is none close by
  void take(std::uint64_t first, std::uint64_t count, std::vector<Run>& out);

  std::uint64_t size_ = 0;
  std::uint64_t set_ = 0;
  std::uint64_t hint_ = 0;
  std::vector<std::uint16_t> zone_free_;
  std::vector<std::uint64_t> words_;
  std::vector<std::uint64_t> has_free_;     // a bit per word
  std::vector<std::uint64_t> has_free2_;    // a bit per word of has_free_
};

}  // namespace lockstep::store
