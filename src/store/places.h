// Places: who may be handed out when. Admission, allocation, quarantine of what was freed, guards of running reads.
// Promises: what was admitted can be allocated; a place comes back only when its commit is durable (release() is told then), no retained
//           journal record names it, and every read begun before has ended.
// Lives on: one loop.
#pragma once

#include <algorithm>
#include <deque>
#include <map>
#include <memory>
#include <unordered_set>
#include <vector>

#include "base/base.h"
#include "store/bitmap.h"
#include "store/space_log.h"
#include "store/store.h"

namespace lockstep::store {

class Places {
 public:
  explicit Places(std::uint64_t keep_back) : keep_back_(keep_back) {}

  void grow(std::uint64_t places) { bits_.grow(places); }
  [[nodiscard]] std::uint64_t total() const { return bits_.size(); }

  // Admission. False when there is not enough.
  [[nodiscard]] bool reserve(std::uint64_t blocks, bool from_reserve);
  void unreserve(std::uint64_t blocks);
  [[nodiscard]] std::uint64_t reserved() const { return reserved_; }
  [[nodiscard]] std::uint64_t keep_back() const { return std::min(keep_back_, bits_.size() / 4); }   // small pools keep less
  // Could be admitted now without the reserve.
  [[nodiscard]] std::uint64_t available() const;
  // A little more of what may come back does. False: there is nothing.
  bool continue_release() { return release(); }

  Result<std::vector<Run>> allocate(std::uint64_t blocks);   // out of what was reserved
  void release_unused(std::span<const Run> runs);
  Result<> claim(Run run);                                   // a record found at replay names it

  // What open found. Quarantine comes last, in the order of its LSNs. corrupt: beyond the end of the data file.
  void reserve_first() { bits_.set({Place{0}, 1}); }   // place 0 means none
  Result<> load_used(Run run);
  Result<> load_freed(Run run);
  Result<> load_page(std::uint64_t page, Span bits);
  void load_quarantine(Lsn lsn, std::vector<Run> runs);

  // Found free, but no log says so any more that a record may name them: in quarantine, and to be logged by the next transaction.
  void load_unlogged(std::vector<Place> places);
  [[nodiscard]] std::vector<Place> take_unlogged();

  // Nothing durable names these any more; records up to `lsn` may.
  void quarantine(Lsn lsn, std::vector<Run> runs);
  void journal_released(Lsn upto);
  [[nodiscard]] Lsn released() const { return released_; }
  [[nodiscard]] std::uint64_t quarantined() const { return quarantined_; }
  // Not to be handed out, and not merely waiting in quarantine.
  [[nodiscard]] std::uint64_t used() const { return bits_.size() - bits_.free() - std::min(bits_.size() - bits_.free(), quarantined_); }
  [[nodiscard]] bool is_taken(Place place) const { return bits_.test(place.value); }

  [[nodiscard]] std::unique_ptr<Store::ReadGuard> begin_read();

 private:
  class Guard;
  struct Batch {
    Lsn lsn;
    std::uint64_t turn = 0;    // reads begun in this turn or before may still use it
    std::vector<Run> runs;
    bool loaded = false;
  };
  static constexpr std::size_t runs_at_once = 4096;
  // Gives back what may come back, about `most` runs; false: nothing is left that may.
  bool release(std::size_t most = runs_at_once);
  [[nodiscard]] Result<> check_inside(Run run, const char* who) const;

  Bitmap bits_;
  std::uint64_t keep_back_;
  std::uint64_t reserved_ = 0;
  std::uint64_t quarantined_ = 0;
  Lsn released_;
  std::deque<Batch> batches_;                       // lsn and turn never fall
  std::uint64_t turn_ = 1;
  std::map<std::uint64_t, std::uint64_t> reads_;    // by turn
  std::vector<Place> unlogged_;
  std::unordered_set<std::uint64_t> claimed_;       // must not come back out of a loaded batch
};

}  // namespace lockstep::store
