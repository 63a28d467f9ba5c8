// UringLoop: an IoLoop over io_uring. One io_uring_enter a turn submits, waits and collects.
#pragma once

#include <liburing.h>

#include <memory>
#include <string>

#include "os/real/io_loop.h"

namespace lockstep::os::real {

// Empty when io_uring can be used here; else why not.
[[nodiscard]] std::string why_no_uring();

class UringLoop final : public IoLoop {
 public:
  // Nothing when the kernel has no ring to give; `why` then says so.
  static std::unique_ptr<UringLoop> make(std::string name, Workers& workers, Duration busy_poll,
                                         std::string& why);
  ~UringLoop() override;

  std::unique_ptr<SocketPort> make_port(int fd) override;
  void file_read(int fd, std::uint64_t at, MutSpan into, Completion& completion) override;
  void file_write(int fd, std::uint64_t at, std::span<const iovec> parts, Completion& completion) override;
  void file_sync(int fd, Completion& completion) override;
  void finish() override;

 protected:
  void start() override;
  void poll(std::optional<Duration> at_most) override;

 private:
  friend class UringPort;
  UringLoop(std::string name, Workers& workers, Duration busy_poll)
      : IoLoop(std::move(name), workers, busy_poll) {}
  io_uring_sqe& next_sqe();
  void arm_wake();
  void collect();

  io_uring ring_{};
  bool has_ring_ = false;
  bool enabled_ = false;
  bool poll_first_ = false;  // the kernel knows IORING_RECVSEND_POLL_FIRST
};

}  // namespace lockstep::os::real
