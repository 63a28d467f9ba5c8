#include "daemon/server_metrics.h"

#include <array>
#include <string_view>

namespace lockstep::daemon {

namespace {

void family(std::string& out, std::string_view name, std::string_view help, std::string_view type, std::uint64_t value) {
  out.append("# HELP ").append(name).append(" ").append(help).append("\n# TYPE ").append(name).append(" ").append(type).append("\n");
  out.append(name).append(" ").append(std::to_string(value)).append("\n");
}

void server(std::string& out, const std::string& prefix, const std::string& what, const http::Counters& counters) {
  family(out, prefix + "_connections", what + " connections now.", "gauge", counters.connections);
  family(out, prefix + "_connections_total", what + " connections since the start.", "counter", counters.connections_total);
  family(out, prefix + "_requests_total", what + " requests since the start.", "counter", counters.requests_total);
  family(out, prefix + "_errors_total", what + " requests that were no valid ones.", "counter", counters.errors_total);
}

}  // namespace

std::string metrics_of(const nbd::Metrics& nbd, const http::Counters& http, const http::Counters& cim, const std::vector<os::LoopReport>& loops) {
  static constexpr std::array<std::string_view, 9> commands = {"read", "write", "disconnect", "flush", "trim", "cache", "write_zeroes", "block_status", "unknown"};
  std::string out;
  family(out, "lockstep_nbd_sessions", "NBD sessions that read and write now.", "gauge", nbd.sessions);
  family(out, "lockstep_nbd_connections", "NBD connections, those in negotiation too.", "gauge", nbd.connections);
  family(out, "lockstep_nbd_connections_total", "NBD connections since the start.", "counter", nbd.connections_total);
  family(out, "lockstep_nbd_connections_refused_total", "NBD connections closed at once: there were too many.", "counter", nbd.refused_total);
  family(out, "lockstep_nbd_handshakes_failed_total", "NBD negotiations that came to nothing.", "counter", nbd.handshakes_failed_total);
  out.append("# HELP lockstep_nbd_requests_total NBD requests by command.\n# TYPE lockstep_nbd_requests_total counter\n");
  for (std::size_t i = 0; i < commands.size(); ++i) out.append("lockstep_nbd_requests_total{command=\"").append(commands[i]).append("\"} ").append(std::to_string(nbd.requests_total[i])).append("\n");
  family(out, "lockstep_nbd_errors_total", "NBD requests that were answered with an error.", "counter", nbd.errors_total);
  family(out, "lockstep_nbd_read_bytes_total", "Bytes that NBD clients have read.", "counter", nbd.read_bytes_total.value);
  family(out, "lockstep_nbd_written_bytes_total", "Bytes that NBD clients have written.", "counter", nbd.written_bytes_total.value);
  server(out, "lockstep_http", "HTTP", http);
  server(out, "lockstep_cim", "CIM-XML", cim);
  auto per_loop = [&](std::string_view name, std::string_view help, std::string_view type, auto value) {
    out.append("# HELP ").append(name).append(" ").append(help).append("\n# TYPE ").append(name).append(" ").append(type).append("\n");
    for (const os::LoopReport& loop : loops) out.append(name).append("{loop=\"").append(loop.name).append("\"} ").append(value(loop)).append("\n");
  };
  per_loop("lockstep_loop_stalls_total", "Turns of an event loop that kept its clients waiting for more than 1 ms.", "counter",
           [](const os::LoopReport& loop) { return std::to_string(loop.stalls); });
  per_loop("lockstep_loop_longest_turn_seconds", "Longest turn of an event loop since it was started.", "gauge",
           [](const os::LoopReport& loop) { return std::to_string(std::chrono::duration<double>(loop.longest).count()); });
  return out;
}

}  // namespace lockstep::daemon
