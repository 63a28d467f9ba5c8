#include "replica/reporter.h"

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

void Reporter::poke() {
  State& s = *state_;
  if (!s.status || s.armed) return;
  s.armed = true;
  Status now = s.status();
  bool news = now.flow != s.flow || now.connected != s.connected;
  Instant due = news ? s.loop->clock().now() : s.last + shortest_pause;
  if (due <= s.loop->clock().now()) {
    s.loop->at_turn_end([state = state_] { send(state); });
  } else {
    ignore(s.loop->at(due, [state = state_] { send(state); }), "a stopped reporter sends nothing");
  }
}

void Reporter::send(const std::shared_ptr<State>& state) {
  state->armed = false;
  if (!state->status) return;
  Status now = state->status();
  state->last = state->loop->clock().now();
  state->flow = now.flow;
  state->connected = now.connected;
  state->control->post(rt::Callback([deliver = state->deliver, now = std::move(now)] { deliver(now); }));
}

}  // namespace lockstep::replica
