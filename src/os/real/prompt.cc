#include "os/real/prompt.h"

#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdint>

namespace lockstep::os::real {
namespace {

// sched_setattr(2); the C library has neither the call nor the structure, and the kernel's header clashes with its <sched.h>.
struct SchedulingAttributes {
  std::uint32_t size = sizeof(SchedulingAttributes);
  std::uint32_t policy = 0;
  std::uint64_t flags = 0;
  std::int32_t nice = 0;
  std::uint32_t priority = 0;
  std::uint64_t runtime = 0;  // ns; for ordinary threads: the length of a turn
  std::uint64_t deadline = 0;
  std::uint64_t period = 0;
};
constexpr std::uint64_t turn_ns = 100'000;  // the least that Linux gives

}  // namespace

void make_this_thread_prompt() noexcept {
  SchedulingAttributes now;
  if (::syscall(SYS_sched_getattr, 0, &now, sizeof now, 0) != 0) return;
  if (now.policy != SCHED_OTHER) return;  // somebody has decided already
  SchedulingAttributes wanted;
  wanted.nice = now.nice;
  wanted.runtime = turn_ns;
  ::syscall(SYS_sched_setattr, 0, &wanted, 0);
}

}  // namespace lockstep::os::real
