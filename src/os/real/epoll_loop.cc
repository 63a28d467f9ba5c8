#include "os/real/epoll_loop.h"

#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <utility>

namespace lockstep::os::real {

// Registered once, edge-triggered: an edge that finds nobody waiting is remembered until somebody asks.
// Writing is watched only while somebody waits for it: a Unix socket would wake us for every byte the peer
// takes.
class EpollPort final : public SocketPort {
 public:
  EpollPort(EpollLoop& loop, int fd) : loop_(loop), fd_(fd) {}
  ~EpollPort() override {
    if (watched_ != 0) ::epoll_ctl(loop_.epoll_.get(), EPOLL_CTL_DEL, fd_, nullptr);
  }

  void receive(MutSpan into, bool tried, Completion& completion) override {
    reader_ = &completion;
    into_ = into;
    receiving_ = true;
    if (int error = watch(EPOLLIN | EPOLLRDHUP)) return answer(reader_, -error);
    if (readable_ && !tried) try_receive();
  }
  void wait_readable(Completion& completion) override {
    reader_ = &completion;
    receiving_ = false;
    if (int error = watch(EPOLLIN | EPOLLRDHUP)) answer(reader_, -error);
  }
  void wait_writable(Completion& completion) override {
    writer_ = &completion;
    if (int error = watch(EPOLLOUT)) answer(writer_, -error);
  }
  void cancel(Completion& completion) override {
    if (reader_ == &completion) {
      answer(reader_, -ECANCELED);
    } else if (writer_ == &completion) {
      answer(writer_, -ECANCELED);
    }
  }

  void happened(unsigned events) {
    if (events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR)) {
      readable_ = true;
      if (reader_ != nullptr) {
        if (receiving_) {
          try_receive();
        } else {
          answer(reader_, 0);
        }
      }
    }
    if (writer_ != nullptr && (events & (EPOLLOUT | EPOLLHUP | EPOLLERR))) {
      answer(writer_, 0);
      set_watched(watched_ & ~unsigned{EPOLLOUT}, EPOLL_CTL_MOD);  // if that fails, a needless wake-up is all
    }
  }

 private:
  void try_receive() {
    ssize_t n = 0;
    do n = ::recv(fd_, into_.data(), into_.size(), MSG_DONTWAIT);
    while (n < 0 && errno == EINTR);
    if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
      readable_ = false;
      return;
    }
    const bool emptied = n > 0 && static_cast<std::size_t>(n) < into_.size();  // an end stays readable
    if (emptied) readable_ = false;
    answer(reader_, n < 0 ? -errno : static_cast<int>(n));
  }
  void answer(Completion*& waiting, int result) {
    if (waiting != nullptr) loop_.complete(*std::exchange(waiting, nullptr), result);
  }
  // 0, or why the kernel cannot watch.
  int watch(unsigned events) {
    if (watched_ == 0) return set_watched(events | EPOLLIN | EPOLLRDHUP, EPOLL_CTL_ADD);
    if ((watched_ & events) == events) return 0;
    return set_watched(watched_ | events, EPOLL_CTL_MOD);
  }
  int set_watched(unsigned events, int how) {
    epoll_event event{};
    event.events = events | EPOLLET;
    event.data.ptr = this;
    if (::epoll_ctl(loop_.epoll_.get(), how, fd_, &event) != 0) return errno;
    watched_ = events;
    return 0;
  }

  EpollLoop& loop_;
  const int fd_;
  unsigned watched_ = 0;
  bool readable_ = true;
  bool receiving_ = false;
  MutSpan into_;
  Completion* reader_ = nullptr;
  Completion* writer_ = nullptr;
};

EpollLoop::EpollLoop(std::string name, Workers& workers, Duration busy_poll)
    : IoLoop(std::move(name), workers, busy_poll), epoll_(::epoll_create1(EPOLL_CLOEXEC)) {
  CHECK(epoll_);
  epoll_event event{};
  event.events = EPOLLIN | EPOLLET;
  CHECK(::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, wake_fd(), &event) == 0);
}

std::unique_ptr<SocketPort> EpollLoop::make_port(int fd) { return std::make_unique<EpollPort>(*this, fd); }

int EpollLoop::wait(std::optional<Duration> at_most) {
  const int room = static_cast<int>(events_.size());
  if (fine_waits_) {
    timespec limit{};
    if (at_most) {
      limit.tv_sec = at_most->count() / 1'000'000'000;
      limit.tv_nsec = at_most->count() % 1'000'000'000;
    }
    int n = ::epoll_pwait2(epoll_.get(), events_.data(), room, at_most ? &limit : nullptr, nullptr);
    if (n >= 0 || errno != ENOSYS) return n;
    fine_waits_ = false;
  }
  constexpr Duration longest = std::chrono::hours(1);
  int ms = -1;  // rounded up: a timer is never early
  if (at_most) ms = static_cast<int>((std::min(*at_most, longest).count() + 999'999) / 1'000'000);
  return ::epoll_wait(epoll_.get(), events_.data(), room, ms);
}

void EpollLoop::poll(std::optional<Duration> at_most) {
  int n = wait(at_most);
  for (int i = 0; i < n; ++i) {
    const epoll_event& event = events_[static_cast<std::size_t>(i)];
    if (event.data.ptr != nullptr) static_cast<EpollPort*>(event.data.ptr)->happened(event.events);
  }
}

}  // namespace lockstep::os::real
