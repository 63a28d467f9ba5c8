#include "replica/wire/timed.h"

namespace lockstep::replica {

TimedStream::TimedStream(rt::Loop& loop, std::unique_ptr<os::Stream> inner, Duration at_most)
    : inner_(std::move(inner)) {
  auto state = std::make_shared<Clock::State>();
  state->loop = &loop;
  state->stream = inner_.get();
  state->timer = loop.at(loop.clock().now() + at_most, [state] {
    state->timer = 0;
    if (state->stream != nullptr) state->stream->close();
  });
  clock_.state_ = std::move(state);
}

TimedStream::~TimedStream() {
  clock_.state_->stream = nullptr;
  clock_.stop();
}

void TimedStream::Clock::stop() {
  if (!state_ || state_->timer == 0) return;
  state_->loop->cancel(state_->timer);
  state_->timer = 0;
}

}  // namespace lockstep::replica
