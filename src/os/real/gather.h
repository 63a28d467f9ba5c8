// Gather: walks over many spans, a system call's worth at a time.
#pragma once

#include <sys/uio.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <span>

#include "base/base.h"

namespace lockstep::os::real {

class Gather {
 public:
  explicit Gather(std::span<const Span> parts) : parts_(parts) { skip_empty(); }

  [[nodiscard]] bool done() const { return parts_.empty(); }
  [[nodiscard]] std::uint64_t taken() const { return taken_; }

  // The next pieces, at most as many as fit; they stay valid until the next call of next() or took().
  [[nodiscard]] std::span<const iovec> next() {
    std::size_t n = 0;
    std::size_t offset = offset_;
    std::size_t bytes = 0;
    for (std::size_t i = 0; i < parts_.size() && n < vectors_.size() && bytes < bytes_most; ++i) {
      if (parts_[i].empty()) continue;
      Span rest = parts_[i].subspan(offset);
      rest = rest.first(std::min(rest.size(), bytes_most - bytes));
      offset = 0;
      bytes += rest.size();
      vectors_[n++] = iovec{const_cast<std::byte*>(rest.data()), rest.size()};
    }
    return {vectors_.data(), n};
  }
  void took(std::size_t n) {
    taken_ += n;
    while (n > 0) {
      std::size_t left = parts_.front().size() - offset_;
      if (n < left) {
        offset_ += n;
        return;
      }
      n -= left;
      offset_ = 0;
      parts_ = parts_.subspan(1);
    }
    skip_empty();
  }

 private:
  static constexpr std::size_t bytes_most = 1 << 30;  // what a system call reports back in an int
  void skip_empty() {
    while (!parts_.empty() && parts_.front().size() == offset_) {
      parts_ = parts_.subspan(1);
      offset_ = 0;
    }
  }
  std::span<const Span> parts_;
  std::size_t offset_ = 0;  // into the first part
  std::uint64_t taken_ = 0;
  std::array<iovec, 128> vectors_;  // written before it is read
};

}  // namespace lockstep::os::real
