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

  // `places` free ones (there must be as many), now set. First a run of all of them, then shorter ones: at each length
  // the search begins where the last allocation ended and gives up after `look_most` words.
  std::vector<Run> allocate(std::uint64_t places);

 private:
  static constexpr std::uint64_t look_most = 4096;     // words: 1 GiB of data
  [[nodiscard]] std::uint64_t next_free(std::uint64_t from) const;   // size_ when there is none
  [[nodiscard]] std::uint64_t next_set(std::uint64_t from, std::uint64_t most) const;
  void summarise(std::uint64_t word);
  bool take_run(std::uint64_t least, std::uint64_t wanted, std::uint64_t& left, std::vector<Run>& out);

  std::uint64_t size_ = 0;
  std::uint64_t set_ = 0;
  std::uint64_t hint_ = 0;
  std::vector<std::uint64_t> words_;
  std::vector<std::uint64_t> has_free_;     // a bit per word
  std::vector<std::uint64_t> has_free2_;    // a bit per word of has_free_
};

}  // namespace lockstep::store
