#include "os/real/uring_loop.h"

#include <poll.h>

#include <algorithm>
#include <cerrno>
#include <limits>
#include <utility>

#include "os/real/errno.h"

namespace lockstep::os::real {
namespace {

constexpr unsigned submissions = 256;
constexpr unsigned completions = 4096;
// EXT_ARG (5.11) gives waiting with a time limit; multishot poll came with the kernel of RSRC_TAGS (5.13).
constexpr unsigned features_needed =
    IORING_FEAT_EXT_ARG | IORING_FEAT_NODROP | IORING_FEAT_SUBMIT_STABLE | IORING_FEAT_RSRC_TAGS;
constexpr std::uint64_t ignored = 0;  // user_data of what needs no answer
constexpr std::uint64_t wake = 1;     // and of the poll that other threads trigger

// From the best to the plainest. Only the thread that runs the loop submits, and it looks at answers only
// when it waits.
constexpr unsigned always = IORING_SETUP_CQSIZE | IORING_SETUP_R_DISABLED | IORING_SETUP_CLAMP;
constexpr unsigned set_ups[] = {
    always | IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_TASKRUN_FLAG,
    always | IORING_SETUP_COOP_TASKRUN | IORING_SETUP_TASKRUN_FLAG,
    always,
};

// What entering the kernel may say without the ring being broken: no time left, a signal, no memory, answers
// first.
bool may_pass(int error) {
  return error == ETIME || error == EINTR || error == EAGAIN || error == EBUSY || error == ENOMEM;
}

std::string open_ring(io_uring& ring) {
  int error = 0;
  for (unsigned flags : set_ups) {
    io_uring_params params{};
    params.flags = flags;
    params.cq_entries = completions;
    error = -io_uring_queue_init_params(submissions, &ring, &params);
    if (error == EINVAL) continue;  // a flag this kernel does not know
    if (error != 0) return "io_uring_setup: " + text_of_errno(error);
    if ((params.features & features_needed) == features_needed) return {};
    io_uring_queue_exit(&ring);
    return "the kernel's io_uring is older than Linux 5.13";
  }
  return "io_uring_setup: " + text_of_errno(error);
}

}  // namespace

std::string why_no_uring() {
  io_uring ring{};
  std::string why = open_ring(ring);
  if (!why.empty()) return why;
  io_uring_queue_exit(&ring);
  return {};
}

std::unique_ptr<UringLoop> UringLoop::make(std::string name, Workers& workers, Duration busy_poll,
                                           std::string& why) {
  std::unique_ptr<UringLoop> loop(new UringLoop(std::move(name), workers, busy_poll));
  why = open_ring(loop->ring_);
  if (!why.empty()) return nullptr;
  loop->has_ring_ = true;
  loop->poll_first_ = (loop->ring_.flags & IORING_SETUP_DEFER_TASKRUN) != 0;  // 6.1, and the former 5.19
  return loop;
}

UringLoop::~UringLoop() {
  CHECK(!(has_ring_ && enabled_));  // finish() came first
  if (has_ring_) io_uring_queue_exit(&ring_);
}

// On the thread that enabled the ring: its short name is per thread, and another thread would give up its
// own.
void UringLoop::finish() {
  if (std::exchange(has_ring_, false)) io_uring_queue_exit(&ring_);
}

// The ring belongs to the thread that enables it. liburing 2.3 declares io_uring_enable_rings() but does not
// export it.
void UringLoop::start() {
  if (std::exchange(enabled_, true)) return;
  CHECK(io_uring_register(static_cast<unsigned>(ring_.ring_fd), IORING_REGISTER_ENABLE_RINGS, nullptr, 0) ==
        0);
  io_uring_register_ring_fd(
      &ring_);  // spares a look-up per call; where the kernel knows it not, nothing changes
  arm_wake();
}

void UringLoop::arm_wake() {
  io_uring_sqe& sqe = next_sqe();
  io_uring_prep_poll_multishot(&sqe, wake_fd(), POLLIN);
  io_uring_sqe_set_data64(&sqe, wake);
}

io_uring_sqe& UringLoop::next_sqe() {
  io_uring_sqe* sqe = io_uring_get_sqe(&ring_);
  while (sqe == nullptr) {
    io_uring_submit(&ring_);
    sqe = io_uring_get_sqe(&ring_);
    if (sqe == nullptr) collect();  // answers first: the kernel takes no more until then
  }
  return *sqe;
}

void UringLoop::poll(std::optional<Duration> at_most) {
  int result = 0;
  if (at_most == Duration{0}) {
    result = io_uring_submit(&ring_);  // enters the kernel only if something is to be submitted or fetched
  } else {
    io_uring_cqe* first = nullptr;
    if (at_most) {
      __kernel_timespec limit{};
      limit.tv_sec = at_most->count() / 1'000'000'000;
      limit.tv_nsec = at_most->count() % 1'000'000'000;
      result = io_uring_submit_and_wait_timeout(&ring_, &first, 1, &limit, nullptr);
    } else {
      result = io_uring_submit_and_wait(&ring_, 1);
    }
  }
  CHECK(result >= 0 || may_pass(-result));
  collect();  // -ETIME, -EINTR, -EBUSY, -EAGAIN: what came is there, the rest is tried again next turn
}

void UringLoop::collect() {
  unsigned head = 0, count = 0;
  io_uring_cqe* cqe = nullptr;
  bool rearm = false;
  io_uring_for_each_cqe(&ring_, head, cqe) {
    ++count;
    if (cqe->user_data == ignored) continue;
    if (cqe->user_data == wake) {
      rearm = rearm || !(cqe->flags & IORING_CQE_F_MORE);
      continue;
    }
    complete(*static_cast<Completion*>(io_uring_cqe_get_data(cqe)), cqe->res);
  }
  io_uring_cq_advance(&ring_, count);
  if (rearm) arm_wake();
}

// --- sockets

class UringPort final : public SocketPort {
 public:
  UringPort(UringLoop& loop, int fd) : loop_(loop), fd_(fd) {}

  void receive(MutSpan into, bool tried, Completion& completion) override {
    io_uring_sqe& sqe = loop_.next_sqe();
    io_uring_prep_recv(&sqe, fd_, into.data(), into.size(), 0);
    if (tried && loop_.poll_first_) sqe.ioprio |= IORING_RECVSEND_POLL_FIRST;
    io_uring_sqe_set_data(&sqe, &completion);
  }
  void wait_readable(Completion& completion) override { wait(POLLIN, completion); }
  void wait_writable(Completion& completion) override { wait(POLLOUT, completion); }
  void cancel(Completion& completion) override {
    io_uring_sqe& sqe = loop_.next_sqe();
    io_uring_prep_cancel(&sqe, &completion, 0);
    io_uring_sqe_set_data64(&sqe, ignored);
  }

 private:
  void wait(unsigned events, Completion& completion) {
    io_uring_sqe& sqe = loop_.next_sqe();
    io_uring_prep_poll_add(&sqe, fd_, events);
    io_uring_sqe_set_data(&sqe, &completion);
  }
  UringLoop& loop_;
  const int fd_;
};

std::unique_ptr<SocketPort> UringLoop::make_port(int fd) { return std::make_unique<UringPort>(*this, fd); }

}  // namespace lockstep::os::real
