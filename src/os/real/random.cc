#include "os/real/random.h"

#include <sys/random.h>

#include <algorithm>
#include <array>
#include <cerrno>

namespace lockstep::os::real {
namespace {

void from_kernel(MutSpan into) {
  while (!into.empty()) {
    ssize_t n = ::getrandom(into.data(), std::min<std::size_t>(into.size(), 1 << 20), 0);
    CHECK(n > 0 || errno == EINTR);
    if (n > 0) into = into.subspan(static_cast<std::size_t>(n));
  }
}

struct Kept {
  std::array<std::byte, 256> bytes{};
  std::size_t used = 256;
};
thread_local Kept kept;

}  // namespace

void SystemRandom::fill(MutSpan into) {
  if (into.size() > kept.bytes.size() / 2) return from_kernel(into);
  if (kept.bytes.size() - kept.used < into.size()) {
    from_kernel(kept.bytes);
    kept.used = 0;
  }
  auto first = kept.bytes.begin() + static_cast<std::ptrdiff_t>(kept.used);
  std::copy_n(first, into.size(), into.begin());
  std::fill_n(first, into.size(), std::byte{0});  // what was handed out is nowhere else
  kept.used += into.size();
}

}  // namespace lockstep::os::real
