// Nbd: volumes for initiators, over the NBD protocol (fixed newstyle), on Unix and TCP sockets, with or
// without TLS. Promises: a write is answered when its volume says it may be, a flush or FUA when it is
// durable; whatever one client
//           sends, or stops reading, disturbs no other; memory is bounded per session.
// Refuses:  oldstyle negotiation; requests that are not multiples of 512 bytes; more than 32 MiB of payload a
// request. Lives on: the control loop. A session lives on its volume's loop from NBD_OPT_GO on.   Protocol:
// docs/nbd.md.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/base.h"
#include "os/os.h"
#include "pool/pool.h"
#include "rt/rt.h"

namespace lockstep::nbd {

enum class TlsPolicy {
  off,      // NBD_OPT_STARTTLS is refused
  allow,    // offered
  require,  // nothing but NBD_OPT_STARTTLS and NBD_OPT_ABORT before it
};

struct Options {
  std::optional<os::Identity> identity;                   // needed by listeners that allow or require TLS
  std::size_t connections_most = 4096;                    // further ones are closed at once
  Duration handshake_at_most = std::chrono::seconds(30);  // from accept to the end of option haggling
  Duration goodbye_at_most = std::chrono::seconds(2);     // stop(): what is in flight may finish within this
  std::size_t options_most = 4096;                        // a client that haggles longer is dropped
  std::size_t requests_most = 1024;  // unanswered ones a session, beyond which nothing more is read
  Bytes session_memory = 64_MiB;  // payloads in flight and replies unread, a session; one request always fits
};

// An export as NBD_OPT_LIST shows it.
struct Listed {
  std::string name;
  std::string description;
};

// An open export: a volume and the loop it lives on. May be moved about and dropped on any loop; the volume
// itself is used and released on its own loop only.
class Found {
 public:
  Found(rt::Loop& loop, pool::VolumeRef volume, std::string description);  // on `loop`
  Found(Found&&) noexcept = default;
  Found& operator=(Found&& other) noexcept;
  ~Found();

  [[nodiscard]] rt::Loop& loop() const { return *loop_; }
  [[nodiscard]] const std::string& description() const { return description_; }
  [[nodiscard]] Bytes size() const { return size_; }         // as it was when opened
  [[nodiscard]] bool writable() const { return writable_; }  // likewise
  [[nodiscard]] VolumeUuid uuid() const { return uuid_; }
  [[nodiscard]] pool::VolumeRef take();  // on loop()

 private:
  void release();

  rt::Loop* loop_;
  pool::VolumeRef volume_;
  std::string description_;
  Bytes size_;
  bool writable_;
  VolumeUuid uuid_;
};

// Who knows the exports. Called on the control loop.
class Exports {
 public:
  virtual ~Exports() = default;
  virtual rt::Task<Result<std::vector<Listed>>> list() = 0;
  // not_found: no such export. "" asks for the default export, if there is one.
  virtual rt::Task<Result<Found>> find(std::string name) = 0;
};

// Requests are counted by NBD command number: read, write, disconnect, flush, trim, cache, write zeroes,
// block status; last: unknown ones.
struct Metrics {
  std::uint64_t sessions = 0;     // in transmission now
  std::uint64_t connections = 0;  // all, those still haggling too
  std::uint64_t sessions_total = 0;
  std::uint64_t connections_total = 0;
  std::uint64_t refused_total = 0;  // too many connections
  std::uint64_t handshakes_failed_total = 0;
  std::array<std::uint64_t, 9> requests_total{};
  std::uint64_t errors_total = 0;    // requests answered with an error
  Bytes read_bytes_total;            // payload of answered reads
  Bytes written_bytes_total;         // payload of accepted writes
  std::uint64_t receives_total = 0;  // calls that brought requests
  std::uint64_t sends_total = 0;     // calls that took replies away
};

struct SessionInfo {
  std::uint64_t id = 0;
  std::string export_name;
  VolumeUuid volume;
  std::string peer;
  bool tls = false;
  bool read_only = false;
  WallTime since;
  std::uint64_t requests = 0;
  Bytes read_bytes;
  Bytes written_bytes;
};

class Server {
 public:
  Server(os::Host& host, rt::Loop& control, Exports& exports, Options options);
  ~Server();  // after stop()
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  // Serves there until stop(). Returns the address with the port that was chosen.
  rt::Task<Result<os::Address>> listen(os::Address address, TlsPolicy policy);

  // No new connections; what is in flight is answered (up to goodbye_at_most), what comes after it is told
  // ESHUTDOWN; then all are closed.
  rt::Task<void> stop();

  // The same for the sessions of one volume, now open; returns when they have released it. New ones may come.
  rt::Task<void> close_sessions(VolumeUuid volume);

  [[nodiscard]] std::vector<SessionInfo> sessions() const;  // in transmission, oldest first
  [[nodiscard]] Metrics metrics() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace lockstep::nbd
