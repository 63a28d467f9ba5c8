#include "os/real/tls_stream.h"

#include <utility>

namespace lockstep::os::real {
namespace {

constexpr std::size_t batch = 256 * 1024;  // plain bytes per call below

}  // namespace

TlsStream::TlsStream(rt::Loop& loop, std::unique_ptr<Stream> under, std::unique_ptr<TlsSession> session)
    : loop_(&loop), under_(std::move(under)), session_(std::move(session)) {
  written_.emplace(loop);
}

TlsStream::~TlsStream() {
  CHECK(!writing_);
  close();
}

std::unexpected<Error> TlsStream::here(const Error& error) const {
  return fail(error.in(under_->peer_name() + ": TLS"));
}
std::unexpected<Error> TlsStream::closed_error() const {
  return fail(Code::cancelled, under_->peer_name() + ": the connection was closed on this side");
}
std::unexpected<Error> TlsStream::cut_off() const {
  return fail(Code::unreachable, under_->peer_name() + ": TLS: the connection was cut off");
}

rt::Task<Result<>> TlsStream::shake_hands(Instant until) {
  bool late = false;
  rt::Loop::TimerId timer = loop_->at(until, [this, &late] {
    late = true;
    under_->close();
  });
  Result<> result = co_await shake();
  loop_->cancel(timer);
  if (late)
    co_return fail(Code::timeout, under_->peer_name() + ": TLS: the handshake was not finished in time");
  co_return result;
}

rt::Task<Result<>> TlsStream::shake() {
  while (true) {
    auto state = session_->shake();
    Result<> sent = co_await send_outgoing();  // an alert too, so that the other end learns why
    if (!state) co_return here(state.error());
    CO_TRY_VOID(sent);
    if (*state == TlsSession::State::done) co_return Result<>{};
    CO_TRY(std::size_t n, co_await under_->read_some(session_->room()));
    if (n == 0) co_return cut_off();
    session_->arrived(n);
  }
}

rt::Task<Result<>> TlsStream::send_outgoing() {
  while (!session_->outgoing().empty()) {
    sending_.clear();
    std::swap(sending_, session_->outgoing());
    std::vector<Span> parts{Span(sending_).subspan(std::exchange(sent_, 0))};
    CO_TRY_VOID(co_await under_->write(std::move(parts)));
  }
  co_return Result<>{};
}

Result<bool> TlsStream::try_send_outgoing() {
  Buffer& out = session_->outgoing();
  if (!out.empty()) {
    const Span rest = Span(out).subspan(sent_);
    TRY(std::size_t n, under_->try_write(std::span(&rest, 1)));
    sent_ += n;
    if (sent_ < out.size()) return false;
  }
  out.clear();
  sent_ = 0;
  return true;
}

rt::Task<void> TlsStream::answer_if_asked() {
  if (session_->outgoing().empty() || writing_) co_return;  // who writes now sends it along
  writing_ = true;
  ignore(co_await send_outgoing(), "a broken connection shows in the next read");
  writing_ = false;
  written_->wake_all();
}

rt::Task<Result<std::size_t>> TlsStream::read_some(MutSpan into) {
  while (true) {
    if (closed_) co_return closed_error();
    if (into.empty()) co_return std::size_t{0};
    std::size_t n = 0;
    auto state = session_->decrypt(into, n);
    if (!session_->outgoing().empty()) co_await answer_if_asked();
    if (!state) co_return here(state.error());
    if (*state != TlsSession::State::wants_bytes) co_return n;
    auto got = co_await under_->read_some(session_->room());
    if (closed_) co_return closed_error();
    CO_TRY_VOID(got);
    if (*got == 0) co_return cut_off();
    session_->arrived(*got);
  }
}

Result<std::optional<std::size_t>> TlsStream::try_read(MutSpan into) {
  while (true) {
    if (closed_) return closed_error();
    if (into.empty()) return std::optional<std::size_t>(0);
    std::size_t n = 0;
    auto state = session_->decrypt(into, n);
    if (!writing_) TRY_VOID(try_send_outgoing());
    if (!state) return here(state.error());
    if (*state != TlsSession::State::wants_bytes) return std::optional(n);
    TRY(std::optional<std::size_t> got, under_->try_read(session_->room()));
    if (!got) return std::optional<std::size_t>();
    if (*got == 0) return cut_off();
    session_->arrived(*got);
  }
}

void TlsStream::take_owed(Gather& from) {
  if (owed_ > 0 && !from.done()) from.took(std::exchange(owed_, 0));
}

rt::Task<Result<>> TlsStream::write(std::vector<Span> parts) {
  while (writing_) co_await written_->wait();  // at most for an answer of the session
  if (closed_) co_return closed_error();
  writing_ = true;
  Gather rest(parts);
  take_owed(rest);
  Result<> result;
  do {
    auto taken = session_->encrypt(rest, batch);
    if (!taken) {
      result = here(taken.error());
      break;
    }
    result = co_await send_outgoing();
    if (closed_) result = closed_error();
  } while (result && !rest.done());
  writing_ = false;
  written_->wake_all();
  co_return result;
}

Result<std::size_t> TlsStream::try_write(std::span<const Span> parts) {
  if (closed_) return closed_error();
  if (writing_) return std::size_t{0};
  TRY(bool clear, try_send_outgoing());
  if (!clear) return std::size_t{0};
  Gather rest(parts);
  take_owed(rest);
  while (!rest.done()) {
    TRY_VOID(session_->encrypt(rest, batch));
    TRY(bool all_sent, try_send_outgoing());
    if (!all_sent) {
      owed_ = 1;
      return rest.taken() - owed_;
    }
  }
  return rest.taken();
}

void TlsStream::close() {
  if (std::exchange(closed_, true)) return;
  if (!writing_) {  // else a record is half sent, and nothing may be put into its middle
    session_->say_goodbye();
    ignore(try_send_outgoing(), "whoever is gone needs no goodbye");
  }
  under_->close();
}

void TlsStream::move_to(rt::Loop& loop) {
  CHECK(!writing_);
  under_->move_to(loop);
  loop_ = &loop;
  written_.emplace(loop);
}

}  // namespace lockstep::os::real
