#include "replica/peers/link.h"

#include <algorithm>

#include "replica/wire/convert.h"

namespace lockstep::replica {
namespace {

constexpr Duration first_pause = std::chrono::milliseconds(100);
constexpr Duration longest_pause = std::chrono::seconds(2);

bool harmless_when_repeated(const wire::Request& request) {
  return request.has_act() || request.has_pools() || request.has_stand() || request.has_block();
}

}  // namespace

void Link::Waiting::fail(const Error& why) {
  reply.emplace(lockstep::fail(why));
  cut = true;
}

rt::Task<Result<Dialed>> dial_address(const Ground& ground, os::Address address, os::Fingerprint pinned) {
  auto raw = co_await ground.host.net().connect(ground.control, address, ground.options.reachable_within);
  if (!raw) co_return fail(raw.error());
  auto timed =
      std::make_unique<TimedStream>(ground.control, std::move(*raw), ground.options.reachable_within);
  Dialed out;
  out.clock = timed->clock();
  Instant until = ground.control.clock().now() + ground.options.reachable_within;
  os::TlsClient options;
  options.identity = ground.self.identity;
  options.pinned = pinned;
  auto stream = co_await ground.host.tls().client(std::move(timed), std::move(options));
  if (!stream && ground.control.clock().now() >= until)
    co_return fail(Code::timeout, "the connection was taken, and nothing was said");
  if (!stream) co_return fail(stream.error());
  out.stream = std::move(*stream);
  co_return out;
}

rt::Task<Result<std::unique_ptr<Channel>>> dial(const Ground& ground, Peer peer, wire::Purpose purpose,
                                                RelationshipId relationship) {
  Error last{Code::unreachable,
             "system '" + peer.name + "' has no address that this system knows; let it join again with one"};
  for (const os::Address& address : peer.addresses) {
    Result<Dialed> dialed = co_await dial_address(ground, address, peer.fingerprint);
    if (!dialed) {
      last = dialed.error().in("system '" + peer.name + "' at " + os::text_of(address));
      continue;
    }
    auto channel = std::make_unique<Channel>(ground.control, std::move(dialed->stream));
    wire::Hello hello;
    hello.set_oldest(protocol_oldest);
    hello.set_newest(protocol_newest);
    hello.set_system(bytes_of(ground.self.id));
    hello.set_system_name(ground.self.name);
    hello.set_purpose(purpose);
    if (!relationship.is_none()) hello.set_relationship(bytes_of(relationship));
    Result<> said = co_await channel->send(FrameType::hello, hello);
    if (!said) co_return fail(said.error());
    Result<Frame> answer = co_await channel->receive(FrameType::welcome);
    if (!answer) co_return fail(answer.error().in("system '" + peer.name + "'"));
    wire::Welcome welcome;
    Result<> parsed = parse(*answer, welcome);
    if (!parsed) co_return fail(parsed.error());
    if (id_from<SystemId>(welcome.system()) != peer.id)
      co_return fail(Code::denied,
                     "another system than '" + peer.name + "' answers at " + os::text_of(address));
    dialed->clock.stop();
    co_return std::move(channel);
  }
  co_return fail(std::move(last));
}

Link::Link(const Ground& ground, Peer peer, LinkWatch& watch)
    : ground_(ground),
      peer_(std::move(peer)),
      watch_(watch),
      moved_(ground.control),
      scope_(ground.control) {}

Link::~Link() = default;

rt::Task<void> Link::stop() {
  stopping_ = true;
  if (channel_) channel_->close({Code::cancelled, "this system is stopping"});
  moved_.wake_all();
  co_await scope_.stop_and_join();
}

void Link::replace(Peer peer) { peer_ = std::move(peer); }

void Link::start() {
  if (!started_) {
    started_ = true;
    scope_.spawn(run());
    return;
  }
  if (channel_) channel_->close({Code::cancelled, "the peer has paired anew"});
  hurried_ = true;
  moved_.wake_all();
}

PeerReport Link::report() const {
  PeerReport out;
  out.peer = peer_;
  out.reachable = channel_ != nullptr && !channel_->closed();
  out.last_contact = out.reachable ? std::optional(ground_.host.clock().wall()) : last_contact_;
  out.cause = out.reachable ? std::string() : cause_;
  out.silent = !out.reachable && nothing_was_said();
  return out;
}

// By the last attempt that ended, or by one that has waited long enough.
bool Link::nothing_was_said() const {
  bool waited = dialing_since_ && ground_.control.clock().now() - *dialing_since_ >= ground_.options.reachable_within;
  return silent_ || waited;
}

rt::Task<void> Link::run() {
  Duration wait = first_pause;
  while (!stopping_) {
    Peer peer = peer_;
    dialing_since_ = ground_.control.clock().now();
    Result<std::unique_ptr<Channel>> dialed =
        co_await dial(ground_, std::move(peer), wire::PURPOSE_CONTROL, RelationshipId{});
    dialing_since_.reset();
    if (stopping_) break;
    if (dialed) {
      wait = first_pause;
      channel_ = std::move(*dialed);
      cause_.clear();
      watch_.link_changed(peer_.id, true, {});
      moved_.wake_all();
      co_await talk(*channel_);
      last_contact_ = ground_.host.clock().wall();
      cause_ = channel_->closed()->message;
      silent_ = ground_.control.clock().now() - channel_->heard() >= ground_.options.reachable_within - 2 * ground_.options.heartbeat;
      channel_.reset();
      fail_all({Code::unreachable, "system '" + peer_.name + "': " + cause_});
      watch_.link_changed(peer_.id, false, cause_);
      moved_.wake_all();
    } else {
      bool news = cause_.empty();
      cause_ = dialed.error().message;
      silent_ = dialed.error().code == Code::timeout;
      if (news) watch_.link_changed(peer_.id, false, cause_);
      fail_all({Code::unreachable, cause_});
    }
    if (stopping_) break;
    co_await pause(wait);
    wait = std::min<Duration>(wait * 2, longest_pause);
  }
  fail_all({Code::cancelled, "this system is stopping"});
}

rt::Task<void> Link::talk(Channel& channel) {
  rt::Scope scope(ground_.control);
  scope.spawn(channel.keep_alive(FrameType::heartbeat, ground_.options.heartbeat,
                                 ground_.options.reachable_within - ground_.options.heartbeat));
  for (;;) {
    Result<Frame> frame = co_await channel.receive(FrameType::reply);
    if (!frame) break;
    wire::Reply reply;
    Result<> parsed = parse(*frame, reply);
    if (!parsed) {
      channel.close(parsed.error());
      break;
    }
    auto at = waiting_.find(reply.id());
    if (at == waiting_.end()) continue;  // nobody waits any more
    at->second->reply.emplace(std::move(reply));
    waiting_.erase(at);
    moved_.wake_all();
  }
  co_await scope.join();
}

// Sleeps until `end`, or until something moved.
rt::Task<void> Link::wait_until(Instant end) {
  rt::Loop::TimerId timer = ground_.control.at(end, [this] { moved_.wake_all(); });
  co_await moved_.wait();
  ground_.control.cancel(timer);
}

rt::Task<void> Link::pause(Duration length) {
  Instant end = ground_.control.clock().now() + length;
  while (!stopping_ && !hurried_ && ground_.control.clock().now() < end) co_await wait_until(end);
  hurried_ = false;
}

void Link::fail_all(const Error& why) {
  for (auto& [id, waiting] : waiting_) waiting->fail(why);
  waiting_.clear();
  moved_.wake_all();
}

rt::Task<Result<>> Link::reach() {
  Instant end = ground_.control.clock().now() + ground_.options.reachable_within;
  hurried_ = true;  // somebody waits: no back-off now
  moved_.wake_all();
  while (!stopping_ && (!channel_ || channel_->closed())) {
    if (ground_.control.clock().now() >= end)
      co_return fail(Code::unreachable, "system '" + peer_.name + "' does not answer: " +
                                            (nothing_was_said() ? "it said nothing in time" : cause_));
    co_await wait_until(end);
  }
  if (stopping_) co_return fail(Code::cancelled, "this system is stopping");
  co_return Result<>{};
}

// Over the connection that stands.
rt::Task<void> Link::ask(wire::Request request, Duration at_most, Waiting& waiting) {
  std::uint64_t id = next_++;
  request.set_id(id);
  waiting_.emplace(id, &waiting);
  Instant end = ground_.control.clock().now() + at_most;
  Result<> sent = co_await channel_->send(FrameType::request, request);
  if (!sent && !waiting.reply) waiting.fail({Code::unreachable, "system '" + peer_.name + "': " + sent.error().message});
  while (!waiting.reply && ground_.control.clock().now() < end) co_await wait_until(end);
  if (!waiting.reply) waiting.reply.emplace(lockstep::fail(Code::timeout, "system '" + peer_.name + "' did not answer in time"));
  waiting_.erase(id);
}

// A connection may have ended without this system having noticed: the other one has restarted, say. What does no
// harm when it is done twice goes out once more then, over the next one.
rt::Task<Result<wire::Reply>> Link::call(wire::Request request, Duration at_most) {
  bool again = harmless_when_repeated(request);
  for (;;) {
    Result<> reached = co_await reach();
    if (!reached) co_return fail(reached.error());
    Waiting waiting;
    co_await ask(request, at_most, waiting);
    if (waiting.cut && again && !stopping_) {
      again = false;
      continue;
    }
    Result<wire::Reply> reply = std::move(*waiting.reply);
    if (reply && reply->has_failure()) co_return fail(error_from(reply->failure()));
    co_return reply;
  }
}

}  // namespace lockstep::replica
