#include "os/real/net.h"

#include <sys/socket.h>

#include <cerrno>
#include <chrono>
#include <utility>

#include "os/real/errno.h"
#include "os/real/socket.h"
#include "os/real/socket_stream.h"

namespace lockstep::os::real {
namespace {

using namespace std::chrono_literals;

// Until the socket can be written or `until` has come: 0, or -errno.
rt::Task<int> wait_connected(IoLoop& loop, int fd, Instant until) {
  std::unique_ptr<SocketPort> port = loop.make_port(fd);
  bool late = false;
  auto start = [&](Completion& completion) { port->wait_writable(completion); };
  Await wait{start};
  rt::Loop::TimerId timer = loop.at(until, [&] {
    late = true;
    port->cancel(wait.completion);
  });
  int ready = co_await wait;
  loop.cancel(timer);
  if (ready < 0) co_return late ? -ETIMEDOUT : ready;
  int error = 0;
  socklen_t length = sizeof error;
  if (::getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &length) != 0) error = errno;
  co_return -error;
}

rt::Task<Result<Fd>> connect_to(IoLoop& loop, SocketAddress to, std::string name, Instant until) {
  Fd fd(::socket(to.family(), SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd) co_return std::unexpected(system_error(errno, name, "open a socket"));
  rt::Stop never;
  while (true) {
    int error = ::connect(fd.get(), to.get(), to.length) == 0 ? 0 : errno;
    if (error == EINPROGRESS || error == EINTR) error = -co_await wait_connected(loop, fd.get(), until);
    if (error == 0) break;
    if (error != EAGAIN) co_return std::unexpected(system_error(error, name, "connect"));
    // A Unix socket whose backlog is full says neither yes nor no.
    if (loop.clock().now() >= until) co_return std::unexpected(system_error(ETIMEDOUT, name, "connect"));
    co_await rt::sleep_for(loop, 5ms, never);
  }
  set_blocking(fd.get(), true);
  co_return fd;
}

}  // namespace

rt::Task<Result<std::unique_ptr<Listener>>> SystemNet::listen(rt::Loop& loop, Address address) {
  auto job = [address] { return open_listener(address); };
  auto opening = rt::work(loop, job);
  CO_TRY(Fd fd, co_await opening);
  Address chosen = address;
  if (!address.is_unix()) chosen.port = local_address(fd.get()).port;
  co_return std::make_unique<SocketListener>(io_of(loop), std::move(fd), chosen, log_);
}

rt::Task<Result<std::unique_ptr<Stream>>> SystemNet::connect(rt::Loop& loop, Address address,
                                                             Duration at_most) {
  IoLoop& io = io_of(loop);
  const Instant until = loop.clock().now() + at_most;
  const std::string name = os::text_of(address);
  if (address.is_unix()) {
    auto opened = co_await connect_to(io, unix_socket_address(address.path), name, until);
    // No socket file means what no listener means.
    if (!opened && opened.error().code == Code::not_found)
      co_return fail(Code::unreachable, opened.error().message);
    CO_TRY(Fd fd, std::move(opened));
    tune_unix(fd.get());
    std::optional<unsigned> uid = uid_of_peer(fd.get());
    co_return std::make_unique<SocketStream>(io, std::move(fd), name, uid);
  }
  CO_TRY(std::vector<SocketAddress> found, co_await resolve(loop, address, until));
  Error last;
  for (std::size_t left = found.size(); left > 0; --left) {
    // Each address gets its share of the time, so that a silent one does not keep us from the next.
    const Instant now = loop.clock().now();
    const Instant share = now + (until - now) / static_cast<std::int64_t>(left);
    auto opened = co_await connect_to(io, found[found.size() - left], name, share);
    if (opened) {
      tune_tcp(opened->get());
      co_return std::make_unique<SocketStream>(io, *std::move(opened), name, std::nullopt);
    }
    last = std::move(opened).error();
  }
  co_return fail(std::move(last));
}

}  // namespace lockstep::os::real
