// SystemRandom: the kernel's generator, a few bytes kept per thread so that an id costs no system call of its
// own.
#pragma once

#include "os/os.h"

namespace lockstep::os::real {

class SystemRandom final : public Random {
 public:
  void fill(MutSpan into) override;
};

}  // namespace lockstep::os::real
