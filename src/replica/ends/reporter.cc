#include "replica/ends/reporter.h"

namespace lockstep::replica {
namespace {

constexpr Duration shortest_pause = std::chrono::milliseconds(100);

}  // namespace

Reporter::Reporter(rt::Loop& loop, rt::Loop& control, Deliver deliver) : state_(std::make_shared<State>()) {
  state_->loop = &loop;
  state_->control = &control;
  state_->deliver = std::move(deliver);
}

Reporter::~Reporter() { stop(); }

void Reporter::stop() {
  state_->status = nullptr;
  state_->deliver = nullptr;
}

void Reporter::poke() { poke(state_); }

void Reporter::ask() {
  state_->loop->post(rt::Callback([state = state_] { poke(state); }));
}

// News goes out at the end of this turn, so that no change of state hides behind the next one.
void Reporter::poke(const std::shared_ptr<State>& state) {
  State& s = *state;
  if (!s.status || s.armed == rt::Loop::TimerId{0}) return;
  Status now = s.status();
  bool news = now.flow != s.flow || now.connected != s.connected || now.mode_in_force != s.mode;
  Instant due = news ? s.loop->clock().now() : s.last + shortest_pause;
  bool soon = due <= s.loop->clock().now();
  if (s.armed && !soon) return;
  if (s.armed) s.loop->cancel(*s.armed);
  if (soon) {
    s.armed = rt::Loop::TimerId{0};
    s.loop->at_turn_end([state] { send(state); });
  } else {
    s.armed = s.loop->at(due, [state] { send(state); });
  }
}

void Reporter::send(const std::shared_ptr<State>& state) {
  state->armed.reset();
  if (!state->status) return;
  Status now = state->status();
  state->last = state->loop->clock().now();
  state->flow = now.flow;
  state->connected = now.connected;
  state->mode = now.mode_in_force;
  state->control->post(rt::Callback([deliver = state->deliver, now = std::move(now)] { deliver(now); }));
}

}  // namespace lockstep::replica
