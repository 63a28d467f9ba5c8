// Channel: frames over a stream. One reader; writers take turns. Knows when the other end was last heard of.
// Lives on: the loop of its stream.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/base.h"
#include "os/os.h"
#include "replica/wire/aligned.h"
#include "replica/wire/frame.h"
#include "rt/rt.h"

namespace google::protobuf {
class MessageLite;
}

namespace lockstep::replica {

struct Frame {
  FrameType type = FrameType::failure;
  Buffer message;
  Buffer heads;
  AlignedBytes data;
};

class Channel {
 public:
  Channel(rt::Loop& loop, std::unique_ptr<os::Stream> stream);
  ~Channel();
  Channel(const Channel&) = delete;
  Channel& operator=(const Channel&) = delete;

  // Returns when the bytes have left for the stream; all of them must outlive the call.
  // `unpacked`: of data that are packed, what comes out of them.
  rt::Task<Result<>> send(FrameType type, Span message, Span heads, std::vector<Span> data, std::uint32_t unpacked = 0);
  rt::Task<Result<>> send(
      FrameType type, const google::protobuf::MessageLite& message);  // encoded before the first suspension
  rt::Task<Result<>> send(FrameType type) { return send(type, Span{}, Span{}, {}); }
  // Tells the other end why, then closes.
  rt::Task<void> refuse(Error why);

  // The next frame, its checksums held against it. A `failure` frame becomes its error. Unknown ignorable
  // types are skipped.
  rt::Task<Result<Frame>> receive();
  // Of this type, or `corrupt` when another one came.
  rt::Task<Result<Frame>> receive(FrameType wanted);

  void close(Error why);  // what waits, and every later call, fails with `why`
  [[nodiscard]] const std::optional<Error>& closed() const { return closed_; }
  // Gives the stream away again, so that it may move to another loop. Nothing may be in flight, nothing
  // received unread.
  [[nodiscard]] Result<std::unique_ptr<os::Stream>> release();

  // Closes when nothing was heard for `at_most` while somebody was receiving; says something with `beat` when nothing was said for
  // `every`. Ends with the channel.
  rt::Task<void> keep_alive(FrameType beat, Duration every, Duration at_most);

  // Sleeps, but no longer than the channel is open.
  rt::Task<void> pause(Duration length);

  [[nodiscard]] rt::Loop& loop() const { return loop_; }
  [[nodiscard]] os::Stream& stream() { return *stream_; }
  [[nodiscard]] Instant heard() const { return heard_; }
  [[nodiscard]] Bytes sent_bytes() const { return sent_; }
  [[nodiscard]] Bytes received_bytes() const { return received_; }

 private:
  rt::Task<Result<Frame>> next();
  rt::Task<Result<>> fill(MutSpan into);
  rt::Task<Result<>> fill_data(Frame& frame, FrameHead head);
  [[nodiscard]] Error why_closed() const;

  rt::Loop& loop_;
  std::unique_ptr<os::Stream> stream_;
  rt::Budget turn_;  // of writers
  rt::Stop stop_;
  std::optional<Error> closed_;
  Buffer inlet_;  // bytes that came with others
  std::size_t inlet_at_ = 0, inlet_end_ = 0;
  Instant heard_, said_;
  bool listening_ = false;
  Bytes sent_, received_;
};

// A message out of a frame's bytes; `corrupt` when it is none.
[[nodiscard]] Result<> parse(const Frame& frame, google::protobuf::MessageLite& into);

}  // namespace lockstep::replica
