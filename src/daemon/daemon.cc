#include "daemon/daemon.h"

#include <string_view>
#include <utility>

#include "daemon/log.h"
#include "daemon/notify.h"
#include "daemon/reach.h"
#include "daemon/server_metrics.h"

namespace lockstep::daemon {

namespace {

manage::Options manage_options(const Settings& settings) {
  manage::Options options;
  options.name = settings.name;
  std::uint64_t memory = settings.memory.value;
  options.pool.memory = settings.memory;
  options.pool.overlay = Bytes{memory * 3 / 8};
  options.pool.store.leaf_cache = Bytes{memory / 4};
  options.pool.store.delta_budget = Bytes{memory / 8};
  options.pool.journal_budget = settings.journal_budget;
  for (const auto* list : {&settings.https, &settings.nbd, &settings.peer, &settings.cim, &settings.advertise})
    for (const os::Address& address : *list)
      if (!address.is_unix() && address.host != "0.0.0.0" && address.host != "::" && !address.host.empty()) options.certificate_names.push_back(address.host);
  options.certificate_names.emplace_back("localhost");
  options.certificate_names.emplace_back("127.0.0.1");
  if (std::string name = host_name(); !name.empty()) options.certificate_names.push_back(std::move(name));
  return options;
}

Level level_of(manage::Severity severity) {
  switch (severity) {
    case manage::Severity::information: return Level::info;
    case manage::Severity::warning: return Level::warning;
    case manage::Severity::critical: return Level::error;
  }
  return Level::error;
}

std::string quoted(std::string_view text) {
  std::string out = "\"";
  for (char c : text) out += c == '"' || c == '\\' ? std::string("\\") + c : c == '\n' ? std::string(" ") : std::string(1, c);
  return out + "\"";
}

std::string line_of(const manage::Event& event) {
  std::string out = "event=" + std::to_string(event.number) + " kind=" + event.kind + " type=" + event.object_type + " object=" + quoted(event.object);
  if (!event.before.empty()) out += " before=" + quoted(event.before);
  if (!event.after.empty()) out += " after=" + quoted(event.after);
  if (!event.cause.empty()) out += " cause=" + quoted(event.cause);
  return out;
}

}  // namespace

Daemon::Daemon(os::Host& host, rt::Loop& control, Settings settings, std::string version, unsigned uid)
    : host_(host), control_(control), settings_(std::move(settings)), version_(std::move(version)), uid_(uid), stopped_(control), tasks_(control) {}

os::Address Daemon::socket(const std::string& name) const {
  os::Address address;
  address.path = settings_.data + "/" + name;
  return address;
}

void Daemon::stop() {
  stop_.request();
  stopped_.wake_all();
}

rt::Task<Result<>> Daemon::run() {
  Result<> started = co_await start();
  if (started) {
    log(Level::info, "lockstepd " + version_ + " serves " + settings_.data + " as system " + system_->self().name);
    notify("READY=1\nSTATUS=serving as " + system_->self().name);
    while (!stop_.requested()) co_await stopped_.wait();
    notify("STOPPING=1");
    log(Level::info, "stopping");
  }
  co_await end();
  co_return started;
}

rt::Task<Result<>> Daemon::start() {
  CO_TRY(system_, co_await manage::start(host_, control_, settings_.data, manage_options(settings_)));
  if (auto password = system_->first_password())
    log(Level::info, "first start: account admin has the password " + *password + ", also in " + settings_.data + "/admin-password");
  tasks_.spawn(log_events());
  CO_TRY(identity_, co_await identity_for_clients());
  CO_TRY_VOID(co_await start_nbd());
  CO_TRY_VOID(co_await start_peers());
  system_->set_hooks(hooks());
  CO_TRY_VOID(co_await start_cim());
  co_return co_await start_rest();
}

rt::Task<Result<os::Identity>> Daemon::identity_for_clients() {
  if (settings_.certificate.empty()) co_return system_->self().identity;
  os::Identity identity;
  Result<> read = co_await rt::work(control_, [this, &identity]() -> Result<> {
    TRY(identity.certificate_pem, whole_file(host_.files(), settings_.certificate));
    TRY(identity.key_pem, whole_file(host_.files(), settings_.key));
    return {};
  });
  if (!read) co_return fail(read.error());
  co_return identity;
}

rt::Task<Result<>> Daemon::start_nbd() {
  exports_.emplace(*system_);
  nbd::Options options;
  options.identity = identity_;
  nbd_.emplace(host_, control_, *exports_, std::move(options));
  CO_TRY_VOID(co_await nbd_->listen(socket("nbd.sock"), nbd::TlsPolicy::off));
  for (const os::Address& wanted : settings_.nbd) {
    nbd::TlsPolicy policy = wanted.is_unix() ? nbd::TlsPolicy::off : settings_.nbd_tls;
    CO_TRY(os::Address at, co_await nbd_->listen(wanted, policy));
    if (!at.is_unix()) nbd_at_.push_back(reachable(at));
    log(Level::info, "NBD on " + os::text_of(at));
  }
  co_return Result<>{};
}

rt::Task<Result<>> Daemon::start_peers() {
  std::vector<os::Address> advertised = settings_.advertise;
  CO_TRY(os::Address own, co_await system_->engine().listen(socket("peer.sock")));
  for (const os::Address& wanted : settings_.peer) {
    if (os::text_of(wanted) == os::text_of(own)) {   // it listens there anyway
      if (settings_.advertise.empty()) advertised.push_back(own);
      continue;
    }
    CO_TRY(os::Address at, co_await system_->engine().listen(wanted));
    log(Level::info, "peers on " + os::text_of(at));
    if (settings_.advertise.empty()) advertised.push_back(reachable(at));
  }
  if (advertised.empty()) advertised.push_back(own);   // others on this machine
  system_->set_advertised(std::move(advertised));
  co_return Result<>{};
}

rt::Task<Result<>> Daemon::start_cim() {
  cim_.emplace(host_, control_, *system_, settings_);
  CimFront::Given given{version_, uid_, identity_, nbd_at_};
  Result<> started = co_await cim_->start(std::move(given));
  co_return started;
}

rt::Task<Result<>> Daemon::start_rest() {
  rest::Options options;
  options.version = version_;
  options.own_uid = uid_;
  rest_.emplace(*system_, control_, options);
  http_.emplace(host_, control_, *rest_);
  for (const os::Address& wanted : settings_.https) {
    std::optional<os::TlsServer> tls;
    if (!wanted.is_unix()) {
      tls.emplace();
      tls->identity = identity_;
    }
    CO_TRY(os::Address at, co_await http_->listen(wanted, std::move(tls)));
    log(Level::info, "REST on " + std::string(wanted.is_unix() ? "" : "https://") + os::text_of(at));
  }
  CO_TRY_VOID(co_await http_->listen(socket("control.sock"), std::nullopt));   // last: whoever finds it may begin
  co_return Result<>{};
}

rt::Task<void> Daemon::log_events() {
  std::uint64_t after = 0;
  for (const manage::Event& event : system_->events(0, SIZE_MAX)) after = event.number;   // of earlier runs
  while (!stop_.requested()) {
    std::vector<manage::Event> events = co_await system_->wait_events(after, std::chrono::seconds(60));
    for (const manage::Event& event : events) log(level_of(event.severity), line_of(event));
    if (!events.empty()) after = events.back().number;
  }
}

manage::System::Hooks Daemon::hooks() {
  manage::System::Hooks hooks;
  hooks.sessions = [this] {
    std::map<VolumeUuid, std::size_t> out;
    for (const nbd::SessionInfo& session : nbd_->sessions()) ++out[session.volume];
    return out;
  };
  hooks.metrics = [this] { return metrics_of(nbd_->metrics(), http_ ? http_->counters() : http::Counters{}, cim_ ? cim_->counters() : http::Counters{}, host_.loops()); };
  return hooks;
}

rt::Task<void> Daemon::end() {
  stop_.request();
  if (system_) system_->end_waits();
  co_await tasks_.join();
  if (http_) co_await http_->stop();
  if (cim_) co_await cim_->stop();
  if (nbd_) co_await nbd_->stop();
  if (system_) co_await system_->stop();
  http_.reset();
  rest_.reset();
  cim_.reset();
  nbd_.reset();
  system_.reset();
}

}  // namespace lockstep::daemon
