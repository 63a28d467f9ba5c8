// IoLoop: a loop that waits for sockets and files. The two kinds differ below this line and nowhere above it.
#pragma once

#include <sys/uio.h>

#include <cstdint>
#include <memory>
#include <span>

#include "base/base.h"
#include "os/real/loop_core.h"

namespace lockstep::os::real {

// One descriptor that can be waited for, as one loop knows it. Made and destroyed on that loop, with nothing
// pending. At most one operation waits for reading and one for writing.
class SocketPort {
 public:
  virtual ~SocketPort() = default;
  // Receives at least one byte, or 0 at the end. Worth calling only when nothing is likely there; `tried`
  // says that a look just now found nothing.
  virtual void receive(MutSpan into, bool tried, Completion& completion) = 0;
  virtual void wait_readable(Completion& completion) = 0;
  virtual void wait_writable(Completion& completion) = 0;
  // A pending operation answers soon, with -ECANCELED unless it was quicker.
  virtual void cancel(Completion& completion) = 0;
};

class IoLoop : public LoopCore {
 public:
  using LoopCore::LoopCore;

  virtual std::unique_ptr<SocketPort> make_port(int fd) = 0;

  // What `into` and `parts` name stays in place until the answer. Results may be short.
  virtual void file_read(int fd, std::uint64_t at, MutSpan into, Completion& completion) = 0;
  virtual void file_write(int fd, std::uint64_t at, std::span<const iovec> parts, Completion& completion) = 0;
  virtual void file_sync(int fd, Completion& completion) = 0;  // data, and what is needed to read it back
};

// The same loop with its full face. Every loop of this host is one.
[[nodiscard]] inline IoLoop& io_of(rt::Loop& loop) {
  auto* io = dynamic_cast<IoLoop*>(&loop);
  CHECK(io != nullptr);
  return *io;
}

}  // namespace lockstep::os::real
