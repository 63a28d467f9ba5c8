// Slab: big pieces of memory that batches live in, taken and given back whole.
#pragma once

#include <cstddef>
#include <memory>
#include <mutex>
#include <vector>

#include "base/base.h"

namespace lockstep::journal {

struct Slab {
  explicit Slab(std::size_t bytes);
  ~Slab();
  Slab(const Slab&) = delete;
  Slab& operator=(const Slab&) = delete;

  std::byte* const memory;  // aligned to a page; contents undefined
  const std::size_t capacity;
};

// The last holder of a slab may let go on any thread (a worker job over frozen records), hence the lock:
// taken once a slab, never once a record. Slabs keep the pool alive.
class SlabPool : public std::enable_shared_from_this<SlabPool> {
 public:
  // `keep`: bytes of unused slabs that are kept for the next taker.
  SlabPool(std::size_t usual, std::size_t keep) : usual_(usual), keep_(keep) {}

  // At least `at_least` bytes, and never less than the usual size. Shared: records, readers and the batch
  // being written.
  [[nodiscard]] std::shared_ptr<Slab> take(std::size_t at_least = 0);
  [[nodiscard]] std::size_t usual() const { return usual_; }

 private:
  void give_back(std::unique_ptr<Slab> slab);

  const std::size_t usual_;
  const std::size_t keep_;
  std::mutex mutex_;
  std::size_t kept_ = 0;
  std::vector<std::unique_ptr<Slab>> unused_;
};

}  // namespace lockstep::journal
