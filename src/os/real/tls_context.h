// TLS contexts: what both ends agree to before they meet. TLS 1.3, no tickets, no resumption.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "os/os.h"
#include "os/real/openssl.h"

namespace lockstep::os::real {

// How one handshake judges the certificate it is shown, and what it found. Lives as long as its SSL.
struct Verdict {
  enum class Trust {
    anything,
    pinned,
    signed_by_ca
  };  // `anything` only for clients of ours: judged afterwards
  Trust trust = Trust::anything;
  Fingerprint pinned;
  std::optional<Error> refusal;
};

[[nodiscard]] Result<SslContext> server_context(const TlsServer& options);
[[nodiscard]] Result<SslContext> client_context(const TlsClient& options);
// `verdict` must outlive the result.
[[nodiscard]] Result<Ssl> start_client(SSL_CTX* context, const TlsClient& options, Verdict& verdict);
[[nodiscard]] Result<Ssl> start_server(SSL_CTX* context, Verdict& verdict);

}  // namespace lockstep::os::real
