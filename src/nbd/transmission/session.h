// Session: one client in transmission. A reader takes requests as they arrive and answers at once what can be
// answered at once; the rest waits in tasks of its own or, for writes, as a row (LSN, cookie). Replies of one
// turn leave in one call. Lives on its volume's loop from run() on; counters() may be read anywhere.
#pragma once

#include <deque>
#include <memory>
#include <string>

#include "nbd/counters.h"
#include "nbd/errors.h"
#include "nbd/handshake/negotiation.h"
#include "nbd/protocol.h"
#include "nbd/transmission/inbox.h"
#include "nbd/transmission/outbox.h"

namespace lockstep::nbd {

class Session final : private pool::AnswerWatch {
 public:
  // `memories` belongs to the volume's loop.
  Session(std::unique_ptr<os::Stream> stream, Agreed agreed, const Options& options, Memories& memories);
  ~Session() override = default;  // anywhere, after run() has ended

  // Until the client leaves, breaks the protocol, or close(). Then stream and volume are released.
  rt::Task<void> run();
  // What is in flight is answered, within goodbye_at_most; what comes from now on is told ESHUTDOWN; then
  // close().
  void finish();
  void close();

  [[nodiscard]] const Counters& counters() const { return counters_; }

 private:
  // One request, from reading its header to spawning what cannot be answered at once.
  enum class Step { more_bytes, next_turn, room, pace, payload, end };
  rt::Task<void> read_requests();
  Step parse();
  Step parse_write(const Request& request);
  void handle(const Request& request);
  rt::Task<bool> receive();
  rt::Task<bool> receive_payload();
  rt::Task<void> pace();

  // A file each.
  void read(const Request& request);
  rt::Task<void> read_slowly(Request request);
  void put_data_header(std::byte* at, const Request& request) const;
  void write(const Request& request, Span payload, Memory memory);
  rt::Task<void> write_slowly(Request request, Memory memory);
  void zero(const Request& request);
  rt::Task<void> zero_slowly(Request request, bool discard);
  void flush(const Request& request);
  rt::Task<void> flush_slowly(Request request);
  void block_status(const Request& request);
  rt::Task<void> block_status_slowly(Request request);
  void cache(const Request& request);
  rt::Task<void> cache_slowly(Request request);

  // Why a request must not reach the volume, if so.
  struct Refusal {
    Errno error = Errno::none;
    std::string why{};
    explicit operator bool() const { return error != Errno::none; }
  };
  [[nodiscard]] Refusal refusal(const Request& request, std::uint16_t flags_allowed, Access access) const;

  // Replies.
  void reply(std::uint64_t cookie);
  void reply_error(std::uint64_t cookie, Errno error, std::string_view why);
  void reply_error(std::uint64_t cookie, const Error& error, Access access);
  void answer(const Request& request, Lsn lsn);       // just appended: when its volume says so
  void answer_late(const Request& request, Lsn lsn);  // appended some time ago
  void answers_moved() override;

  // Sending.
  void send_soon();  // at the end of this turn
  void turn_ended();
  void send_now();
  rt::Task<void> pump();
  void broken();

  // A request that is neither answered nor a row in pending_.
  struct InFlight {
    Session& session;
    std::size_t bytes;
    InFlight(Session& s, std::size_t n) : session(s), bytes(n) {
      ++session.requests_held_;
      session.bytes_held_ += bytes;
    }
    ~InFlight() {
      --session.requests_held_;
      session.bytes_held_ -= bytes;
      session.something_ended();
    }
    InFlight(const InFlight&) = delete;
    InFlight& operator=(const InFlight&) = delete;
  };
  [[nodiscard]] bool admits(std::size_t bytes) const;
  [[nodiscard]] bool idle() const { return requests_held_ == 0 && pending_.empty() && outbox_.empty(); }
  // Wakes whoever waits for one of those to change. Never without a change: a waiter that looks in vain every
  // turn burns a core.
  void something_ended() {
    if (room_.has_waiters()) room_.wake_all();
  }
  rt::Task<void> close_when_done();

  struct Pending {
    Lsn lsn;
    std::uint64_t cookie;
  };

  rt::Loop& loop_;
  const Options& options_;
  Memories& memories_;
  std::unique_ptr<os::Stream> stream_;
  Agreed agreed_;
  const bool structured_;
  const bool read_only_;  // said so in the handshake, and stays so (NBD specification, "Transmission flags")
  pool::VolumeRef volume_;
  Counters counters_;

  Inbox inbox_;
  Request current_{};       // whose payload is to be received next
  std::uint64_t skip_ = 0;  // bytes of a refused write's payload still to come
  bool after_big_write_ = false;
  bool paced_ = false;  // the next write has waited already
  bool drain_ = false;  // the client has ended politely: it is owed its replies

  Outbox outbox_;
  std::deque<Pending> pending_;  // ascending LSNs
  std::size_t requests_held_ = 0;
  std::size_t bytes_held_ = 0;
  bool send_scheduled_ = false;
  bool send_deferred_ = false;
  bool pumping_ = false;
  bool finishing_ = false;
  bool closing_ = false;
  rt::Signal room_;  // something ended or left
  rt::Scope scope_;
};

}  // namespace lockstep::nbd
