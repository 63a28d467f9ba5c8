// SystemNet: TCP over IPv4 and IPv6, and Unix sockets.
#pragma once

#include "os/os.h"
#include "os/real/listener.h"

namespace lockstep::os::real {

class SystemNet final : public Net {
 public:
  explicit SystemNet(const Log& log) : log_(log) {}
  rt::Task<Result<std::unique_ptr<Listener>>> listen(rt::Loop& loop, Address address) override;
  rt::Task<Result<std::unique_ptr<Stream>>> connect(rt::Loop& loop, Address address,
                                                    Duration at_most) override;

 private:
  const Log& log_;
};

// Every address of `address`, the name service asked on a worker for no longer than `until`.
rt::Task<Result<std::vector<struct SocketAddress>>> resolve(rt::Loop& loop, Address address, Instant until);

}  // namespace lockstep::os::real
