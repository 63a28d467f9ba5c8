// Sockets: what the system wants to hear about addresses, in one place.
#pragma once

#include <sys/socket.h>

#include <optional>
#include <string>
#include <vector>

#include "os/os.h"
#include "os/real/fd.h"

namespace lockstep::os::real {

struct SocketAddress {
  sockaddr_storage storage{};
  socklen_t length = 0;
  [[nodiscard]] int family() const { return storage.ss_family; }
  [[nodiscard]] const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage); }
  [[nodiscard]] sockaddr* get() { return reinterpret_cast<sockaddr*>(&storage); }
};

[[nodiscard]] SocketAddress unix_socket_address(const std::string& path);
// Without asking anybody: nothing when `host` is a name.
[[nodiscard]] std::optional<SocketAddress> numeric_address(const Address& address);
// Asks the system's name service. May block for long: worker jobs only.
[[nodiscard]] Result<std::vector<SocketAddress>> look_up(const Address& address);

[[nodiscard]] std::string text_of(const SocketAddress& address);  // "192.0.2.1:10809", "[::1]:10809"
[[nodiscard]] Address local_address(int fd);                      // of an Internet socket

// No delay for small messages; a silent peer is noticed after about a minute.
void tune_tcp(int fd);
// Room for 1 MiB of what was sent and not yet read, where the system allows it.
void tune_unix(int fd);
[[nodiscard]] std::optional<unsigned> uid_of_peer(int fd);  // Unix sockets
void set_blocking(int fd, bool blocking);

}  // namespace lockstep::os::real
