// SocketListener: accepts until it is closed. A full descriptor table or a peer that is already gone does not
// end it.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "os/os.h"
#include "os/real/fd.h"
#include "os/real/io_loop.h"

namespace lockstep::os::real {

using Log = std::function<void(std::string_view)>;

class SocketListener final : public Listener {
 public:
  // `fd` listens and does not block.
  SocketListener(IoLoop& loop, Fd fd, Address address, const Log& log);
  ~SocketListener() override;

  rt::Task<Result<std::unique_ptr<Stream>>> accept() override;
  void close() override;
  [[nodiscard]] Address address() const override { return address_; }

 private:
  std::unique_ptr<Stream> welcome(Fd fd, const struct SocketAddress& from);

  IoLoop& loop_;
  Fd fd_;
  std::unique_ptr<SocketPort> port_;
  const Address address_;
  const Log& log_;
  rt::Stop closed_;
  Completion* waiting_ = nullptr;
};

// A socket that listens at `address`. Touches the file system for a Unix socket: worker jobs only.
// A socket file that nobody accepts on is removed; one that somebody accepts on is busy.
[[nodiscard]] Result<Fd> open_listener(const Address& address);

}  // namespace lockstep::os::real
