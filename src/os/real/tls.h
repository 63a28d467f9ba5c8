// SystemTls: TLS 1.3 by OpenSSL, over any Stream.
#pragma once

#include "os/os.h"

namespace lockstep::os::real {

class SystemTls final : public Tls {
 public:
  SystemTls(Random& random, const rt::Clock& clock) : random_(random), clock_(clock) {}
  rt::Task<Result<std::unique_ptr<Stream>>> client(std::unique_ptr<Stream> under, TlsClient options) override;
  rt::Task<Result<std::unique_ptr<Stream>>> server(std::unique_ptr<Stream> under, const TlsServer& options) override;
  Result<Identity> make_identity(const std::string& common_name, const std::vector<std::string>& names) override;
  Result<Fingerprint> fingerprint_of(const Identity& identity) override;

 private:
  Random& random_;
  const rt::Clock& clock_;
};

}  // namespace lockstep::os::real
