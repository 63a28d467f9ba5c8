#include "daemon/cim_front.h"

#include <utility>

#include "daemon/log.h"
#include "daemon/reach.h"

namespace lockstep::daemon {

namespace {

constexpr Bytes message_max = 2_MiB;
const std::string authorities_of_this_machine = "/etc/ssl/certs/ca-certificates.crt";

std::string uri_of(const os::Address& address, bool tls) { return (tls ? "https://" : "http://") + os::text_of(reachable(address)); }

}  // namespace

// Named in the settings, else those that this machine trusts, if it has any.
rt::Task<Result<std::string>> CimFront::listener_authorities() {
  std::string file = settings_.cim_listener_ca.empty() ? authorities_of_this_machine : settings_.cim_listener_ca;
  Result<std::string> read = co_await rt::work(control_, [this, &file]() -> Result<std::string> {
    if (settings_.cim_listener_ca.empty()) {
      TRY(bool there, host_.files().exists(file));
      if (!there) return std::string();
    }
    return whole_file(host_.files(), file);
  });
  co_return read;
}

rt::Task<Result<>> CimFront::start(Given given) {
  if (settings_.cim.empty() && settings_.cim_http.empty()) co_return Result<>{};
  cim::ProviderOptions about;
  about.version = given.version;
  about.nbd = std::move(given.nbd);
  for (const os::Address& wanted : settings_.cim)
    if (!wanted.is_unix()) about.service_uris.push_back(uri_of(wanted, true));
  for (const os::Address& wanted : settings_.cim_http)
    if (!wanted.is_unix()) about.service_uris.push_back(uri_of(wanted, false));
  provider_ = cim::make_provider(system_, control_, std::move(about));
  cim::Options options;
  options.directory = settings_.data;
  options.own_uid = given.uid;
  options.message_max = message_max;
  CO_TRY(options.listener_ca_pem, co_await listener_authorities());
  service_.emplace(host_, control_, system_, *provider_, std::move(options));
  CO_TRY_VOID(co_await service_->start());
  http::Options transport;
  transport.body_max = message_max;
  server_.emplace(host_, control_, *service_, transport);
  for (const os::Address& wanted : settings_.cim) {
    std::optional<os::TlsServer> tls;
    if (!wanted.is_unix()) {
      tls.emplace();
      tls->identity = given.identity;
    }
    CO_TRY(os::Address at, co_await server_->listen(wanted, std::move(tls)));
    log(Level::info, "CIM-XML on " + std::string(wanted.is_unix() ? "" : "https://") + os::text_of(at));
  }
  for (const os::Address& wanted : settings_.cim_http) {
    CO_TRY(os::Address at, co_await server_->listen(wanted, std::nullopt));
    log(wanted.is_unix() ? Level::info : Level::warning, "CIM-XML on " + std::string(wanted.is_unix() ? "" : "http://") + os::text_of(at) + (wanted.is_unix() ? "" : ": passwords can be read on the way"));
  }
  co_return Result<>{};
}

rt::Task<void> CimFront::stop() {
  if (server_) co_await server_->stop();
  if (service_) co_await service_->stop();
  server_.reset();
  service_.reset();
  provider_.reset();
}

}  // namespace lockstep::daemon
