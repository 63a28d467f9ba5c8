#include <list>
#include <utility>

#include "http/connection.h"

namespace lockstep::http {

struct Server::State {
  State(os::Host& the_host, rt::Loop& the_loop, Handler& the_handler, Options the_options)
      : host(the_host), loop(the_loop), handler(the_handler), options(the_options), connections(the_loop), listeners(the_loop) {}

  rt::Task<void> accept_all(os::Listener* listener, std::optional<os::TlsServer> tls);
  rt::Task<void> serve(std::unique_ptr<os::Stream> stream, std::optional<os::TlsServer> tls);
  rt::Task<void> serve_counted(std::unique_ptr<os::Stream> stream, std::optional<os::TlsServer> tls);

  os::Host& host;
  rt::Loop& loop;
  Handler& handler;
  Options options;
  Counters counters;
  rt::Stop stop;
  std::list<os::Stream*> open;         // of connections, to cut those that outstay a stop
  rt::Scope connections;
  rt::Scope listeners;
  std::vector<std::unique_ptr<os::Listener>> listening;
};

Server::Server(os::Host& host, rt::Loop& loop, Handler& handler, Options options) : state_(std::make_unique<State>(host, loop, handler, options)) {}
Server::~Server() = default;

Counters Server::counters() const { return state_->counters; }

rt::Task<Result<os::Address>> Server::listen(os::Address address, std::optional<os::TlsServer> tls) {
  Result<std::unique_ptr<os::Listener>> listener = co_await state_->host.net().listen(state_->loop, std::move(address));
  if (!listener) co_return fail(std::move(listener).error());
  os::Listener* raw = listener->get();
  os::Address at = raw->address();
  state_->listening.push_back(*std::move(listener));
  state_->listeners.spawn(state_->accept_all(raw, std::move(tls)));
  co_return at;
}

rt::Task<void> Server::State::accept_all(os::Listener* listener, std::optional<os::TlsServer> tls) {
  while (!stop.requested()) {
    Result<std::unique_ptr<os::Stream>> stream = co_await listener->accept();
    if (stop.requested()) co_return;
    if (!stream) {
      if (stream.error().code == Code::cancelled) co_return;
      co_await rt::sleep_for(loop, std::chrono::milliseconds(100), stop);   // out of descriptors, most likely
      continue;
    }
    ++counters.connections_total;
    connections.spawn(serve_counted(*std::move(stream), tls));
  }
}

rt::Task<void> Server::State::serve_counted(std::unique_ptr<os::Stream> stream, std::optional<os::TlsServer> tls) {
  if (counters.connections >= options.connections_max) {
    ++counters.errors_total;
    static constexpr std::string_view full = "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nRetry-After: 1\r\nConnection: close\r\n\r\n";
    Span parts[] = {as_span(full)};
    if (!tls) ignore(stream->try_write(parts), "a courtesy to whoever gets it");
    co_return;
  }
  ++counters.connections;
  co_await serve(std::move(stream), std::move(tls));
  --counters.connections;
}

rt::Task<void> Server::State::serve(std::unique_ptr<os::Stream> stream, std::optional<os::TlsServer> tls) {
  if (tls) {
    rt::Stop::Guard guard = stop.on_request([under = stream.get()] { under->close(); });
    Deadline deadline(loop, *stream, options.header_within);
    Result<std::unique_ptr<os::Stream>> secured = co_await host.tls().server(std::move(stream), *tls);
    if (!secured) {
      ++counters.errors_total;
      co_return;
    }
    stream = *std::move(secured);
  }
  auto at = open.insert(open.end(), stream.get());
  Connection connection(loop, handler, options, counters, stop, tls.has_value());
  co_await connection.serve(std::move(stream));
  open.erase(at);
}

rt::Task<void> Server::stop() {
  State& state = *state_;
  for (auto& listener : state.listening) listener->close();
  state.stop.request();
  co_await state.listeners.join();
  rt::Loop::TimerId timer = state.loop.at(state.loop.clock().now() + state.options.stop_within, [&state] {
    for (os::Stream* stream : state.open) stream->close();
  });
  co_await state.connections.join();
  state.loop.cancel(timer);
  state.listening.clear();
}

}  // namespace lockstep::http
