#include "os/real/tls.h"

#include <chrono>
#include <utility>

#include "os/real/tls_context.h"
#include "os/real/tls_stream.h"

namespace lockstep::os::real {
namespace {

constexpr Duration handshake_most = std::chrono::seconds(10);

rt::Task<Result<std::unique_ptr<Stream>>> shaken(Result<std::unique_ptr<TlsStream>> started, Instant until) {
  CO_TRY(std::unique_ptr<TlsStream> stream, std::move(started));
  CO_TRY_VOID(co_await stream->shake_hands(until));
  co_return std::move(stream);
}

rt::Loop& current_loop() {
  rt::Loop* loop = rt::Loop::current();
  CHECK(loop != nullptr);
  return *loop;
}

Result<std::unique_ptr<TlsStream>> dial(std::unique_ptr<Stream> under, const TlsClient& options) {
  auto verdict = std::make_unique<Verdict>();
  TRY(SslContext context, client_context(options));
  TRY(Ssl ssl, start_client(context.get(), options, *verdict));  // keeps the context alive
  auto session = std::make_unique<TlsSession>(std::move(ssl), std::move(verdict));
  return std::make_unique<TlsStream>(current_loop(), std::move(under), std::move(session));
}

}  // namespace

struct SystemTls::Kept {
  TlsServer options;
  SslContext context;
  [[nodiscard]] bool serves(const TlsServer& other) const {
    return options.ask_client == other.ask_client && options.identity.key_pem == other.identity.key_pem &&
           options.identity.certificate_pem == other.identity.certificate_pem;
  }
};

SystemTls::SystemTls(Random& random, const rt::Clock& clock) : random_(random), clock_(clock) {}
SystemTls::~SystemTls() = default;

rt::Task<Result<std::unique_ptr<Stream>>> SystemTls::client(std::unique_ptr<Stream> under,
                                                            TlsClient options) {
  return shaken(dial(std::move(under), options), clock_.now() + handshake_most);
}

rt::Task<Result<std::unique_ptr<Stream>>> SystemTls::server(std::unique_ptr<Stream> under,
                                                            const TlsServer& options) {
  return shaken(serve(std::move(under), options), clock_.now() + handshake_most);
}

Result<std::unique_ptr<TlsStream>> SystemTls::serve(std::unique_ptr<Stream> under, const TlsServer& options) {
  auto verdict = std::make_unique<Verdict>();
  Ssl ssl;
  {
    std::lock_guard lock(mutex_);
    if (!kept_ || !kept_->serves(options)) {
      TRY(SslContext context, server_context(options));
      kept_ = std::make_unique<Kept>(Kept{options, std::move(context)});
    }
    TRY(ssl, start_server(kept_->context.get(), *verdict));
  }
  auto session = std::make_unique<TlsSession>(std::move(ssl), std::move(verdict));
  return std::make_unique<TlsStream>(current_loop(), std::move(under), std::move(session));
}

}  // namespace lockstep::os::real
