// TlsStream: a TLS session over any stream, itself a stream.
// A partial try_write leaves at most one byte of the caller's unaccounted for: it is encrypted already, and
// the caller's next write starts with it, as it does on any stream. So nothing is ever sent behind the
// caller's back.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "os/os.h"
#include "os/real/tls_session.h"

namespace lockstep::os::real {

class TlsStream final : public Stream {
 public:
  TlsStream(rt::Loop& loop, std::unique_ptr<Stream> under, std::unique_ptr<TlsSession> session);
  ~TlsStream() override;

  // Before anything else. An error says what the other end showed or did.
  rt::Task<Result<>> shake_hands(Instant until);

  rt::Task<Result<std::size_t>> read_some(MutSpan into) override;
  Result<std::optional<std::size_t>> try_read(MutSpan into) override;
  rt::Task<Result<>> write(std::vector<Span> parts) override;
  Result<std::size_t> try_write(std::span<const Span> parts) override;
  void close() override;
  void move_to(rt::Loop& loop) override;
  [[nodiscard]] std::string peer_name() const override { return under_->peer_name(); }
  [[nodiscard]] std::optional<Fingerprint> peer_fingerprint() const override { return session_->peer(); }
  [[nodiscard]] std::optional<unsigned> peer_uid() const override { return under_->peer_uid(); }

 private:
  rt::Task<Result<>> shake();
  rt::Task<Result<>> send_outgoing();  // with writing_ held
  rt::Task<void> answer_if_asked();    // after a read: what the session itself wants to say
  Result<bool> try_send_outgoing();    // true when nothing is left
  void take_owed(Gather& from);
  [[nodiscard]] std::unexpected<Error> here(const Error& error) const;
  [[nodiscard]] std::unexpected<Error> closed_error() const;
  [[nodiscard]] std::unexpected<Error> cut_off() const;

  rt::Loop* loop_;
  std::unique_ptr<Stream> under_;
  std::unique_ptr<TlsSession> session_;
  bool closed_ = false;
  bool writing_ = false;               // somebody sends and waits
  std::optional<rt::Signal> written_;  // writing_ has ended
  std::size_t owed_ = 0;               // bytes at the start of the next write that are encrypted already
  std::size_t sent_ = 0;               // of outgoing(), by try_write
  Buffer sending_;                     // stays in place while the stream below has it
};

}  // namespace lockstep::os::real
