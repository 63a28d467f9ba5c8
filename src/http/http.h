// Http: one HTTP/1.1 server for every front end that speaks it.
// Promises: a handler sees only whole, well-formed requests inside the limits; answers leave in the order of the requests; a client
//           that is slow, gone or malicious costs one connection and a bounded amount of memory.
// Refuses:  unknown transfer codings, two lengths for one body, missing Host, upgrades.
// Lives on: one loop, the handler's.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/base.h"
#include "os/os.h"
#include "rt/rt.h"

namespace lockstep::http {

struct Field {
  std::string name;
  std::string value;
};

struct Request {
  std::string method;                  // as sent: "GET"
  std::string target;                  // as sent
  std::string path;                    // of the target, without query; still percent-encoded
  std::vector<std::string> segments;   // of the path, decoded; a slash at the end adds no empty one
  std::vector<std::pair<std::string, std::string>> query;   // decoded, in order
  std::vector<Field> fields;
  std::string body;                    // whole, transfer coding undone
  bool secure = false;                 // TLS or a Unix socket: nobody listens in
  std::optional<unsigned> uid;         // of the process at the other end of a Unix socket
  std::string peer;                    // for logs

  [[nodiscard]] const std::string* field(std::string_view name) const;        // first of that name, any case; or nullptr
  [[nodiscard]] const std::string* parameter(std::string_view name) const;    // first of the query of that name, exact case
};

// A body that comes in pieces. Dies before the connection does.
class Pieces {
 public:
  virtual ~Pieces() = default;
  // The next piece, or nothing at the end. Returns soon after `stop` was requested: the client left or the server stops.
  virtual rt::Task<std::optional<std::string>> next(rt::Stop& stop) = 0;
};

struct Response {
  unsigned status = 200;
  std::vector<Field> fields;           // Content-Length, Connection, Date and Transfer-Encoding are the server's business
  std::string body;                    // not sent to HEAD, nor with 204 and 304
  std::unique_ptr<Pieces> pieces;      // instead of body

  void set(std::string_view name, std::string value);   // replaces fields of that name
};

class Handler {
 public:
  virtual ~Handler() = default;
  virtual rt::Task<Response> handle(Request request) = 0;
};

struct Options {
  Bytes header_max = 64_KiB;           // request line and fields
  Bytes body_max = 16_MiB;
  Duration idle = std::chrono::seconds(75);        // between requests
  Duration header_within = std::chrono::seconds(20);   // from a request's first byte; the TLS handshake too
  Duration body_within = std::chrono::seconds(120);
  Duration write_within = std::chrono::seconds(60);    // each answer or piece
  Duration stop_within = std::chrono::seconds(5);      // requests that run when stop() is called
  std::size_t connections_max = 256;   // beyond it: 503 and closed
};

struct Counters {
  std::uint64_t connections = 0;       // open now
  std::uint64_t connections_total = 0;
  std::uint64_t requests_total = 0;
  std::uint64_t errors_total = 0;      // requests that never reached the handler
};

class Server {
 public:
  // `host` and `handler` must outlive the server.
  Server(os::Host& host, rt::Loop& loop, Handler& handler, Options options = {});
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  // May be called again for each address. Without `tls`: plain, meant for Unix sockets and for who asked for it.
  rt::Task<Result<os::Address>> listen(os::Address address, std::optional<os::TlsServer> tls);
  // No new connections; requests that run may finish, streams end, idle connections close. Must be called before the end.
  rt::Task<void> stop();
  [[nodiscard]] Counters counters() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// Of an Authorization of the scheme Basic (RFC 7617); nothing when there is none that can be read.
struct Credentials {
  std::string user, password;
};
[[nodiscard]] std::optional<Credentials> basic_credentials(std::string_view authorization);

[[nodiscard]] std::string_view reason_of(unsigned status) noexcept;   // "Not Found"
[[nodiscard]] std::string percent_decoded(std::string_view text);     // what is no escape stays as it is
[[nodiscard]] std::string percent_encoded(std::string_view text);     // for one path segment
[[nodiscard]] bool equal_ignoring_case(std::string_view a, std::string_view b) noexcept;

}  // namespace lockstep::http
