// Completion: where the answer of one operation goes. It stays in place until the answer has come.
#pragma once

#include <coroutine>

namespace lockstep::os::real {

struct Completion {
  int result = 0;                            // what the system call would have returned, or -errno
  std::coroutine_handle<> waiter = nullptr;  // resumed from the loop's ready queue; or:
  void (*call)(Completion&) = nullptr;       // called while the loop collects answers; must not take long
};

}  // namespace lockstep::os::real
