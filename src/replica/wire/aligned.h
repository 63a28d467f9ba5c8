// AlignedBytes: memory whose blocks may be written past the page cache (multiples of 4096, at multiples of
// 4096).
#pragma once

#include <cstdlib>
#include <memory>

#include "base/base.h"

namespace lockstep::replica {

class AlignedBytes {
 public:
  AlignedBytes() = default;
  explicit AlignedBytes(std::size_t size)
      : size_(size),
        bytes_(size == 0 ? nullptr
                         : static_cast<std::byte*>(std::aligned_alloc(
                               block_size, (size + block_size - 1) / block_size * block_size))) {
    CHECK(size == 0 || bytes_ != nullptr);
  }
  [[nodiscard]] MutSpan span() { return {bytes_.get(), size_}; }
  [[nodiscard]] Span span() const { return {bytes_.get(), size_}; }

 private:
  struct Free {
    void operator()(std::byte* p) const { std::free(p); }
  };
  std::size_t size_ = 0;
  std::unique_ptr<std::byte, Free> bytes_;
};

}  // namespace lockstep::replica
