#include "nbd/connection.h"

namespace lockstep::nbd {

Connection::Connection(os::Host& host, rt::Loop& control, Exports& exports, const Options& options,
                       const bool& shutting_down, std::unique_ptr<os::Stream> stream, TlsPolicy policy)
    : control_(control),
      options_(options),
      lifeline_(std::make_shared<Lifeline>()),
      negotiation_{.stream = std::move(stream),
                   .tls = host.tls(),
                   .exports = exports,
                   .options = options,
                   .policy = policy,
                   .lifeline = lifeline_,
                   .shutting_down = shutting_down} {
  lifeline_->hold(negotiation_.stream.get());
  info_.peer = negotiation_.stream->peer_name();
  info_.since = control_.clock().wall();
}

rt::Task<bool> Connection::haggle() {
  Instant deadline = control_.clock().now() + options_.handshake_at_most;
  rt::Loop::TimerId timer = control_.at(deadline, [this] { lifeline_->cut(); });
  auto next = co_await negotiate(negotiation_);
  control_.cancel(timer);
  failed_ = !next;
  if (next && *next == Next::transmission && !lifeline_->is_cut()) {
    info_.volume = negotiation_.agreed->found.uuid();
    co_return true;
  }
  if (negotiation_.stream) negotiation_.stream->close();
  co_return false;
}

rt::Task<void> Connection::transmit(Memories& memories) {
  Agreed agreed = *std::move(negotiation_.agreed);
  negotiation_.agreed.reset();
  loop_ = &agreed.found.loop();
  info_.export_name = agreed.export_name;
  info_.read_only = !agreed.found.writable();
  info_.tls = negotiation_.secure;
  lifeline_->let_go(negotiation_.stream.get());
  negotiation_.stream->move_to(*loop_);
  session_ = std::make_shared<Session>(std::move(negotiation_.stream), std::move(agreed), options_, memories);
  rt::Task<void> life = session_->run();
  co_await rt::run_on(*loop_, std::move(life));
}

void Connection::finish() {
  if (session_) {
    loop_->post(rt::Callback([session = session_] { session->finish(); }));
  } else {
    lifeline_->cut();
  }
}

SessionInfo Connection::info(std::uint64_t id) const {
  SessionInfo info = info_;
  info.id = id;
  if (session_) {
    const Counters& c = session_->counters();
    for (const Counter& n : c.requests) info.requests += n.get();
    info.read_bytes = Bytes{c.read_bytes.get()};
    info.written_bytes = Bytes{c.written_bytes.get()};
  }
  return info;
}

void Connection::add_to(Metrics& metrics) const {
  if (!session_) return;
  const Counters& c = session_->counters();
  for (std::size_t i = 0; i < c.requests.size(); ++i) metrics.requests_total[i] += c.requests[i].get();
  metrics.errors_total += c.errors.get();
  metrics.read_bytes_total += Bytes{c.read_bytes.get()};
  metrics.written_bytes_total += Bytes{c.written_bytes.get()};
  metrics.receives_total += c.receives.get();
  metrics.sends_total += c.sends.get();
}

}  // namespace lockstep::nbd
