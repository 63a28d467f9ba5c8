// SystemTls: TLS 1.3 by OpenSSL, over any Stream. Usable from every loop.
#pragma once

#include <memory>
#include <mutex>

#include "os/os.h"

namespace lockstep::os::real {

class SystemTls final : public Tls {
 public:
  SystemTls(Random& random, const rt::Clock& clock);
  ~SystemTls() override;

  rt::Task<Result<std::unique_ptr<Stream>>> client(std::unique_ptr<Stream> under, TlsClient options) override;
  rt::Task<Result<std::unique_ptr<Stream>>> server(std::unique_ptr<Stream> under,
                                                   const TlsServer& options) override;
  Result<Identity> make_identity(const std::string& common_name,
                                 const std::vector<std::string>& names) override;
  Result<Fingerprint> fingerprint_of(const Identity& identity) override;

 private:
  struct Kept;  // the last server context: a front end has one identity for all its sessions
  Result<std::unique_ptr<class TlsStream>> serve(std::unique_ptr<Stream> under, const TlsServer& options);

  Random& random_;
  const rt::Clock& clock_;
  std::mutex mutex_;
  std::unique_ptr<Kept> kept_;  // by mutex_
};

}  // namespace lockstep::os::real
