// Buffers: page-aligned memory for files opened past the page cache, used over and over.
#pragma once

#include <memory>
#include <new>
#include <vector>

#include "base/base.h"

namespace lockstep::pool::native {

class Buffers {
 public:
  static constexpr std::size_t size = 1 << 20;   // bytes of each
  static constexpr std::size_t kept_max = 16;

  struct Free {
    void operator()(std::byte* memory) const { ::operator delete(memory, std::align_val_t{block_size}); }
  };
  using Memory = std::unique_ptr<std::byte[], Free>;

  [[nodiscard]] Memory take() {
    if (kept_.empty()) return Memory(static_cast<std::byte*>(::operator new(size, std::align_val_t{block_size})));
    Memory memory = std::move(kept_.back());
    kept_.pop_back();
    return memory;
  }
  void give(Memory memory) {
    if (kept_.size() < kept_max) kept_.push_back(std::move(memory));
  }

 private:
  std::vector<Memory> kept_;
};

}  // namespace lockstep::pool::native
