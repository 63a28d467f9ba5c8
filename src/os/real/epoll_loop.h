// EpollLoop: an IoLoop for kernels that offer no io_uring: epoll for sockets, the workers for files.
#pragma once

#include <sys/epoll.h>

#include <array>
#include <memory>
#include <string>

#include "os/real/io_loop.h"

namespace lockstep::os::real {

class EpollLoop final : public IoLoop {
 public:
  EpollLoop(std::string name, Workers& workers, Duration busy_poll);

  std::unique_ptr<SocketPort> make_port(int fd) override;
  void file_read(int fd, std::uint64_t at, MutSpan into, Completion& completion) override;
  void file_write(int fd, std::uint64_t at, std::span<const iovec> parts, Completion& completion) override;
  void file_sync(int fd, Completion& completion) override;

 protected:
  void poll(std::optional<Duration> at_most) override;

 private:
  friend class EpollPort;
  int wait(std::optional<Duration> at_most);

  Fd epoll_;
  bool fine_waits_ = true;  // the kernel has epoll_pwait2
  std::array<epoll_event, 256> events_{};
};

}  // namespace lockstep::os::real
