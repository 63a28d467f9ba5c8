#include "os/sim/connection.h"

#include <algorithm>
#include <cstring>

namespace lockstep::os::sim {
namespace {

constexpr Range retransmission{std::chrono::milliseconds(1), std::chrono::milliseconds(200)};   // after the way is free again

}  // namespace

Connection::Connection(Network& network, EndPlace a, EndPlace b, bool is_unix)
    : network_(network), number_(network.next_connection()), is_unix_(is_unix), ends_{End(std::move(a)), End(std::move(b))} {}

bool Connection::passes(int from) const {
  return !silent_ && network_.passes(ends_[from].life.host(), ends_[1 - from].life.host());
}

void Connection::wake(int side) {
  ends_[side].readable->wake_all();
  ends_[side].writable->wake_all();
}

void Connection::move_to(int side, rt::Loop& loop) {
  ends_[side].readable.emplace(loop);   // somebody who still waits trips the Signal's own check
  ends_[side].writable.emplace(loop);
}

Result<std::size_t> Connection::send(int side, Span bytes) {
  End& end = ends_[side];
  if (end.closed) return fail(Code::cancelled, name(1 - side) + ": this end is closed");
  if (end.broken) return fail(*end.broken);
  std::uint64_t window = network_.options().window.value;
  std::size_t n = std::min<std::uint64_t>(bytes.size(), window > end.unread ? window - end.unread : 0);
  end.unread += n;
  for (std::size_t left = n; left > 0;) {
    std::size_t most = std::min<std::uint64_t>(left, network_.options().piece_max.value);
    std::size_t piece = network_.rng().coin() ? most : 1 + network_.rng().below(most);
    fly(side, Piece::Kind::data, bytes.subspan(n - left, piece));
    left -= piece;
  }
  return n;
}

Result<std::optional<std::size_t>> Connection::take(int side, MutSpan into) {
  End& end = ends_[side];
  if (end.closed) return fail(Code::cancelled, name(1 - side) + ": this end is closed");
  if (end.inbox.empty()) {
    if (end.broken) return fail(*end.broken);
    if (end.ended) return std::optional<std::size_t>(0);
    return std::optional<std::size_t>();
  }
  if (into.empty()) return std::optional<std::size_t>(0);
  std::size_t n = 0;
  bool one_piece = network_.rng().coin();
  while (!end.inbox.empty() && n < into.size() && !(one_piece && n > 0)) {
    Buffer& piece = end.inbox.front();
    std::size_t part = std::min(piece.size() - end.front_read, into.size() - n);
    std::memcpy(into.data() + n, piece.data() + end.front_read, part);
    n += part;
    end.front_read += part;
    if (end.front_read == piece.size()) {
      end.inbox.pop_front();
      end.front_read = 0;
    }
  }
  ends_[1 - side].read_unknown += n;
  tell_read(side);
  return std::optional<std::size_t>(n);
}

// A close with bytes unread is a reset to the other side, as TCP has it.
void Connection::close(int side) {
  End& end = ends_[side];
  if (end.closed) return;
  end.closed = true;
  if (!end.life.dead() && !end.broken) fly(side, end.inbox.empty() ? Piece::Kind::end : Piece::Kind::reset, {});
  end.inbox.clear();
  wake(side);
}

void Connection::fly(int from, Piece::Kind kind, Span bytes) {
  End& end = ends_[from];
  World& world = network_.world();
  const Host &here = end.life.host(), &there = ends_[1 - from].life.host();
  auto transmission = Duration(static_cast<std::int64_t>(bytes.size() * 1000000000ull / network_.options().bandwidth.value));
  end.line_free = std::max(end.line_free, world.now()) + transmission;
  end.last_arrival = std::max(end.last_arrival, end.line_free + network_.latency(here, there));
  end.flying.push_back({kind, to_buffer(bytes), end.last_arrival});
  network_.pass_by(here, there, end.flying.back().bytes);
  world.fold(Event::net, number_ * 2 + static_cast<std::uint64_t>(from), checksum_of(bytes).value);
  world.schedule(end.last_arrival, nullptr, Event::net, [self = shared_from_this(), from] { self->arrive(from); });
}

void Connection::arrive(int from) {
  End& sender = ends_[from];
  End& receiver = ends_[1 - from];
  Instant now = network_.world().now();
  while (!sender.flying.empty() && sender.flying.front().arrives <= now) {
    bool nobody = receiver.closed || receiver.life.dead();
    if (!passes(from) || (nobody && !passes(1 - from))) return stuck(from);
    sender.stuck_since.reset();
    Piece piece = std::move(sender.flying.front());
    sender.flying.pop_front();
    switch (piece.kind) {
      case Piece::Kind::data:
        if (nobody) return refuse(from);
        receiver.inbox.push_back(std::move(piece.bytes));
        break;
      case Piece::Kind::end: receiver.ended = true; break;
      case Piece::Kind::reset: break_end(1 - from, Code::unreachable, "the connection was reset"); break;
    }
    if (!nobody) wake(1 - from);
  }
}

void Connection::stuck(int from) {
  End& sender = ends_[from];
  if (sender.stuck_since) return;
  Instant since = network_.world().now();
  sender.stuck_since = since;
  auto give_up = [self = shared_from_this(), from, since] {
    if (self->ends_[from].stuck_since == since) self->break_end(from, Code::timeout, "no answer");
  };
  network_.world().schedule(since + network_.options().give_up, nullptr, Event::net, std::move(give_up));
}

// The other host answers that it knows of no such connection (any more).
void Connection::refuse(int from) {
  ends_[from].flying.clear();
  Duration back = network_.latency(ends_[1 - from].life.host(), ends_[from].life.host());
  network_.world().schedule(network_.world().now() + back, nullptr, Event::net, [self = shared_from_this(), from] {
    self->break_end(from, Code::unreachable, "the connection was reset");
  });
}

void Connection::tell_read(int reader) {
  End& sender = ends_[1 - reader];
  if (sender.telling || sender.read_unknown == 0) return;
  sender.telling = true;
  Duration way = network_.latency(ends_[reader].life.host(), sender.life.host());
  network_.world().schedule(network_.world().now() + way, nullptr, Event::net, [self = shared_from_this(), reader] {
    End& to = self->ends_[1 - reader];
    to.telling = false;
    if (!self->passes(reader)) return;   // told again when the way is free
    to.unread -= std::exchange(to.read_unknown, 0);
    if (!to.closed) to.writable->wake_all();
  });
}

void Connection::resume() {
  for (int side : {0, 1}) {
    End& end = ends_[side];
    if (end.stuck_since && passes(side)) {
      Instant when = network_.world().now() + network_.rng().in(retransmission);
      network_.world().schedule(when, nullptr, Event::net, [self = shared_from_this(), side] { self->arrive(side); });
    }
    tell_read(side);
  }
}

void Connection::break_end(int side, Code code, const std::string& why) {
  End& end = ends_[side];
  end.flying.clear();
  end.stuck_since.reset();
  if (!end.broken) end.broken = Error{code, name(1 - side) + ": " + why};
  if (!end.closed) wake(side);
}

void Connection::break_both(const std::string& why) {
  for (int side : {0, 1}) break_end(side, Code::unreachable, why);
}

void Connection::life_died(Life& life, bool silently) {
  for (int side : {0, 1}) {
    End& end = ends_[side];
    if (&end.life != &life || end.closed) continue;
    if (silently) {   // what was still inside the machine is gone
      end.flying.resize(network_.rng().below(end.flying.size() + 1));
    } else if (!end.broken) {
      bool orderly = end.inbox.empty() && network_.rng().coin();
      fly(side, orderly ? Piece::Kind::end : Piece::Kind::reset, {});
    }
    end.closed = true;
    end.inbox.clear();
    wake(side);
  }
}

}  // namespace lockstep::os::sim
