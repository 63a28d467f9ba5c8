#include <algorithm>
#include <map>

#include "nbd/connection.h"
#include "nbd/nbd.h"

namespace lockstep::nbd {

class Server::Impl {
 public:
  Impl(os::Host& host, rt::Loop& control, Exports& exports, Options options)
      : host_(host),
        control_(control),
        exports_(exports),
        options_(std::move(options)),
        ended_(control),
        scope_(control) {}
  ~Impl() { CHECK(connections_.empty()); }

  rt::Task<Result<os::Address>> listen(os::Address address, TlsPolicy policy) {
    if (policy != TlsPolicy::off && !options_.identity) {
      co_return fail(Code::invalid, os::text_of(address) + ": TLS needs a certificate and its key");
    }
    if (stopping_) co_return fail(Code::cancelled, "the NBD server is being stopped");
    CO_TRY(std::unique_ptr<os::Listener> listener, co_await host_.net().listen(control_, std::move(address)));
    if (stopping_) co_return fail(Code::cancelled, "the NBD server is being stopped");
    os::Listener& kept = *listeners_.emplace_back(std::move(listener));
    os::Address chosen = kept.address();
    scope_.spawn(accept_all(kept, policy));
    co_return chosen;
  }

  rt::Task<void> stop() {
    stopping_ = true;
    for (auto& listener : listeners_) listener->close();
    for (auto& [id, connection] : connections_) connection->finish();
    co_await scope_.stop_and_join();
    listeners_.clear();
  }

  rt::Task<void> close_sessions(VolumeUuid volume) {
    std::vector<std::uint64_t> closing;
    for (auto& [id, connection] : connections_) {
      if (connection->volume() != volume) continue;
      connection->finish();
      closing.push_back(id);
    }
    auto open = [&](std::uint64_t id) { return connections_.contains(id); };
    while (std::any_of(closing.begin(), closing.end(), open)) co_await ended_.wait();
  }

  std::vector<SessionInfo> sessions() const {
    std::vector<SessionInfo> out;
    for (const auto& [id, connection] : connections_) {
      if (connection->in_transmission()) out.push_back(connection->info(id));
    }
    return out;
  }

  Metrics metrics() const {
    Metrics m = past_;
    m.connections = connections_.size();
    for (const auto& [id, connection] : connections_) {
      if (!connection->in_transmission()) continue;
      ++m.sessions;
      connection->add_to(m);
    }
    return m;
  }

 private:
  rt::Task<void> accept_all(os::Listener& listener, TlsPolicy policy) {
    while (!stopping_) {
      auto stream = co_await listener.accept();
      if (!stream) {
        if (stopping_ || stream.error().code == Code::cancelled) co_return;
        // As when there are no more file descriptors: others may end; a loop without a pause would only burn.
        ignore(co_await rt::sleep_for(control_, std::chrono::milliseconds(100), scope_.stop()),
               "stop closes the listener");
        continue;
      }
      if (stopping_) co_return;
      ++past_.connections_total;
      if (connections_.size() >= options_.connections_most) {
        ++past_.refused_total;
        continue;  // closed by going out of scope
      }
      scope_.spawn(serve(*std::move(stream), policy));
    }
  }

  rt::Task<void> serve(std::unique_ptr<os::Stream> stream, TlsPolicy policy) {
    std::uint64_t id = next_id_++;
    auto connection = std::make_unique<Connection>(host_, control_, exports_, options_, stopping_,
                                                   std::move(stream), policy);
    Connection& c = *connection;
    connections_.emplace(id, std::move(connection));
    bool agreed = co_await c.haggle();
    if (!agreed) {
      if (c.failed()) ++past_.handshakes_failed_total;
    } else {
      ++past_.sessions_total;
      std::unique_ptr<Memories>& memories = memories_[&c.loop()];
      if (!memories) memories = std::make_unique<Memories>();
      co_await c.transmit(*memories);
      c.add_to(past_);
    }
    connections_.erase(id);
    ended_.wake_all();
  }

  os::Host& host_;
  rt::Loop& control_;
  Exports& exports_;
  const Options options_;
  bool stopping_ = false;
  std::uint64_t next_id_ = 1;
  Metrics past_;  // of connections that have ended
  std::map<rt::Loop*, std::unique_ptr<Memories>>
      memories_;  // each used on its loop only; looked up by it, never walked
  std::vector<std::unique_ptr<os::Listener>> listeners_;
  std::map<std::uint64_t, std::unique_ptr<Connection>> connections_;
  rt::Signal ended_;
  rt::Scope scope_;
};

Server::Server(os::Host& host, rt::Loop& control, Exports& exports, Options options)
    : impl_(std::make_unique<Impl>(host, control, exports, std::move(options))) {}
Server::~Server() = default;

rt::Task<Result<os::Address>> Server::listen(os::Address address, TlsPolicy policy) {
  return impl_->listen(std::move(address), policy);
}
rt::Task<void> Server::stop() { return impl_->stop(); }
rt::Task<void> Server::close_sessions(VolumeUuid volume) { return impl_->close_sessions(volume); }
std::vector<SessionInfo> Server::sessions() const { return impl_->sessions(); }
Metrics Server::metrics() const { return impl_->metrics(); }

}  // namespace lockstep::nbd
