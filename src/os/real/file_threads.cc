// Files through the workers.
#include "os/real/epoll_loop.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>

namespace lockstep::os::real {
namespace {

// Runs `call` on a worker until no signal interrupts it; `completion` gets what it returned, or -errno.
template <class Call>
void on_worker(EpollLoop& loop, Completion& completion, Call call) {
  loop.work(
      [call, &completion] {
        ssize_t n = 0;
        do n = call();
        while (n < 0 && errno == EINTR);
        completion.result = n < 0 ? -errno : static_cast<int>(n);
      },
      [&completion, &loop] { loop.complete(completion, completion.result); });
}

constexpr std::size_t read_most = 1 << 30;  // a result is an int

}  // namespace

void EpollLoop::file_read(int fd, std::uint64_t at, MutSpan into, Completion& completion) {
  on_worker(*this, completion, [=] {
    return ::pread(fd, into.data(), std::min(into.size(), read_most), static_cast<off_t>(at));
  });
}

void EpollLoop::file_write(int fd, std::uint64_t at, std::span<const iovec> parts, Completion& completion) {
  on_worker(*this, completion, [=] {
    return ::pwritev(fd, parts.data(), static_cast<int>(parts.size()), static_cast<off_t>(at));
  });
}

void EpollLoop::file_sync(int fd, Completion& completion) {
  on_worker(*this, completion, [=]() -> ssize_t { return ::fdatasync(fd); });
}

}  // namespace lockstep::os::real
