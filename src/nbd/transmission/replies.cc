// Replies, and how they leave: gathered during a turn, sent in one call at its end, by a task only while the
// socket is full.
#include <algorithm>
#include <array>

#include "nbd/transmission/session.h"

namespace lockstep::nbd {
namespace {

constexpr std::size_t send_early = 128 * 1024;  // bytes: the client can work on these meanwhile
constexpr std::size_t error_text_most = 1024;

}  // namespace

// "Simple reply message": allowed for everything but NBD_CMD_READ and what has a payload, structured replies
// or not.
void Session::reply(std::uint64_t cookie) {
  MutSpan room = outbox_.reserve(simple_reply_size);
  Put(room.data()).be(magic_simple_reply).be(Errno::none).be(cookie);
  outbox_.commit(simple_reply_size);
  send_soon();
}

// "NBD_REPLY_TYPE_ERROR" where the client can take it: with the reason in words.
void Session::reply_error(std::uint64_t cookie, Errno error, std::string_view why) {
  counters_.errors.add();
  if (!structured_) {
    MutSpan room = outbox_.reserve(simple_reply_size);
    Put(room.data()).be(magic_simple_reply).be(error).be(cookie);
    outbox_.commit(simple_reply_size);
  } else {
    why = why.substr(0, error_text_most);
    std::size_t payload = 6 + why.size();
    MutSpan room = outbox_.reserve(chunk_header_size + payload);
    Put(room.data())
        .be(magic_structured_reply)
        .be(reply_done)
        .be(reply_error_type)
        .be(cookie)
        .be(static_cast<std::uint32_t>(payload))
        .be(error)
        .be(static_cast<std::uint16_t>(why.size()))
        .text(why);
    outbox_.commit(chunk_header_size + payload);
  }
  send_soon();
}

void Session::reply_error(std::uint64_t cookie, const Error& error, Access access) {
  reply_error(cookie, errno_of(error.code, access), error.message);
}

void Session::answer(const Request& request, Lsn lsn) {
  counters_.written_bytes.add(request.cmd() == Cmd::write ? request.length : 0);
  if (request.has(cmd_fua)) {
    scope_.spawn(flush_slowly(request));  // "FUA": no reply before the data are durable
    return;
  }
  pending_.push_back({lsn, request.cookie});
  for (std::size_t i = pending_.size() - 1; i > 0 && pending_[i].lsn < pending_[i - 1].lsn; --i)
    std::swap(pending_[i], pending_[i - 1]);
}

void Session::answer_late(const Request& request, Lsn lsn) {
  answer(request, lsn);
  answers_moved();
}

void Session::answers_moved() {
  if (pending_.empty()) return;
  Lsn upto = volume_->answerable();
  while (!pending_.empty() && pending_.front().lsn <= upto) {
    reply(pending_.front().cookie);
    pending_.pop_front();
  }
  if (pending_.empty()) return;
  if (auto failed = volume_->answers_failed()) {
    for (const Pending& pending : pending_) reply_error(pending.cookie, *failed, Access::change);
    pending_.clear();
  }
}

void Session::send_soon() {
  if (outbox_.bytes() >= send_early) send_now();
  if (send_scheduled_) return;
  send_scheduled_ = true;
  loop_.at_turn_end([this] { turn_ended(); });
}

void Session::turn_ended() {
  // Writes of this turn are answered at its end: one step further back in that queue, their replies leave
  // with the others.
  if (!send_deferred_ && !pending_.empty()) {
    send_deferred_ = true;
    loop_.at_turn_end([this] { turn_ended(); });
    return;
  }
  send_deferred_ = false;
  send_scheduled_ = false;
  send_now();
  something_ended();
}

void Session::send_now() {
  if (pumping_ || closing_ || outbox_.empty()) return;
  std::array<Span, 64> parts;
  std::size_t count = outbox_.parts(parts);
  auto sent = stream_->try_write(std::span<const Span>(parts).first(count));
  if (!sent) return broken();
  counters_.sends.add();
  outbox_.sent(*sent);
  if (!outbox_.empty()) {
    pumping_ = true;
    scope_.spawn(pump());
  }
}

rt::Task<void> Session::pump() {
  while (!outbox_.empty() && !closing_) {
    std::vector<Span> parts = outbox_.parts();
    std::size_t total = 0;
    for (Span part : parts) total += part.size();
    auto written = co_await stream_->write(std::move(parts));
    if (!written) {
      broken();
      break;
    }
    counters_.sends.add();
    outbox_.sent(total);
    something_ended();
  }
  pumping_ = false;
  something_ended();
}

}  // namespace lockstep::nbd
