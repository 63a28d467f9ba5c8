// Packing: zstd for what travels, where it pays. The blocks' checksums are of what was packed: they are held against what
// comes out, as without it.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "base/base.h"

namespace lockstep::replica {

// None: it would not become smaller by an eighth.
[[nodiscard]] std::optional<Buffer> packed(std::span<const Span> parts);
// Exactly `into.size()` bytes, or `corrupt`.
[[nodiscard]] Result<> unpack(Span bytes, MutSpan into);

// Whether it is worth trying. Pure: after each attempt that did not pay, twice as many are left out, up to `left_out_most`.
class PackingLuck {
 public:
  static constexpr unsigned left_out_most = 64;
  static constexpr std::size_t least = 4096;  // bytes; less is not worth the trouble
  [[nodiscard]] bool try_it(std::size_t bytes) {
    if (bytes < least) return false;
    if (to_leave_out_ == 0) return true;
    --to_leave_out_;
    return false;
  }
  void paid(bool it_did) {
    next_ = it_did ? 1 : std::min(next_ * 2, left_out_most);
    to_leave_out_ = it_did ? 0 : next_;
  }

 private:
  unsigned to_leave_out_ = 0, next_ = 1;
};

}  // namespace lockstep::replica
