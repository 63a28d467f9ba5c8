// TLS 1.3 over streams. Trust is a pinned fingerprint or a CA; never "anything".
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "os/stream.h"

namespace lockstep::os {

struct Identity {
  std::string certificate_pem;   // may hold a chain
  std::string key_pem;
};

struct TlsClient {
  std::optional<Identity> identity;        // shown when the server asks
  std::optional<Fingerprint> pinned;       // the server must have exactly this certificate; or:
  std::string ca_pem;                      // the server's certificate must be signed by this, for server_name
  std::string server_name;
};

struct TlsServer {
  Identity identity;
  bool ask_client = false;   // ask for a certificate; whether to believe it is decided by peer_fingerprint() afterwards
};

class Tls {
 public:
  virtual ~Tls() = default;
  virtual rt::Task<Result<std::unique_ptr<Stream>>> client(std::unique_ptr<Stream> under, TlsClient options) = 0;
  virtual rt::Task<Result<std::unique_ptr<Stream>>> server(std::unique_ptr<Stream> under, const TlsServer& options) = 0;

  // Self-signed, ten years, with these names (DNS or IP) as subject alternatives. Slow: worker jobs only.
  virtual Result<Identity> make_identity(const std::string& common_name, const std::vector<std::string>& names) = 0;
  virtual Result<Fingerprint> fingerprint_of(const Identity& identity) = 0;
};

}  // namespace lockstep::os
