#include "os/real/tls_session.h"

#include <openssl/err.h>

#include <algorithm>
#include <cstring>
#include <utility>

namespace lockstep::os::real {
namespace {

constexpr std::size_t record = 16 * 1024;  // RFC 8446, 5.1: the most plain bytes in one
constexpr std::size_t room_first = 32 * 1024;
constexpr std::size_t room_most = 256 * 1024;

}  // namespace

// OpenSSL reads from in_ and writes to out_ of the session that the BIO carries.
const BIO_METHOD* TlsSession::method() {
  static const BIO_METHOD* const made = [] {
    BIO_METHOD* m = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "lockstep session");
    CHECK(m != nullptr);
    BIO_meth_set_write_ex(m, [](BIO* bio, const char* data, std::size_t size, std::size_t* taken) {
      auto* self = static_cast<TlsSession*>(BIO_get_data(bio));
      const Span bytes = as_span({data, size});
      self->out_.insert(self->out_.end(), bytes.begin(), bytes.end());
      *taken = size;
      return 1;
    });
    BIO_meth_set_read_ex(m, [](BIO* bio, char* data, std::size_t size, std::size_t* given) {
      auto* self = static_cast<TlsSession*>(BIO_get_data(bio));
      BIO_clear_retry_flags(bio);
      const std::size_t n = std::min(size, self->in_end_ - self->in_begin_);
      if (n == 0) {
        BIO_set_retry_read(bio);
        return 0;
      }
      std::memcpy(data, self->in_.data() + self->in_begin_, n);
      self->in_begin_ += n;
      *given = n;
      return 1;
    });
    BIO_meth_set_ctrl(m, [](BIO* /*bio*/, int command, long /*number*/, void* /*pointer*/) -> long {
      return command == BIO_CTRL_FLUSH ? 1 : 0;
    });
    return m;
  }();
  return made;
}

TlsSession::TlsSession(Ssl ssl, std::unique_ptr<Verdict> verdict)
    : verdict_(std::move(verdict)), ssl_(std::move(ssl)) {
  BIO* bio = BIO_new(method());
  CHECK(bio != nullptr);
  BIO_set_data(bio, this);
  BIO_set_init(bio, 1);
  SSL_set_bio(ssl_.get(), bio, bio);
}

// Grows while whole rooms arrive: bulk data then takes few calls, and an idle session little memory.
MutSpan TlsSession::room() {
  if (in_begin_ == in_end_) {
    const bool was_full = in_end_ == in_.size();
    in_begin_ = in_end_ = 0;
    if (in_.empty()) {
      in_.resize(room_first);
    } else if (was_full && in_.size() < room_most) {
      in_.resize(in_.size() * 2);
    }
  } else if (in_end_ == in_.size()) {
    std::copy(in_.begin() + static_cast<std::ptrdiff_t>(in_begin_), in_.end(), in_.begin());
    in_end_ -= std::exchange(in_begin_, 0);
    if (in_end_ == in_.size()) in_.resize(in_.size() * 2);
  }
  return MutSpan(in_).subspan(in_end_);
}

void TlsSession::arrived(std::size_t n) {
  CHECK(n <= in_.size() - in_end_);
  in_end_ += n;
}

Error TlsSession::failure(int result) {
  if (verdict_->refusal) {
    ERR_clear_error();
    return *verdict_->refusal;
  }
  const int kind = SSL_get_error(ssl_.get(), result);
  const unsigned long error = ERR_peek_error();
  const int reason = ERR_GET_REASON(error);
  const std::string text = last_openssl_error();
  if (kind == SSL_ERROR_SYSCALL || error == 0)
    return Error{Code::unreachable, "the connection broke: " + text};
  // Alerts of the peer: it does not believe us, or it goes away. RFC 8446, 6.2.
  if (reason > SSL_AD_REASON_OFFSET) return Error{Code::denied, "the other end refuses: " + text};
  return Error{Code::corrupt, text};
}

Result<TlsSession::State> TlsSession::shake() {
  ERR_clear_error();
  const int result = SSL_do_handshake(ssl_.get());
  if (result == 1) {
    if (const X509* certificate = SSL_get0_peer_certificate(ssl_.get())) peer_ = fingerprint_of(certificate);
    return State::done;
  }
  if (SSL_get_error(ssl_.get(), result) == SSL_ERROR_WANT_READ) return State::wants_bytes;
  return fail(failure(result));
}

// One record at a time is what OpenSSL gives: go on while whole ones are there.
Result<TlsSession::State> TlsSession::decrypt(MutSpan into, std::size_t& n) {
  n = 0;
  while (n < into.size()) {
    std::size_t got = 0;
    ERR_clear_error();
    const int result = SSL_read_ex(ssl_.get(), into.data() + n, into.size() - n, &got);
    if (result == 1) {
      n += got;
      continue;
    }
    if (n > 0) break;  // whatever it is, it will be said again
    switch (SSL_get_error(ssl_.get(), result)) {
      case SSL_ERROR_WANT_READ: return State::wants_bytes;
      case SSL_ERROR_ZERO_RETURN: return State::ended;
      default: return fail(failure(result));
    }
  }
  return State::done;
}

Result<std::size_t> TlsSession::encrypt(Gather& from, std::size_t most) {
  std::size_t taken = 0;
  while (!from.done() && taken < most) {
    const std::span<const iovec> vectors = from.next();
    const void* data = vectors.front().iov_base;
    std::size_t size = vectors.front().iov_len;
    if (size >= record) {
      size = std::min(size, most - taken);
      if (size > record) size -= size % record;
    } else if (vectors.size() > 1) {  // small pieces share a record
      staged_.clear();
      for (const iovec& vector : vectors) {
        const auto* bytes = static_cast<const std::byte*>(vector.iov_base);
        staged_.insert(staged_.end(), bytes, bytes + std::min(vector.iov_len, record - staged_.size()));
        if (staged_.size() == record) break;
      }
      data = staged_.data();
      size = staged_.size();
    }
    std::size_t written = 0;
    ERR_clear_error();
    const int result = SSL_write_ex(ssl_.get(), data, size, &written);
    if (result != 1) return fail(failure(result));
    CHECK(written == size);  // out_ takes everything
    from.took(size);
    taken += size;
  }
  return taken;
}

void TlsSession::say_goodbye() {
  if (!SSL_is_init_finished(ssl_.get())) return;
  ERR_clear_error();
  SSL_shutdown(ssl_.get());  // the other end's goodbye is not waited for
  ERR_clear_error();
}

}  // namespace lockstep::os::real
