#include "journal/slab.h"

#include <new>

#include "journal/format.h"

namespace lockstep::journal {

Slab::Slab(std::size_t bytes)
    : memory(static_cast<std::byte*>(::operator new(bytes, std::align_val_t{page_size}))), capacity(bytes) {}
Slab::~Slab() { ::operator delete(memory, std::align_val_t{page_size}); }

std::shared_ptr<Slab> SlabPool::take(std::size_t at_least) {
  std::size_t wanted = align_up(std::max(at_least, usual_), page_size);
  std::unique_ptr<Slab> slab;
  {
    std::lock_guard lock(mutex_);
    for (std::size_t i = unused_.size(); i-- > 0;) {
      if (unused_[i]->capacity < wanted || unused_[i]->capacity > 2 * wanted) continue;
      slab = std::move(unused_[i]);
      unused_.erase(unused_.begin() + static_cast<std::ptrdiff_t>(i));
      kept_ -= slab->capacity;
      break;
    }
  }
  if (!slab) slab = std::make_unique<Slab>(wanted);
  auto release = [pool = shared_from_this()](Slab* done) { pool->give_back(std::unique_ptr<Slab>(done)); };
  return std::shared_ptr<Slab>(slab.release(), std::move(release));
}

void SlabPool::give_back(std::unique_ptr<Slab> slab) {
  std::lock_guard lock(mutex_);
  if (kept_ + slab->capacity > keep_) return;
  kept_ += slab->capacity;
  unused_.push_back(std::move(slab));
}

}  // namespace lockstep::journal
