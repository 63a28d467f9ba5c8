#include "daemon/service.h"

#include <sys/stat.h>
#include <unistd.h>

#include "daemon/exports.h"
#include "http/http.h"
#include "manage/manage.h"
#include "nbd/nbd.h"
#include "rest/rest.h"

namespace lockstep::daemon {
namespace {

os::Address unix_address(const std::string& data, const char* name) { return os::Address{.host = {}, .port = 0, .path = data + "/" + name}; }

os::Address address_of(const std::string& text) { return *os::parse_address(text); }   // options.cc has checked it

nbd::TlsPolicy policy_of(const Options& options, const os::Address& address) {
  if (address.is_unix() || options.nbd_tls == "off") return nbd::TlsPolicy::off;
  return options.nbd_tls == "allow" ? nbd::TlsPolicy::allow : nbd::TlsPolicy::require;
}

manage::Options manage_options(const Options& options) {
  manage::Options out;
  out.name = options.name;
  out.pool.memory = *parse_bytes(options.memory);
  out.pool.overlay = Bytes{out.pool.memory.value * 3 / 8};
  out.pool.store.leaf_cache = Bytes{out.pool.memory.value / 4};
  out.pool.store.delta_budget = Bytes{out.pool.memory.value / 8};
  out.pool.journal_budget = *parse_bytes(options.journal_budget);
  for (const std::string& text : options.advertise.empty() ? options.peer : options.advertise) {
    out.advertised.push_back(address_of(text));
    if (!out.advertised.back().is_unix()) out.certificate_names.push_back(out.advertised.back().host);
  }
  out.advertised.push_back(unix_address(options.data, "peer.sock"));   // for systems on this machine, and for relationships inside this one
  if (!options.https.empty())
    if (os::Address https = address_of(options.https); !https.is_unix()) out.certificate_names.push_back(https.host);
  for (const std::string& text : options.nbd)
    if (os::Address nbd = address_of(text); !nbd.is_unix()) out.certificate_names.push_back(nbd.host);
  return out;
}

// For clients that are to trust this system, and for its administrator. Worker job.
Result<> write_file(os::Host& host, const std::string& path, const std::string& content) {
  os::OpenOptions options;
  options.create = os::Create::if_missing;
  TRY(auto file, host.files().open_blocking(path, options));
  TRY_VOID(file->truncate(Bytes{0}));
  TRY_VOID(file->write(Bytes{0}, as_span(content)));
  return file->sync();
}

rt::Task<Result<>> write_first_files(os::Host& host, rt::Loop& control, std::string data, std::string certificate, std::optional<std::string> password, Log& log) {
  CO_TRY_VOID(co_await rt::work(control, [&host, path = data + "/certificate.pem", certificate] { return write_file(host, path, certificate); }));
  if (!password) co_return Result<>{};
  std::string path = data + "/admin-password";
  CO_TRY_VOID(co_await rt::work(control, [&host, path, content = *password + "\n"] { return write_file(host, path, content); }));
  chmod(path.c_str(), S_IRUSR | S_IWUSR);
  log.info("first start: the account 'admin' has the password in " + path + "; change it with `lockstep user set admin --password`");
  co_return Result<>{};
}

// The control socket comes last: whoever sees it may begin.
rt::Task<Result<>> listen_all(os::Host& host, rt::Loop& control, const Options& options, manage::System& system, nbd::Server& nbd, http::Server& http, Log& log) {
  CO_TRY_VOID(co_await write_first_files(host, control, options.data, system.self().identity.certificate_pem, system.first_password(), log));
  for (const std::string& text : options.peer) {
    os::Address address = address_of(text);
    if (address == unix_address(options.data, "peer.sock")) continue;
    CO_TRY(os::Address bound, co_await system.engine().listen(address));
    log.info("peers reach this system at " + os::text_of(bound));
  }
  CO_TRY_VOID(co_await system.engine().listen(unix_address(options.data, "peer.sock")));
  os::Address nbd_socket = unix_address(options.data, "nbd.sock");
  CO_TRY_VOID(co_await nbd.listen(nbd_socket, nbd::TlsPolicy::off));
  for (const std::string& text : options.nbd) {
    os::Address address = address_of(text);
    CO_TRY(os::Address bound, co_await nbd.listen(address, policy_of(options, address)));
    log.info("NBD at " + os::text_of(bound) + ", TLS: " + options.nbd_tls);
  }
  if (!options.https.empty()) {
    os::TlsServer tls;
    tls.identity = system.self().identity;
    CO_TRY(os::Address bound, co_await http.listen(address_of(options.https), tls));
    log.info("REST at https://" + os::text_of(bound));
  }
  os::Address control_socket = unix_address(options.data, "control.sock");
  CO_TRY_VOID(co_await http.listen(control_socket, std::nullopt));
  co_return Result<>{};
}

}  // namespace

rt::Task<Result<>> serve(os::Host& host, rt::Loop& control, Options options, Log& log, rt::Stop& stop) {
  manage::Options managed = manage_options(options);
  CO_TRY(auto system, co_await manage::start(host, control, options.data, managed));
  const replica::Self& self = system->self();
  log.info("system " + self.name + " (" + text_of(self.id) + ") from " + options.data);

  SystemExports exports(*system);
  nbd::Options nbd_options;
  nbd_options.identity = self.identity;
  nbd::Server nbd(host, control, exports, nbd_options);
  manage::System::Hooks hooks;
  hooks.sessions = [&nbd] {
    std::map<VolumeUuid, std::size_t> sessions;
    for (const nbd::SessionInfo& one : nbd.sessions()) ++sessions[one.volume];
    return sessions;
  };
  hooks.metrics = [&nbd] { return metrics_of(nbd); };
  system->set_hooks(std::move(hooks));
  rest::Options rest_options;
  rest_options.version = LOCKSTEP_VERSION;
  rest_options.own_uid = getuid();
  rest::Service rest(*system, control, rest_options);
  http::Server http(host, control, rest);

  Result<> listening = co_await listen_all(host, control, options, *system, nbd, http, log);
  if (listening) {
    log.info("ready");
    rt::Signal stopped(control);
    auto guard = stop.on_request([&stopped] { stopped.wake_all(); });
    if (!stop.requested()) co_await stopped.wait();
    log.info("stopping");
  }
  system->end_waits();
  co_await http.stop();
  co_await nbd.stop();
  co_await system->stop();
  co_return listening;
}

}  // namespace lockstep::daemon
