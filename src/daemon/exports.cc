#include "daemon/exports.h"

#include <array>

namespace lockstep::daemon {
namespace {

rt::Task<Result<nbd::Found>> open(pool::Pool& pool, std::string name, std::string volume) {
  auto id = pool.find_volume(volume);
  if (!id) co_return fail(Code::not_found, "there is no export '" + name + "'; `lockstep volume list` shows those there are");
  CO_TRY(auto opened, pool.open_volume(*id));
  co_return nbd::Found(pool.loop(), std::move(opened), "volume " + name);
}

}  // namespace

rt::Task<Result<std::vector<nbd::Listed>>> SystemExports::list() {
  std::vector<nbd::Listed> listed;
  for (std::string& name : co_await system_.export_names()) listed.push_back(nbd::Listed{std::move(name), {}});
  co_return listed;
}

rt::Task<Result<nbd::Found>> SystemExports::find(std::string name) {
  pool::Pool* pool = system_.pool_of_export(name);
  if (pool == nullptr) co_return fail(Code::not_found, "there is no export '" + name + "'; its name is POOL/VOLUME");
  std::string volume = manage::split_name(name).name;
  co_return co_await rt::run_on(pool->loop(), open(*pool, name, volume));
}

std::string metrics_of(const nbd::Server& server) {
  static constexpr std::array commands{"read", "write", "disconnect", "flush", "trim", "cache", "write_zeroes", "block_status", "unknown"};
  nbd::Metrics m = server.metrics();
  std::string text;
  auto head = [&](const char* name, const char* type, const char* help) { text += std::string("# HELP ") + name + " " + help + "\n# TYPE " + name + " " + type + "\n"; };
  auto one = [&](const char* name, const char* type, const char* help, std::uint64_t value) {
    head(name, type, help);
    text += std::string(name) + " " + std::to_string(value) + "\n";
  };
  one("lockstep_nbd_sessions", "gauge", "NBD sessions that may send requests", m.sessions);
  one("lockstep_nbd_connections_total", "counter", "NBD connections accepted", m.connections_total);
  one("lockstep_nbd_handshake_failures_total", "counter", "NBD connections that never came to requests", m.handshakes_failed_total);
  head("lockstep_nbd_requests_total", "counter", "NBD requests by command");
  for (std::size_t i = 0; i < commands.size(); ++i) text += "lockstep_nbd_requests_total{command=\"" + std::string(commands[i]) + "\"} " + std::to_string(m.requests_total[i]) + "\n";
  one("lockstep_nbd_errors_total", "counter", "NBD requests answered with an error", m.errors_total);
  one("lockstep_nbd_read_bytes_total", "counter", "Payload of NBD reads", m.read_bytes_total.value);
  one("lockstep_nbd_written_bytes_total", "counter", "Payload of NBD writes", m.written_bytes_total.value);
  return text;
}

}  // namespace lockstep::daemon
