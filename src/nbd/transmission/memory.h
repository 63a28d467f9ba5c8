// Memory for payloads: aligned for O_DIRECT, kept for the next request instead of going back to the kernel.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <memory>
#include <new>
#include <utility>
#include <vector>

#include "base/base.h"

namespace lockstep::nbd {

// Aligned memory of its own. Empty when moved from.
class Memory {
 public:
  Memory() = default;
  explicit Memory(std::size_t size)
      : at_(static_cast<std::byte*>(::operator new(size, std::align_val_t{block_size}))), size_(size) {}
  Memory(Memory&& other) noexcept
      : at_(std::exchange(other.at_, nullptr)), size_(std::exchange(other.size_, 0)) {}
  Memory& operator=(Memory&& other) noexcept {
    std::swap(at_, other.at_);
    std::swap(size_, other.size_);
    return *this;
  }
  ~Memory() {
    if (at_) ::operator delete(at_, std::align_val_t{block_size});
  }
  [[nodiscard]] std::byte* data() const { return at_; }
  [[nodiscard]] std::size_t size() const { return size_; }
  [[nodiscard]] MutSpan span() const { return {at_, size_}; }
  explicit operator bool() const { return at_ != nullptr; }

 private:
  std::byte* at_ = nullptr;
  std::size_t size_ = 0;
};

// Spare memory, shared by the sessions of one loop: fresh pages cost more than the copy into them.
class Memories {
 public:
  // At least `size` bytes; sizes are powers of two so that what comes back fits the next.
  Memory take(std::size_t size) {
    std::size_t kind = kind_of(size);
    if (kind < spare_.size() && !spare_[kind].empty()) {
      Memory found = std::move(spare_[kind].back());
      spare_[kind].pop_back();
      spare_bytes_ -= found.size();
      return found;
    }
    return Memory(smallest << kind);
  }
  void give(Memory memory) {
    if (!memory || spare_bytes_ + memory.size() > spare_most) return;
    std::size_t kind = kind_of(memory.size());
    if (kind >= spare_.size()) return;
    spare_bytes_ += memory.size();
    spare_[kind].push_back(std::move(memory));
  }

 private:
  static constexpr std::size_t smallest = 16 * 1024;    // bytes
  static constexpr std::size_t spare_most = 32u << 20;  // bytes
  [[nodiscard]] static std::size_t kind_of(std::size_t size) {
    return size <= smallest ? 0 : static_cast<std::size_t>(std::bit_width((size - 1) / smallest));
  }
  std::array<std::vector<Memory>, 12> spare_;  // 16 KiB to 32 MiB
  std::size_t spare_bytes_ = 0;
};

}  // namespace lockstep::nbd
