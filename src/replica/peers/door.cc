// The door: who comes in, and what for. Nobody is answered before his certificate is known, but for a guest
// with a token.
#include <algorithm>

#include "replica/peers/peers.h"
#include "replica/wire/convert.h"

namespace lockstep::replica {
namespace {

constexpr std::size_t requests_most = 64;  // of one peer, under way

}  // namespace

rt::Task<Result<os::Address>> Peers::listen(os::Address address) {
  auto listener = co_await ground_.host.net().listen(ground_.control, std::move(address));
  if (!listener) co_return fail(listener.error());
  os::Address chosen = (*listener)->address();
  listeners_.push_back(std::move(*listener));
  os::Listener& kept = *listeners_.back();
  scope_.spawn(accept_all(kept));
  co_return chosen;
}

rt::Task<void> Peers::accept_all(os::Listener& listener) {
  while (!stopping_) {
    auto stream = co_await listener.accept();
    if (stream) {
      scope_.spawn(greet(std::move(*stream)));
      continue;
    }
    if (stopping_ || stream.error().code == Code::cancelled) break;
    Duration breath = std::chrono::milliseconds(100);  // out of descriptors, perhaps: others will close
    bool slept = co_await rt::sleep_for(ground_.control, breath, scope_.stop());
    if (!slept) break;
  }
}

rt::Task<void> Peers::greet(std::unique_ptr<os::Stream> stream) {
  auto timed =
      std::make_unique<TimedStream>(ground_.control, std::move(stream), ground_.options.reachable_within);
  TimedStream::Clock clock = timed->clock();
  os::TlsServer options;
  options.identity = ground_.self.identity;
  options.ask_client = true;
  auto secure = co_await ground_.host.tls().server(std::move(timed), options);
  if (!secure || stopping_) co_return;
  auto who = (*secure)->peer_fingerprint();
  auto channel = std::make_unique<Channel>(ground_.control, std::move(*secure));
  if (!who) {
    Error nobody{Code::denied, "this system talks only to systems that show a certificate"};
    co_await channel->refuse(std::move(nobody));
    co_return;
  }
  Channel* raw = channel.get();
  open_.push_back(raw);
  co_await greeted(std::move(channel), clock, *who);
  std::erase(open_, raw);
}

rt::Task<void> Peers::greeted(std::unique_ptr<Channel> channel, TimedStream::Clock clock,
                              os::Fingerprint who) {
  Result<Frame> frame = co_await channel->receive(FrameType::hello);
  if (!frame) co_return;
  wire::Hello hello;
  Result<> parsed = parse(*frame, hello);
  Versions theirs;
  theirs.oldest = hello.oldest();
  theirs.newest = hello.newest();
  Result<std::uint32_t> version = negotiate(Versions{}, theirs);
  if (!parsed || !version) {
    Error why = parsed ? version.error() : parsed.error();
    co_await channel->refuse(std::move(why));
    co_return;
  }
  if (hello.purpose() == wire::PURPOSE_JOIN) {
    co_await let_join(*channel, who);
    co_return;
  }
  const Peer* peer = find(who);
  if (peer == nullptr || peer->id != id_from<SystemId>(hello.system())) {
    Error stranger{Code::denied,
                   "system '" + ground_.self.name +
                       "' does not know this certificate; pair with `peer invite` and `peer join`"};
    co_await channel->refuse(std::move(stranger));
    co_return;
  }
  SystemId from = peer->id;
  wire::Welcome welcome;
  welcome.set_version(*version);
  welcome.set_system(bytes_of(ground_.self.id));
  welcome.set_system_name(ground_.self.name);
  Result<> said = co_await channel->send(FrameType::welcome, welcome);
  if (!said) co_return;
  clock.stop();
  if (hello.purpose() == wire::PURPOSE_CONTROL) {
    co_await serve_control(*channel, from);
  } else if (hello.purpose() == wire::PURPOSE_DATA) {
    std::erase(open_, channel.get());  // its next owner ends it
    co_await callee_.take_data(from, id_from<RelationshipId>(hello.relationship()), std::move(channel));
  } else {
    Error odd{Code::unsupported, "a connection for a purpose that this system does not know; update it"};
    co_await channel->refuse(std::move(odd));
  }
}

rt::Task<void> Peers::let_join(Channel& channel, os::Fingerprint who) {
  Result<Frame> frame = co_await channel.receive(FrameType::join);
  if (!frame) co_return;
  wire::Join join;
  Result<> parsed = parse(*frame, join);
  Proof proof{};
  std::optional<Secret> secret;
  if (parsed && join.proof().size() == proof.size()) {
    std::copy_n(as_span(join.proof()).begin(), proof.size(), proof.begin());
    secret = invitations_.redeem(proof, mine_, who, ground_.host.clock().wall());
  }
  Peer peer;
  peer.id = id_from<SystemId>(join.system());
  peer.name = join.system_name().substr(0, 100);
  peer.fingerprint = who;
  for (const auto& text : join.addresses()) {
    auto address = os::parse_address(text);
    if (address && peer.addresses.size() < 8) peer.addresses.push_back(std::move(*address));
  }
  if (!secret || peer.id.is_none() || peer.id == ground_.self.id || peer.name.empty()) {
    Error no{Code::denied, "the token is not (or no longer) good; make a new one with `peer invite`"};
    co_await channel.refuse(std::move(no));
    co_return;
  }
  Result<> adopted = co_await adopt(peer);
  if (!adopted) {
    Error why = adopted.error();
    co_await channel.refuse(std::move(why));
    co_return;
  }
  wire::Joined joined;
  Proof mine = prove(*secret, Prover::inviter, mine_, who);
  joined.set_proof(std::string(as_text(mine)));
  joined.set_system(bytes_of(ground_.self.id));
  joined.set_system_name(ground_.self.name);
  Result<> said = co_await channel.send(FrameType::joined, joined);
  ignore(said, "the guest tries again with a new token");
  Result<Frame> end = co_await channel.receive();  // it hangs up when it has adopted this system
  ignore(end, "whatever came, the connection ends here");
  begin_to_dial(peer.id);
}

rt::Task<void> Peers::serve_control(Channel& channel, SystemId from) {
  rt::Scope scope(ground_.control);
  scope.spawn(channel.keep_alive(FrameType::heartbeat, ground_.options.heartbeat,
                                 ground_.options.reachable_within - ground_.options.heartbeat));
  for (;;) {
    Result<Frame> frame = co_await channel.receive(FrameType::request);
    if (!frame) break;
    wire::Request request;
    Result<> parsed = parse(*frame, request);
    if (!parsed || scope.running() > requests_most) {
      channel.close(parsed ? Error{Code::busy, "too many requests at a time"} : parsed.error());
      break;
    }
    scope.spawn(serve_request(channel, from, std::move(request)));
  }
  co_await scope.join();
}

rt::Task<void> Peers::serve_request(Channel& channel, SystemId from, wire::Request request) {
  std::uint64_t id = request.id();
  wire::Reply reply = co_await callee_.answer(from, std::move(request));
  reply.set_id(id);
  Result<> sent = co_await channel.send(FrameType::reply, reply);
  ignore(sent, "who asked has hung up");
}

}  // namespace lockstep::replica
