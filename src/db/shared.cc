#include "db/shared.h"

namespace lockstep::db {
namespace {

constexpr int lock_none = 0, lock_shared = 1, lock_reserved = 2, lock_pending = 3, lock_exclusive = 4;

}  // namespace

bool Shared::lock(int& held, int wanted) {
  std::lock_guard guard(mutex_);
  if (held >= wanted) return true;
  if (wanted == lock_shared) {
    if (strongest_ >= lock_pending) return false;
    ++shared_locks_;
    held = lock_shared;
    return true;
  }
  // From here on, the caller holds shared; only one connection holds more.
  if (held < lock_reserved) {
    if (strongest_ != lock_none) return false;
    strongest_ = held = lock_reserved;
  }
  if (wanted == lock_exclusive) {
    strongest_ = held = lock_pending;          // no new readers; kept if the old ones are still there
    if (shared_locks_ > 1) return false;
    strongest_ = held = lock_exclusive;
  }
  return true;
}

void Shared::unlock(int& held, int wanted) {
  std::lock_guard guard(mutex_);
  if (held <= wanted) return;
  if (held >= lock_reserved) strongest_ = lock_none;
  if (wanted == lock_none) --shared_locks_;
  held = wanted;
}

bool Shared::reserved() {
  std::lock_guard guard(mutex_);
  return strongest_ >= lock_reserved;
}

bool Shared::lock_slots(Slots& mine, int first, int count, bool exclusive) {
  std::lock_guard guard(mutex_);
  for (int i = first; i < first + count; ++i) {
    std::uint32_t bit = 1u << i;
    int others = slots_[i] < 0 ? ((mine.exclusive & bit) != 0 ? 0 : -1) : slots_[i] - ((mine.shared & bit) != 0 ? 1 : 0);
    if (others < 0 || (exclusive && others > 0)) return false;
  }
  for (int i = first; i < first + count; ++i) {
    std::uint32_t bit = 1u << i;
    if (exclusive) {
      slots_[i] = -1;
      mine.exclusive |= bit;
      mine.shared &= ~bit;
    } else if ((mine.shared & bit) == 0) {
      slots_[i] = std::max(slots_[i], 0) + 1;
      mine.shared |= bit;
      mine.exclusive &= ~bit;
    }
  }
  return true;
}

void Shared::unlock_slots(Slots& mine, int first, int count) {
  std::lock_guard guard(mutex_);
  for (int i = first; i < first + count; ++i) {
    std::uint32_t bit = 1u << i;
    if ((mine.exclusive & bit) != 0) slots_[i] = 0;
    else if ((mine.shared & bit) != 0) --slots_[i];
    mine.exclusive &= ~bit;
    mine.shared &= ~bit;
  }
}

void* Shared::region(int number, int size, bool extend) {
  std::lock_guard guard(mutex_);
  auto wanted = static_cast<std::size_t>(number);
  if (wanted >= regions_.size() && !extend) return nullptr;
  while (regions_.size() <= wanted)
    regions_.push_back(std::make_unique<std::uint64_t[]>(static_cast<std::size_t>(size) / sizeof(std::uint64_t)));
  return regions_[wanted].get();
}

void Shared::enter_index() {
  std::lock_guard guard(mutex_);
  ++index_users_;
}

void Shared::leave_index(Slots& mine) {
  unlock_slots(mine, 0, slots);
  std::lock_guard guard(mutex_);
  if (--index_users_ == 0) regions_.clear();
}

void Shared::barrier() { std::lock_guard guard(mutex_); }

void Shared::poison(const Error& error) {
  std::lock_guard guard(mutex_);
  if (!poison_) poison_ = error;
}

std::optional<Error> Shared::poisoned() {
  std::lock_guard guard(mutex_);
  return poison_;
}

void Shared::log_page(std::uint64_t frame, Checksum checksum) {
  std::lock_guard guard(mutex_);
  if (logged_.size() <= frame) logged_.resize(frame + 1);
  logged_[frame] = checksum;
}

void Shared::forget_log_pages(std::uint64_t first, std::uint64_t last) {
  std::lock_guard guard(mutex_);
  for (std::uint64_t i = first; i <= last && i < logged_.size(); ++i) logged_[i].reset();
}

std::optional<Checksum> Shared::logged(std::uint64_t frame) {
  std::lock_guard guard(mutex_);
  return frame < logged_.size() ? logged_[frame] : std::nullopt;
}

}  // namespace lockstep::db
