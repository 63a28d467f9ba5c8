// Inbox: bytes that have arrived and are not yet understood. Requests are parsed in place.
#pragma once

#include <algorithm>
#include <cstring>

#include "nbd/protocol.h"
#include "nbd/transmission/memory.h"

namespace lockstep::nbd {

class Inbox {
 public:
  explicit Inbox(Memories& memories) : memories_(memories) {}
  Inbox(const Inbox&) = delete;
  Inbox& operator=(const Inbox&) = delete;

  // A write up to here must fit behind its header, whole, in the smallest inbox.
  static constexpr std::size_t payload_most = 64 * 1024;

  // Before it dies, on the loop that `memories` belongs to.
  void release() {
    begin_ = end_ = first;
    memories_.give(std::move(memory_));
  }

  [[nodiscard]] Span bytes() const { return {memory_.data() + begin_, end_ - begin_}; }
  [[nodiscard]] std::size_t size() const { return end_ - begin_; }
  void consume(std::size_t n) {
    CHECK(n <= size());
    begin_ += n;
    if (begin_ == end_) begin_ = end_ = first;
  }

  // Where the next bytes go. Never empty.
  MutSpan room() {
    if (!memory_) memory_ = memories_.take(capacity_least);
    if (filled_ && memory_.size() < capacity_most) {
      Memory larger = memories_.take(memory_.size() * 2);
      std::memcpy(larger.data() + first, memory_.data() + begin_, size());
      end_ = first + size();
      begin_ = first;
      memories_.give(std::exchange(memory_, std::move(larger)));
      filled_ = false;
    }
    if (memory_.size() - end_ < room_least && begin_ > first) {
      std::memmove(memory_.data() + first, memory_.data() + begin_, size());
      end_ = first + size();
      begin_ = first;
    }
    return memory_.span().subspan(end_);
  }
  void received(std::size_t n) {
    CHECK(n <= memory_.size() - end_);
    end_ += n;
    if (end_ == memory_.size()) filled_ = true;  // the client has more than we can take at once
  }

 private:
  // A lone write's payload begins on a page.
  static constexpr std::size_t first = block_size - request_size;
  static constexpr std::size_t capacity_least = 128 * 1024;
  static constexpr std::size_t capacity_most = 512 * 1024;
  static constexpr std::size_t room_least = 32 * 1024;
  static_assert(first + request_size + payload_most + room_least <= capacity_least);

  Memories& memories_;
  Memory memory_;
  std::size_t begin_ = first;
  std::size_t end_ = first;
  bool filled_ = false;
};

}  // namespace lockstep::nbd
