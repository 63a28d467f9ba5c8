// Random: the only source of randomness. Usable from every loop and worker of its host.
#pragma once

#include <cstdint>

#include "base/base.h"

namespace lockstep::os {

class Random {
 public:
  virtual ~Random() = default;
  virtual void fill(MutSpan into) = 0;

  std::uint64_t u64() {
    std::byte bytes[8];
    fill(bytes);
    return load_le<std::uint64_t>(bytes);
  }
  template <class Id>
  Id id() {
    Id id;
    do fill(id.bytes);
    while (id.is_none());
    return id;
  }
};

}  // namespace lockstep::os
