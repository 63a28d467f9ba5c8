#include "http/connection.h"

#include <utility>

namespace lockstep::http {

namespace {

constexpr std::size_t read_size = 16384;

bool has_no_body(unsigned status) { return status == 204 || status == 304 || status < 200; }

}  // namespace

rt::Task<void> Connection::serve(std::unique_ptr<os::Stream> stream) {
  stream_ = std::move(stream);
  rt::Stop::Guard guard = stop_.on_request([this] {
    if (!busy_) stream_->close();   // a request that runs is let finish
  });
  while (!stop_.requested()) {
    Next next = co_await one_request();
    if (next == Next::end) break;
  }
  stream_->close();
}

rt::Task<bool> Connection::fill() {
  std::size_t had = buffer_.size();
  buffer_.resize(had + read_size);
  Result<std::size_t> got = co_await stream_->read_some({reinterpret_cast<std::byte*>(buffer_.data()) + had, read_size});
  buffer_.resize(had + (got ? *got : 0));
  co_return got && *got > 0;
}

rt::Task<Connection::Next> Connection::one_request() {
  busy_ = !buffer_.empty();
  if (!busy_) {
    Deadline idle(loop_, *stream_, options_.idle);
    bool more = co_await fill();
    if (!more) co_return Next::end;
    busy_ = true;
  }
  Parser parser(options_);
  bool told_to_continue = false;
  {
    std::optional<Deadline> deadline(std::in_place, loop_, *stream_, options_.header_within);
    bool in_body = false;
    while (true) {
      auto used = parser.put(buffer_);
      if (!used) {
        deadline.reset();
        co_return co_await reject(std::move(used).error());
      }
      buffer_.erase(0, *used);
      if (parser.done()) break;
      if (parser.header_done() && !std::exchange(in_body, true)) {
        deadline.reset();
        deadline.emplace(loop_, *stream_, options_.body_within);
      }
      if (*used > 0 && !buffer_.empty()) continue;
      if (parser.waits_for_continue() && buffer_.empty() && !std::exchange(told_to_continue, true)) {
        bool sent = co_await send("HTTP/1.1 100 Continue\r\n\r\n", {});
        if (!sent) co_return Next::end;
      }
      bool more = co_await fill();
      if (!more) co_return Next::end;
    }
  }
  bool keep_alive = parser.keep_alive();
  bool chunks_allowed = parser.chunks_allowed();
  auto request = parser.take();
  if (!request) co_return co_await reject(std::move(request).error());
  request->uid = stream_->peer_uid();
  request->secure = tls_ || request->uid.has_value();
  request->peer = stream_->peer_name();
  ++counters_.requests_total;
  bool head_only = request->method == "HEAD";
  Response response = co_await handler_.handle(*std::move(request));
  if (stop_.requested()) keep_alive = false;
  co_return co_await respond(std::move(response), head_only, keep_alive, chunks_allowed);
}

rt::Task<Connection::Next> Connection::reject(Rejected rejected) {
  ++counters_.errors_total;
  Response response;
  response.status = rejected.status;
  response.fields.push_back({"Content-Type", "text/plain; charset=utf-8"});
  response.body = std::string(reason_of(rejected.status)) + ": " + rejected.reason + "\n";
  co_return co_await respond(std::move(response), false, false, false);
}

rt::Task<bool> Connection::send(std::string first, std::string second) {
  Deadline deadline(loop_, *stream_, options_.write_within);
  std::vector<Span> parts;
  parts.push_back(as_span(first));
  if (!second.empty()) parts.push_back(as_span(second));
  Result<> sent = co_await stream_->write(std::move(parts));
  co_return sent.has_value();
}

rt::Task<Connection::Next> Connection::respond(Response response, bool head_only, bool keep_alive, bool chunks_allowed) {
  if (response.pieces && !head_only) {
    bool chunked = chunks_allowed;
    co_return co_await send_pieces(std::move(response), chunked);
  }
  Framing framing;
  framing.keep_alive = keep_alive;
  if (!has_no_body(response.status) && !response.pieces) framing.length = response.body.size();
  std::string head = head_of(response, framing, loop_.clock().wall());
  std::string body = head_only || has_no_body(response.status) ? std::string() : std::move(response.body);
  bool sent = co_await send(std::move(head), std::move(body));
  busy_ = false;
  co_return sent && keep_alive ? Next::again : Next::end;
}

// The client says nothing while it listens: whatever arrives is kept for later, and the end means that it left.
rt::Task<void> Connection::watch_for_leaving(rt::Stop* left) {
  while (buffer_.size() < 4 * read_size) {
    bool more = co_await fill();
    if (more) continue;
    left->request();
    co_return;
  }
}

// The connection ends with the pieces, and says so.
rt::Task<Connection::Next> Connection::send_pieces(Response response, bool chunked) {
  std::unique_ptr<Pieces> pieces = std::move(response.pieces);
  Framing framing;
  framing.keep_alive = false;
  framing.chunked = chunked;
  bool sent = co_await send(head_of(response, framing, loop_.clock().wall()), {});
  rt::Stop left;
  rt::Stop::Guard guard = stop_.on_request([&left] { left.request(); });
  rt::Scope watcher(loop_);
  watcher.spawn(watch_for_leaving(&left));
  while (sent && !left.requested()) {
    std::optional<std::string> piece = co_await pieces->next(left);
    if (!piece) break;
    if (piece->empty()) continue;
    std::string head;
    if (chunked) {
      head = chunk_head(piece->size());
      piece->append("\r\n");
    }
    sent = co_await send(std::move(head), *std::move(piece));
  }
  pieces.reset();
  if (sent && chunked) sent = co_await send("0\r\n\r\n", {});
  stream_->close();   // the watcher reads: only this ends it
  co_await watcher.join();
  co_return Next::end;
}

}  // namespace lockstep::http
