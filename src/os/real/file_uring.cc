// Files through the ring.
#include "os/real/uring_loop.h"

#include <algorithm>

namespace lockstep::os::real {
namespace {

constexpr std::size_t read_most = 1 << 30;  // a length in the ring is 32 bits

}  // namespace

void UringLoop::file_read(int fd, std::uint64_t at, MutSpan into, Completion& completion) {
  io_uring_sqe& sqe = next_sqe();
  io_uring_prep_read(&sqe, fd, into.data(), static_cast<unsigned>(std::min(into.size(), read_most)), at);
  io_uring_sqe_set_data(&sqe, &completion);
}

void UringLoop::file_write(int fd, std::uint64_t at, std::span<const iovec> parts, Completion& completion) {
  io_uring_sqe& sqe = next_sqe();
  io_uring_prep_writev(&sqe, fd, parts.data(), static_cast<unsigned>(parts.size()), at);
  io_uring_sqe_set_data(&sqe, &completion);
}

void UringLoop::file_sync(int fd, Completion& completion) {
  io_uring_sqe& sqe = next_sqe();
  io_uring_prep_fsync(&sqe, fd, IORING_FSYNC_DATASYNC);
  io_uring_sqe_set_data(&sqe, &completion);
}

}  // namespace lockstep::os::real
