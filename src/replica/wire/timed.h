// TimedStream: a stream that closes itself unless it is released in time. For handshakes with somebody who
// may never answer.
#pragma once

#include <memory>

#include "os/os.h"
#include "rt/rt.h"

namespace lockstep::replica {

class TimedStream final : public os::Stream {
 public:
  TimedStream(rt::Loop& loop, std::unique_ptr<os::Stream> inner, Duration at_most);
  ~TimedStream() override;

  // Stops the clock of a stream made here, wherever it has been handed to since.
  class Clock {
   public:
    void stop();

   private:
    friend class TimedStream;
    struct State {
      rt::Loop* loop = nullptr;
      rt::Loop::TimerId timer = 0;
      os::Stream* stream = nullptr;
    };
    std::shared_ptr<State> state_;  // shared with the stream: either may end first
  };
  [[nodiscard]] Clock clock() const { return clock_; }

  rt::Task<Result<std::size_t>> read_some(MutSpan into) override { return inner_->read_some(into); }
  Result<std::optional<std::size_t>> try_read(MutSpan into) override { return inner_->try_read(into); }
  rt::Task<Result<>> write(std::vector<Span> parts) override { return inner_->write(std::move(parts)); }
  Result<std::size_t> try_write(std::span<const Span> parts) override { return inner_->try_write(parts); }
  void close() override { inner_->close(); }
  void move_to(rt::Loop& loop) override { inner_->move_to(loop); }
  [[nodiscard]] std::string peer_name() const override { return inner_->peer_name(); }
  [[nodiscard]] std::optional<os::Fingerprint> peer_fingerprint() const override {
    return inner_->peer_fingerprint();
  }
  [[nodiscard]] std::optional<unsigned> peer_uid() const override { return inner_->peer_uid(); }

 private:
  std::unique_ptr<os::Stream> inner_;
  Clock clock_;
};

}  // namespace lockstep::replica
