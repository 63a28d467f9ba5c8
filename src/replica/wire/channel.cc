#include "replica/wire/channel.h"

#include <google/protobuf/message_lite.h>

#include <algorithm>
#include <cstring>

#include "replica/wire/convert.h"
#include "replica/wire/packing.h"

namespace lockstep::replica {
namespace {

constexpr std::size_t inlet_size = 64 << 10;

bool known(FrameType type) {
  auto n = static_cast<std::uint16_t>(type);
  return (n >= 1 && n <= 5) || (n >= 16 && n <= 18) || (n >= 32 && n <= 48) || (n >= 64 && n <= 76);
}

std::size_t total(std::span<const Span> parts) {
  std::size_t sum = 0;
  for (Span part : parts) sum += part.size();
  return sum;
}

// Drops the first `n` bytes of `parts`.
void drop(std::vector<Span>& parts, std::size_t n) {
  std::size_t i = 0;
  while (i < parts.size() && n >= parts[i].size()) n -= parts[i++].size();
  parts.erase(parts.begin(), parts.begin() + static_cast<std::ptrdiff_t>(i));
  if (n > 0) parts.front() = parts.front().subspan(n);
}

}  // namespace

Channel::Channel(rt::Loop& loop, std::unique_ptr<os::Stream> stream)
    : loop_(loop),
      stream_(std::move(stream)),
      turn_(loop, 1),
      inlet_(inlet_size),
      heard_(loop.clock().now()),
      said_(heard_) {}

Channel::~Channel() = default;

Error Channel::why_closed() const {
  return closed_ ? *closed_ : Error{Code::unreachable, "the connection was closed"};
}

rt::Task<Result<>> Channel::send(FrameType type, Span message, Span heads, std::vector<Span> data, std::uint32_t unpacked) {
  std::array<std::byte, frame_head_size> bytes;
  FrameHead head;
  head.type = type;
  head.message = static_cast<std::uint32_t>(message.size());
  head.heads = static_cast<std::uint32_t>(heads.size());
  head.data = static_cast<std::uint32_t>(total(data));
  head.unpacked = unpacked;
  head.body = body_checksum(message, heads);
  CHECK(head.message <= message_most && head.heads <= heads_most && head.data <= data_most);
  encode(head, bytes);
  std::vector<Span> parts;
  parts.reserve(3 + data.size());
  parts.emplace_back(bytes);
  if (!message.empty()) parts.push_back(message);
  if (!heads.empty()) parts.push_back(heads);
  for (Span part : data) {
    if (!part.empty()) parts.push_back(part);
  }
  std::size_t size = total(parts);

  if (!turn_.try_take(1)) co_await turn_.take(1);
  Result<> done;
  if (closed_) {
    done = fail(why_closed());
  } else {
    said_ = loop_.clock().now();
    Result<std::size_t> gone = stream_->try_write(parts);
    if (!gone) {
      done = fail(gone.error());
    } else if (*gone < size) {
      drop(parts, *gone);
      done = co_await stream_->write(std::move(parts));
    }
  }
  turn_.give(1);
  if (!done) {
    close(done.error());
    co_return fail(why_closed());
  }
  sent_ += Bytes{size};
  co_return Result<>{};
}

rt::Task<Result<>> Channel::send(FrameType type, const google::protobuf::MessageLite& message) {
  Buffer bytes(message.ByteSizeLong());
  message.SerializeToArray(bytes.data(), static_cast<int>(bytes.size()));
  if (bytes.size() > message_most)
    co_return fail(Code::invalid, "a message to the other system is larger than 1 MiB");
  std::vector<Span> none;
  co_return co_await send(type, bytes, Span{}, std::move(none));
}

rt::Task<void> Channel::refuse(Error why) {
  wire::Failure message;
  put(why, message);
  Result<> sent = co_await send(FrameType::failure, message);
  ignore(sent, "the connection ends here anyway");
  close(std::move(why));
}

// All of `into`: first what came along earlier, then from the stream; small reads take whatever else is
// there.
rt::Task<Result<>> Channel::fill(MutSpan into) {
  while (!into.empty()) {
    if (closed_) co_return fail(why_closed());
    if (inlet_at_ < inlet_end_) {
      std::size_t n = std::min(into.size(), inlet_end_ - inlet_at_);
      std::memcpy(into.data(), inlet_.data() + inlet_at_, n);
      inlet_at_ += n;
      into = into.subspan(n);
      continue;
    }
    bool small = into.size() < inlet_size / 2;
    MutSpan target = small ? MutSpan(inlet_) : into;
    Result<std::size_t> got = co_await stream_->read_some(target);
    if (closed_) co_return fail(why_closed());
    if (!got) co_return fail(got.error());
    if (*got == 0) co_return fail(Code::unreachable, "the other system ended the connection");
    heard_ = loop_.clock().now();
    received_ += Bytes{*got};
    if (small) {
      inlet_at_ = 0;
      inlet_end_ = *got;
    } else {
      into = into.subspan(*got);
    }
  }
  co_return Result<>{};
}

// Packed data come out on a worker: they may be much.
rt::Task<Result<>> Channel::fill_data(Frame& frame, FrameHead head) {
  if (head.unpacked == 0) {
    frame.data = AlignedBytes(head.data);
    co_return co_await fill(frame.data.span());
  }
  Buffer bytes(head.data);
  Result<> got = co_await fill(bytes);
  if (!got) co_return got;
  frame.data = AlignedBytes(head.unpacked);
  MutSpan into = frame.data.span();
  auto job = rt::work(loop_, [&bytes, into] { return unpack(bytes, into); });
  co_return co_await job;
}

// Silence is what is heard while somebody listens: a frame that takes long to deal with is nobody's silence.
rt::Task<Result<Frame>> Channel::receive() {
  heard_ = loop_.clock().now();
  listening_ = true;
  Result<Frame> frame = co_await next();
  listening_ = false;
  co_return frame;
}

rt::Task<Result<Frame>> Channel::next() {
  for (;;) {
    std::array<std::byte, frame_head_size> bytes;
    Result<> got = co_await fill(bytes);
    if (!got) {
      close(got.error());
      co_return fail(why_closed());
    }
    Result<FrameHead> head = decode_head(bytes);
    if (!head) {
      close(head.error());
      co_return fail(head.error());
    }
    Frame frame;
    frame.type = head->type;
    frame.message.resize(head->message);
    frame.heads.resize(head->heads);
    Result<> body = co_await fill(frame.message);
    if (body) body = co_await fill(frame.heads);
    if (body) body = co_await fill_data(frame, *head);
    if (!body) {
      close(body.error());
      co_return fail(why_closed());
    }
    if (body_checksum(frame.message, frame.heads) != head->body) {
      Error damaged{Code::corrupt, "a frame was damaged on its way here"};
      close(damaged);
      co_return fail(damaged);
    }
    if (frame.type == FrameType::failure) {
      wire::Failure failure;
      Error why{Code::io, "the other system refused"};
      if (parse(frame, failure)) why = error_from(failure);
      close(why);
      co_return fail(why);
    }
    if (frame.type == FrameType::heartbeat) continue;
    if (known(frame.type)) co_return frame;
    if ((static_cast<std::uint16_t>(frame.type) & ignorable) != 0) continue;
    Error strange{Code::unsupported, "a frame of the unknown type " +
                                         std::to_string(static_cast<unsigned>(frame.type)) +
                                         " came; update this system"};
    close(strange);
    co_return fail(strange);
  }
}

rt::Task<Result<Frame>> Channel::receive(FrameType wanted) {
  Result<Frame> frame = co_await receive();
  if (frame && frame->type != wanted) {
    Error odd{Code::corrupt, "frame " + std::to_string(static_cast<unsigned>(frame->type)) + " came where " +
                                 std::to_string(static_cast<unsigned>(wanted)) + " was due"};
    close(odd);
    co_return fail(odd);
  }
  co_return frame;
}

void Channel::close(Error why) {
  if (closed_) return;
  closed_ = std::move(why);
  stop_.request();
  if (stream_) stream_->close();
}

Result<std::unique_ptr<os::Stream>> Channel::release() {
  if (closed_) return fail(why_closed());
  if (inlet_at_ != inlet_end_) return fail(Code::corrupt, "the other system spoke out of turn");
  closed_ = Error{Code::cancelled, "the connection serves another purpose now"};
  return std::move(stream_);
}

rt::Task<void> Channel::keep_alive(FrameType beat, Duration every, Duration at_most) {
  while (!closed_) {
    Duration turn = every;
    bool slept = co_await rt::sleep_for(loop_, turn, stop_);
    if (!slept || closed_) break;
    Instant now = loop_.clock().now();
    if (listening_ && now - heard_ >= at_most) {
      close(Error{
          Code::unreachable,
          "nothing was heard for " +
              std::to_string(std::chrono::duration_cast<std::chrono::milliseconds>(now - heard_).count()) +
              " ms"});
      break;
    }
    // A writer that is stuck says nothing either: the other end finds out by itself.
    if (beat == FrameType::heartbeat && now - said_ >= every && turn_.used() == 0) {
      Result<> sent = co_await send(beat);
      ignore(sent, "a failed send closed the channel");
    }
  }
}

rt::Task<void> Channel::pause(Duration length) {
  bool slept = co_await rt::sleep_for(loop_, length, stop_);
  ignore(slept, "the caller looks at closed()");
}

Result<> parse(const Frame& frame, google::protobuf::MessageLite& into) {
  if (into.ParseFromArray(frame.message.data(), static_cast<int>(frame.message.size()))) return {};
  return fail(Code::corrupt, "a message that cannot be read came in frame " +
                                 std::to_string(static_cast<unsigned>(frame.type)));
}

}  // namespace lockstep::replica
