#include "os/real/socket_stream.h"

#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "os/real/errno.h"
#include "os/real/gather.h"

namespace lockstep::os::real {
namespace {

constexpr std::size_t receive_most = 1 << 30;  // a result is an int
bool would_block(ssize_t n) { return n == -EAGAIN || n == -EWOULDBLOCK; }

// Waits, and keeps `slot` pointing at what a close() has to cancel.
template <class Start>
struct Pending {
  Completion*& slot;
  Start start;
  Completion completion{};
  bool await_ready() const noexcept { return false; }
  void await_suspend(std::coroutine_handle<> h) {
    CHECK(slot == nullptr);  // one reader and one writer at a time
    slot = &completion;
    completion.waiter = h;
    start(completion);
  }
  int await_resume() noexcept {
    slot = nullptr;
    return completion.result;
  }
};
template <class Start>
Pending(Completion*&, Start) -> Pending<Start>;

}  // namespace

SocketStream::SocketStream(IoLoop& loop, Fd fd, std::string peer, std::optional<unsigned> uid)
    : loop_(&loop), fd_(std::move(fd)), port_(loop.make_port(fd_.get())), peer_(std::move(peer)), uid_(uid) {}

SocketStream::~SocketStream() { CHECK(reading_ == nullptr && writing_ == nullptr); }

ssize_t SocketStream::receive_now(MutSpan into) {
  ssize_t n = 0;
  do n = ::recv(fd_.get(), into.data(), std::min(into.size(), receive_most), MSG_DONTWAIT);
  while (n < 0 && errno == EINTR);
  return n < 0 ? -errno : n;
}

ssize_t SocketStream::send_now(std::span<const iovec> parts) {
  ssize_t n = 0;
  if (parts.size() == 1) {
    do n = ::send(fd_.get(), parts[0].iov_base, parts[0].iov_len, MSG_DONTWAIT | MSG_NOSIGNAL);
    while (n < 0 && errno == EINTR);
  } else {
    msghdr message{};
    message.msg_iov = const_cast<iovec*>(parts.data());
    message.msg_iovlen = parts.size();
    do n = ::sendmsg(fd_.get(), &message, MSG_DONTWAIT | MSG_NOSIGNAL);
    while (n < 0 && errno == EINTR);
  }
  return n < 0 ? -errno : n;
}

std::unexpected<Error> SocketStream::failed(ssize_t error, const char* attempt) const {
  if (closed_) return closed_error();
  return std::unexpected(system_error(static_cast<int>(-error), peer_, attempt));
}
std::unexpected<Error> SocketStream::closed_error() const {
  return fail(Code::cancelled, peer_ + ": the connection was closed on this side");
}

rt::Task<Result<std::size_t>> SocketStream::read_some(MutSpan into) {
  if (closed_) co_return closed_error();
  if (into.empty()) co_return std::size_t{0};
  if (fairness_.spent(loop_->turn_number())) {
    co_await rt::yield(*loop_);
    if (closed_) co_return closed_error();
  }
  ssize_t n = -EAGAIN;
  const bool try_now = !drained_;
  if (try_now) {
    n = receive_now(into);
    if (n > 0) fairness_.add(loop_->turn_number(), static_cast<std::size_t>(n));
  }
  while (would_block(n)) {
    auto start = [this, into, try_now](Completion& completion) {
      port_->receive(into.first(std::min(into.size(), receive_most)), try_now, completion);
    };
    Pending wait{reading_, start};
    n = co_await wait;
    if (closed_) co_return closed_error();
  }
  if (n < 0) co_return failed(n, "read");
  drained_ = n > 0 && static_cast<std::size_t>(n) < into.size();
  co_return static_cast<std::size_t>(n);
}

Result<std::optional<std::size_t>> SocketStream::try_read(MutSpan into) {
  if (closed_) return closed_error();
  ssize_t n = receive_now(into);
  if (would_block(n)) {
    drained_ = true;
    return std::optional<std::size_t>();
  }
  if (n < 0) return failed(n, "read");
  drained_ = n > 0 && static_cast<std::size_t>(n) < into.size();
  return std::optional(static_cast<std::size_t>(n));
}

rt::Task<Result<>> SocketStream::write(std::vector<Span> parts) {
  Gather rest(parts);
  while (!rest.done()) {
    if (closed_) co_return closed_error();
    if (fairness_.spent(loop_->turn_number())) {
      co_await rt::yield(*loop_);
      continue;
    }
    ssize_t n = send_now(rest.next());
    if (n >= 0) {
      fairness_.add(loop_->turn_number(), static_cast<std::size_t>(n));
      rest.took(static_cast<std::size_t>(n));
    } else if (would_block(n)) {
      auto start = [this](Completion& completion) { port_->wait_writable(completion); };
      Pending wait{writing_, start};
      int ready = co_await wait;
      if (ready < 0) co_return failed(ready, "write");
    } else {
      co_return failed(n, "write");
    }
  }
  if (closed_) co_return closed_error();
  co_return Result<>{};
}

Result<std::size_t> SocketStream::try_write(std::span<const Span> parts) {
  Gather rest(parts);
  while (true) {
    if (closed_) return closed_error();
    if (rest.done()) break;
    ssize_t n = send_now(rest.next());
    if (would_block(n)) break;
    if (n < 0) return failed(n, "write");
    rest.took(static_cast<std::size_t>(n));
  }
  return rest.taken();
}

void SocketStream::close() {
  if (std::exchange(closed_, true)) return;
  ::shutdown(fd_.get(), SHUT_RDWR);
  if (reading_ != nullptr) port_->cancel(*reading_);
  if (writing_ != nullptr) port_->cancel(*writing_);
}

void SocketStream::move_to(rt::Loop& loop) {
  CHECK(reading_ == nullptr && writing_ == nullptr);
  loop_ = &io_of(loop);
  port_.reset();  // while this is still the old loop's thread
  port_ = loop_->make_port(fd_.get());
  fairness_ = Fairness();
  drained_ = false;
}

}  // namespace lockstep::os::real
