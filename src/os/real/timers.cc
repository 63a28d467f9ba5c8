#include "os/real/timers.h"

#include <utility>

namespace lockstep::os::real {

// An id is generation and slot, so that one of a timer long gone names no other.
Timers::Id Timers::add(Instant when, rt::Callback callback) {
  if (free_.empty()) {
    free_.push_back(static_cast<std::uint32_t>(slots_.size()));
    slots_.emplace_back();
  }
  std::uint32_t at = free_.back();
  free_.pop_back();
  Slot& slot = slots_[at];
  slot.when = when;
  slot.sequence = next_sequence_++;
  slot.callback = std::move(callback);
  slot.used = true;
  ++slot.generation;
  heap_.push_back(at);
  slot.heap_at = static_cast<std::uint32_t>(heap_.size() - 1);
  up(heap_.size() - 1);
  return (static_cast<Id>(slot.generation) << 32) | at;
}

void Timers::cancel(Id id) {
  auto at = static_cast<std::uint32_t>(id);
  auto generation = static_cast<std::uint32_t>(id >> 32);
  if (at >= slots_.size() || !slots_[at].used || slots_[at].generation != generation) return;
  rt::Callback dropped = remove(at);  // dies last: what it owns may come back here
}

void Timers::run_due(Instant now) {
  const std::uint64_t asked_before = next_sequence_;
  while (!heap_.empty()) {
    std::uint32_t at = heap_.front();
    if (slots_[at].when > now || slots_[at].sequence >= asked_before) return;
    rt::Callback callback = remove(at);
    callback();
  }
}

rt::Callback Timers::remove(std::uint32_t at) {
  Slot& slot = slots_[at];
  std::size_t hole = slot.heap_at;
  std::uint32_t last = heap_.back();
  heap_.pop_back();
  if (last != at) {
    place(hole, last);
    up(hole);
    down(slots_[last].heap_at);
  }
  slot.used = false;
  free_.push_back(at);
  return std::exchange(slot.callback, nullptr);
}

bool Timers::before(std::uint32_t a, std::uint32_t b) const {
  const Slot &x = slots_[a], &y = slots_[b];
  return x.when != y.when ? x.when < y.when : x.sequence < y.sequence;
}

void Timers::place(std::size_t at, std::uint32_t slot) {
  heap_[at] = slot;
  slots_[slot].heap_at = static_cast<std::uint32_t>(at);
}

void Timers::up(std::size_t at) {
  std::uint32_t moving = heap_[at];
  while (at > 0 && before(moving, heap_[(at - 1) / 2])) {
    place(at, heap_[(at - 1) / 2]);
    at = (at - 1) / 2;
  }
  place(at, moving);
}

void Timers::down(std::size_t at) {
  std::uint32_t moving = heap_[at];
  while (true) {
    std::size_t child = 2 * at + 1;
    if (child >= heap_.size()) break;
    if (child + 1 < heap_.size() && before(heap_[child + 1], heap_[child])) ++child;
    if (!before(heap_[child], moving)) break;
    place(at, heap_[child]);
    at = child;
  }
  place(at, moving);
}

}  // namespace lockstep::os::real
