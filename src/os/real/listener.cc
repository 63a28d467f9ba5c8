#include "os/real/listener.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <utility>

#include "os/real/errno.h"
#include "os/real/socket.h"
#include "os/real/socket_stream.h"

namespace lockstep::os::real {
namespace {

using namespace std::chrono_literals;
constexpr Duration back_off = 100ms;  // until somebody may have closed a descriptor

// What one connection may bring about; the next one may be better.
bool concerns_one_connection(int error) {
  switch (error) {
    case EINTR:
    case ECONNABORTED:
    case EPROTO:
    case EPERM:
    case ENETDOWN:
    case ENOPROTOOPT:
    case EHOSTDOWN:
    case ENONET:
    case EHOSTUNREACH:
    case EOPNOTSUPP:
    case ENETUNREACH:
    case ETIMEDOUT: return true;
    default: return false;
  }
}
bool concerns_this_machine_now(int error) {
  return error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM;
}

}  // namespace

SocketListener::SocketListener(IoLoop& loop, Fd fd, Address address, const Log& log)
    : loop_(loop),
      fd_(std::move(fd)),
      port_(loop.make_port(fd_.get())),
      address_(std::move(address)),
      log_(log) {}

SocketListener::~SocketListener() {
  close();
  CHECK(waiting_ == nullptr);
}

rt::Task<Result<std::unique_ptr<Stream>>> SocketListener::accept() {
  while (!closed_.requested()) {
    SocketAddress from;
    from.length = sizeof from.storage;
    Fd accepted(::accept4(fd_.get(), from.get(), &from.length, SOCK_CLOEXEC));
    if (accepted) co_return welcome(std::move(accepted), from);
    const int error = errno;
    if (error == EAGAIN || error == EWOULDBLOCK) {
      auto start = [this](Completion& completion) {
        CHECK(waiting_ == nullptr);
        waiting_ = &completion;
        port_->wait_readable(completion);
      };
      Await wait{start};
      int ready = co_await wait;
      waiting_ = nullptr;
      if (ready < 0 && !closed_.requested()) {
        co_return std::unexpected(system_error(-ready, os::text_of(address_), "wait for a connection"));
      }
    } else if (concerns_this_machine_now(error)) {
      log_(system_error(error, os::text_of(address_), "accept a connection").message + "; trying again");
      co_await rt::sleep_for(loop_, back_off, closed_);
    } else if (!concerns_one_connection(error)) {
      co_return std::unexpected(system_error(error, os::text_of(address_), "accept a connection"));
    }
  }
  co_return fail(Code::cancelled, os::text_of(address_) + ": the listener was closed");
}

std::unique_ptr<Stream> SocketListener::welcome(Fd fd, const SocketAddress& from) {
  if (!address_.is_unix()) {
    tune_tcp(fd.get());
    return std::make_unique<SocketStream>(loop_, std::move(fd), text_of(from), std::nullopt);
  }
  tune_unix(fd.get());
  std::optional<unsigned> uid = uid_of_peer(fd.get());
  std::string name = os::text_of(address_) + (uid ? " (uid " + std::to_string(*uid) + ")" : "");
  return std::make_unique<SocketStream>(loop_, std::move(fd), std::move(name), uid);
}

void SocketListener::close() {
  if (closed_.requested()) return;
  closed_.request();
  if (address_.is_unix()) ::unlink(address_.path.c_str());
  ::shutdown(fd_.get(),
             SHUT_RDWR);  // refuses from here on, though the descriptor lives as long as this object
  if (waiting_ != nullptr) port_->cancel(*waiting_);
}

namespace {

// Whether anybody accepts at the Unix socket `address`.
bool is_served(const SocketAddress& address) {
  Fd probe(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  return probe && (::connect(probe.get(), address.get(), address.length) == 0 || errno == EAGAIN);
}

Result<Fd> listen_at(const SocketAddress& at, const std::string& name) {
  Fd fd(::socket(at.family(), SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd) return std::unexpected(system_error(errno, name, "open a socket"));
  const int on = 1;
  if (at.family() != AF_UNIX) ::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (::bind(fd.get(), at.get(), at.length) != 0) return std::unexpected(system_error(errno, name, "bind"));
  if (::listen(fd.get(), SOMAXCONN) != 0) return std::unexpected(system_error(errno, name, "listen"));
  return fd;
}

Result<Fd> listen_at_unix(const Address& address) {
  const SocketAddress at = unix_socket_address(address.path);
  struct stat found{};
  if (::lstat(address.path.c_str(), &found) == 0 && S_ISSOCK(found.st_mode)) {
    if (is_served(at))
      return fail(Code::busy, os::text_of(address) + ": another process accepts connections there");
    ::unlink(address.path.c_str());
  }
  return listen_at(at, os::text_of(address));
}

}  // namespace

Result<Fd> open_listener(const Address& address) {
  if (address.is_unix()) return listen_at_unix(address);
  std::vector<SocketAddress> found;
  if (auto numeric = numeric_address(address)) {
    found.push_back(*numeric);
  } else {
    TRY(found, look_up(address));
  }
  Result<Fd> last = fail(Code::unreachable, os::text_of(address) + ": no address to listen at");
  for (const SocketAddress& at : found) {
    last = listen_at(at, os::text_of(address));
    if (last) break;
  }
  return last;
}

}  // namespace lockstep::os::real
