#include "daemon/server_metrics.h"

#include <array>
#include <string_view>

namespace lockstep::daemon {

namespace {

void family(std::string& out, std::string_view name, std::string_view help, std::string_view type, std::uint64_t value) {
  out.append("# HELP ").append(name).append(" ").append(help).append("\n# TYPE ").append(name).append(" ").append(type).append("\n");
  out.append(name).append(" ").append(std::to_string(value)).append("\n");
}

}  // namespace

std::string metrics_of(const nbd::Metrics& nbd, const http::Counters& http) {
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
  family(out, "lockstep_http_connections", "HTTP connections now.", "gauge", http.connections);
  family(out, "lockstep_http_connections_total", "HTTP connections since the start.", "counter", http.connections_total);
  family(out, "lockstep_http_requests_total", "HTTP requests since the start.", "counter", http.requests_total);
  family(out, "lockstep_http_errors_total", "HTTP requests that were no valid ones.", "counter", http.errors_total);
  return out;
}

}  // namespace lockstep::daemon
