// SocketStream: a connected socket. Tries on the spot, waits only when it would block, lets others run now
// and then.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "os/os.h"
#include "os/real/fairness.h"
#include "os/real/fd.h"
#include "os/real/io_loop.h"

namespace lockstep::os::real {

class SocketStream final : public Stream {
 public:
  // `fd` is connected and blocking (waiting is done by the loop, never in a call).
  SocketStream(IoLoop& loop, Fd fd, std::string peer, std::optional<unsigned> uid);
  ~SocketStream() override;

  rt::Task<Result<std::size_t>> read_some(MutSpan into) override;
  Result<std::optional<std::size_t>> try_read(MutSpan into) override;
  rt::Task<Result<>> write(std::vector<Span> parts) override;
  Result<std::size_t> try_write(std::span<const Span> parts) override;
  void close() override;
  void move_to(rt::Loop& loop) override;
  [[nodiscard]] std::string peer_name() const override { return peer_; }
  [[nodiscard]] std::optional<unsigned> peer_uid() const override { return uid_; }

 private:
  ssize_t receive_now(MutSpan into);               // or -errno
  ssize_t send_now(std::span<const iovec> parts);  // or -errno
  [[nodiscard]] std::unexpected<Error> failed(ssize_t error, const char* attempt) const;
  [[nodiscard]] std::unexpected<Error> closed_error() const;

  IoLoop* loop_;
  Fd fd_;
  std::unique_ptr<SocketPort> port_;
  const std::string peer_;
  const std::optional<unsigned> uid_;
  bool closed_ = false;
  bool drained_ = false;  // the last read left nothing behind
  Fairness fairness_;
  Completion* reading_ = nullptr;  // from the wait on until its coroutine runs again
  Completion* writing_ = nullptr;
};

}  // namespace lockstep::os::real
