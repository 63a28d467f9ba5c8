#include "nbd/transmission/session.h"

#include <algorithm>

namespace lockstep::nbd {
namespace {

constexpr std::size_t requests_per_turn = 128;    // then, or after so many bytes of payload,
constexpr std::size_t bytes_per_turn = 1u << 20;  // the rest of the loop has its turn
constexpr std::size_t receive_after_big_write = 16 * 1024;

// Resumes in the next turn, after everything of this one.
struct NextTurn {
  rt::Loop& loop;
  bool await_ready() const noexcept { return false; }
  void await_suspend(std::coroutine_handle<> h) const {
    rt::Loop* at = &loop;
    loop.at_turn_end([at, h] { at->post(h); });
  }
  void await_resume() const noexcept {}
};

std::size_t count_index(std::uint16_t type) { return std::min<std::size_t>(type, 8); }

}  // namespace

Session::Session(std::unique_ptr<os::Stream> stream, Agreed agreed, const Options& options,
                 Memories& memories)
    : loop_(agreed.found.loop()),
      options_(options),
      memories_(memories),
      stream_(std::move(stream)),
      agreed_(std::move(agreed)),
      structured_(agreed_.structured),
      read_only_(!agreed_.found.writable()),
      inbox_(memories),
      outbox_(memories),
      room_(loop_),
      scope_(loop_) {}

rt::Task<void> Session::run() {
  volume_ = agreed_.found.take();
  volume_->watch_answers(*this);
  if (!closing_) co_await read_requests();
  while (drain_ && !closing_ && !idle()) co_await room_.wait();
  send_now();
  close();
  co_await scope_.join();
  while (send_scheduled_) co_await room_.wait();
  volume_->unwatch_answers(*this);
  pending_.clear();
  outbox_.clear();
  inbox_.release();
  volume_.reset();
  stream_.reset();
}

void Session::finish() {
  if (finishing_ || closing_) return;
  finishing_ = true;
  scope_.spawn(close_when_done());
}

rt::Task<void> Session::close_when_done() {
  // Ends with whatever comes first: nothing in flight, the time, close().
  Instant until = loop_.clock().now() + options_.goodbye_at_most;
  rt::Loop::TimerId timer = loop_.at(until, [this] { close(); });
  while (!closing_ && !idle()) co_await room_.wait();
  loop_.cancel(timer);
  close();
}

void Session::close() {
  if (closing_) return;
  closing_ = true;
  scope_.stop().request();
  if (stream_) stream_->close();
  something_ended();
}

void Session::broken() { close(); }

bool Session::admits(std::size_t bytes) const {
  if (requests_held_ + pending_.size() >= options_.requests_most) return false;
  std::size_t used = bytes_held_ + outbox_.bytes();
  return used == 0 || used + bytes <= options_.session_memory.value;
}

rt::Task<void> Session::read_requests() {
  while (!closing_) {
    switch (parse()) {
      case Step::more_bytes:
        if (!co_await receive()) co_return;
        break;
      case Step::next_turn: {
        NextTurn next{loop_};
        co_await next;
        break;
      }
      case Step::room: co_await room_.wait(); break;
      case Step::pace: co_await pace(); break;
      case Step::payload:
        if (!co_await receive_payload()) co_return;
        break;
      case Step::end: co_return;
    }
  }
}

rt::Task<bool> Session::receive() {
  MutSpan room = inbox_.room();
  // Behind a big write another one is likely: its payload is to go where it is wanted, not here first.
  if (after_big_write_) room = room.first(std::min(room.size(), receive_after_big_write));
  auto n = co_await stream_->read_some(room);
  if (!n) co_return false;
  if (*n == 0) {
    // "Terminating the transmission phase": a half-sent request dies with its connection; whole ones are
    // still answered.
    drain_ = true;
    co_return false;
  }
  counters_.receives.add();
  inbox_.received(*n);
  co_return true;
}

rt::Task<void> Session::pace() {
  Duration wait = volume_->pace();
  if (wait > Duration{0}) co_await rt::sleep_for(loop_, wait, scope_.stop());
  paced_ = true;
}

Session::Step Session::parse() {
  std::size_t bytes = 0;
  for (std::size_t i = 0; i < requests_per_turn && bytes < bytes_per_turn; ++i) {
    if (skip_ > 0) {
      std::size_t n = std::min<std::uint64_t>(skip_, inbox_.size());
      inbox_.consume(n);
      skip_ -= n;
      if (skip_ > 0) return Step::more_bytes;
    }
    if (inbox_.size() < request_size) return Step::more_bytes;
    const std::byte* at = inbox_.bytes().data();
    if (load_be<std::uint32_t>(at) != magic_request)
      return Step::end;  // where the next request begins nobody knows
    Request request = decode_request(at);
    if (request.cmd() == Cmd::write) {
      Step step = parse_write(request);
      if (step != Step::next_turn) return step;
      bytes += std::min<std::size_t>(request.length, Inbox::payload_most);
      continue;
    }
    std::size_t answer_size =
        request.cmd() == Cmd::read && request.length <= payload_most ? request.length : 0;
    if (!admits(answer_size)) return Step::room;
    bytes += answer_size;
    if ((request.cmd() == Cmd::trim || request.cmd() == Cmd::write_zeroes) && !paced_ &&
        volume_->pace() > Duration{0})
      return Step::pace;
    paced_ = false;
    inbox_.consume(request_size);
    counters_.requests[count_index(request.type)].add();
    if (request.cmd() == Cmd::disc) {
      drain_ = true;
      return Step::end;
    }
    handle(request);
  }
  return Step::next_turn;
}

// next_turn: done with it, go on. Else what has to happen first.
Session::Step Session::parse_write(const Request& request) {
  Refusal refused = refusal(request, cmd_fua, Access::change);
  if (!admits(refused ? 0 : request.length)) return Step::room;
  if (refused) {
    counters_.requests[count_index(request.type)].add();
    reply_error(request.cookie, refused.error, refused.why);
    inbox_.consume(request_size);
    skip_ = request.length;
    return Step::next_turn;
  }
  if (!paced_ && volume_->pace() > Duration{0}) return Step::pace;
  if (request.length >= Inbox::payload_most) {
    counters_.requests[count_index(request.type)].add();
    current_ = request;
    inbox_.consume(request_size);
    return Step::payload;
  }
  if (inbox_.size() < request_size + request.length) return Step::more_bytes;
  paced_ = false;
  after_big_write_ = false;
  counters_.requests[count_index(request.type)].add();
  Span payload = inbox_.bytes().subspan(request_size, request.length);
  write(request, payload, Memory{});
  inbox_.consume(request_size + request.length);
  return Step::next_turn;
}

// Straight into memory of its own, aligned, that can be handed to a disk as it is.
rt::Task<bool> Session::receive_payload() {
  Request request = current_;
  InFlight held(*this, request.length);
  Memory memory = memories_.take(request.length);
  std::size_t got = std::min<std::size_t>(inbox_.size(), request.length);
  if (got > 0) {
    std::memcpy(memory.data(), inbox_.bytes().data(), got);
    inbox_.consume(got);
  }
  while (got < request.length) {
    auto n = co_await stream_->read_some(memory.span().subspan(got, request.length - got));
    if (!n || *n == 0) {
      memories_.give(std::move(memory));
      drain_ = n.has_value();
      co_return false;  // a half-sent write is no write
    }
    counters_.receives.add();
    got += *n;
  }
  paced_ = false;
  after_big_write_ = true;
  Span payload = memory.span().first(request.length);
  write(request, payload, std::move(memory));
  co_return true;
}

void Session::handle(const Request& request) {
  if (finishing_) {
    reply_error(request.cookie, Errno::eshutdown, "this export is being closed: disconnect");
    return;
  }
  switch (request.cmd()) {
    case Cmd::read: read(request); return;
    case Cmd::flush: flush(request); return;
    case Cmd::trim:
    case Cmd::write_zeroes: zero(request); return;
    case Cmd::cache: cache(request); return;
    case Cmd::block_status: block_status(request); return;
    case Cmd::write:
    case Cmd::disc: break;
  }
  reply_error(request.cookie, Errno::einval, "unknown NBD command");
}

// In the order of "Error values": what is malformed first, then what is not allowed, then where it lies.
Session::Refusal Session::refusal(const Request& request, std::uint16_t flags_allowed, Access access) const {
  bool payload = request.cmd() == Cmd::read || request.cmd() == Cmd::write;
  if ((request.flags & ~flags_allowed) != 0)
    return {Errno::einval, "a flag that this NBD command does not know"};
  if (finishing_) return {Errno::eshutdown, "this export is being closed: disconnect"};
  if (access == Access::change && read_only_) return {Errno::eperm, "the export is read-only"};
  if (access == Access::look) {
    if (auto closed = volume_->closed()) return {errno_of(closed->code, access), std::move(closed->message)};
  }
  if (request.length == 0) return {Errno::einval, "a request of no bytes"};
  if (payload && request.length > payload_most) return {Errno::einval, "more than 32 MiB in one request"};
  std::uint64_t size = volume_->size().value;
  if (request.offset > size || request.length > size - request.offset) {
    return {access == Access::change ? Errno::enospc : Errno::einval,
            "the request reaches past the end of the export"};
  }
  if (((request.offset | request.length) % sector_size) != 0) {
    return {Errno::einval, "offset and length must be multiples of the block size, 512 bytes"};
  }
  return {};
}

}  // namespace lockstep::nbd
