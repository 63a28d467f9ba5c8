#include "replica/peers/peers.h"

#include <algorithm>

#include "replica/wire/convert.h"

namespace lockstep::replica {

Peers::Peers(const Ground& ground, Registry& registry, Callee& callee)
    : ground_(ground), registry_(registry), callee_(callee), scope_(ground.control) {}
Peers::~Peers() = default;

rt::Task<Result<>> Peers::start() {
  CO_TRY(mine_, ground_.host.tls().fingerprint_of(ground_.self.identity));
  auto known = co_await registry_.peers();
  if (!known) co_return fail(known.error());
  for (const Peer& peer : *known) link_to(peer).start();
  co_return Result<>{};
}

rt::Task<void> Peers::stop() {
  stopping_ = true;
  for (auto& listener : listeners_) listener->close();
  std::vector<Channel*> open = open_;
  for (Channel* channel : open) channel->close({Code::cancelled, "this system is stopping"});
  for (auto& [id, link] : links_) co_await link->stop();
  for (auto& link : ended_) co_await link->stop();
  co_await scope_.stop_and_join();
  listeners_.clear();
}

Link& Peers::link_to(const Peer& peer) {
  auto& link = links_[peer.id];
  if (link) link->replace(peer);
  else link = std::make_unique<Link>(ground_, peer, *this);
  return *link;
}

void Peers::link_changed(SystemId peer, bool up, std::string cause) {
  callee_.peer_changed(peer, up, std::move(cause));
}

const Peer* Peers::find(SystemId system) const {
  auto at = links_.find(system);
  return at == links_.end() ? nullptr : &at->second->peer();
}

const Peer* Peers::find(os::Fingerprint fingerprint) const {
  for (const auto& [id, link] : links_) {
    if (link->peer().fingerprint == fingerprint) return &link->peer();
  }
  return nullptr;
}

std::string Peers::name_of(SystemId system) const {
  if (system == ground_.self.id) return ground_.self.name;
  const Peer* peer = find(system);
  return peer == nullptr ? short_text_of(system) : peer->name;
}

std::vector<PeerReport> Peers::reports() const {
  std::vector<PeerReport> out;
  for (const auto& [id, link] : links_) out.push_back(link->report());
  return out;
}

rt::Task<Result<>> Peers::remove(SystemId peer) {
  auto at = links_.find(peer);
  if (at == links_.end())
    co_return fail(Code::not_found, "no system with the id " + text_of(peer) + " is paired with this one");
  if (callee_.has_relationships_with(peer)) {
    co_return fail(Code::busy,
                   "system '" + at->second->peer().name + "' takes part in relationships; detach them first: `lockstep replica list` shows them");
  }
  Result<> removed = co_await registry_.remove_peer(peer);
  if (!removed) co_return removed;
  at = links_.find(peer);
  if (at == links_.end()) co_return Result<>{};
  ended_.push_back(std::move(at->second));  // somebody may still wait for an answer of its
  links_.erase(at);
  Link& link = *ended_.back();
  co_await link.stop();
  co_return Result<>{};
}

rt::Task<Result<wire::Reply>> Peers::call(SystemId to, wire::Request request, Duration at_most) {
  if (to == ground_.self.id) {
    wire::Reply reply = co_await callee_.answer(to, std::move(request));
    if (reply.has_failure()) co_return fail(error_from(reply.failure()));
    co_return reply;
  }
  auto at = links_.find(to);
  if (at == links_.end())
    co_return fail(Code::not_found, "system " + text_of(to) + " is not paired with this one");
  co_return co_await at->second->call(std::move(request), at_most);
}

rt::Task<Result<std::unique_ptr<os::Stream>>> Peers::open_data(SystemId to, RelationshipId relationship) {
  const Peer* known = find(to);
  if (known == nullptr)
    co_return fail(Code::not_found, "system " + text_of(to) + " is not paired with this one any more");
  Peer peer = *known;
  Result<std::unique_ptr<Channel>> channel =
      co_await dial(ground_, std::move(peer), wire::PURPOSE_DATA, relationship);
  if (!channel) co_return fail(channel.error());
  co_return (*channel)->release();
}

Result<std::string> Peers::invite(Duration valid, std::vector<os::Address> advertised) {
  if (advertised.empty())
    return fail(Code::invalid,
                "an invitation needs an address that the other system can reach; start with --peer ADDR");
  if (advertised.size() > 8) return fail(Code::invalid, "an invitation holds at most 8 addresses");
  if (valid <= Duration{0}) return fail(Code::invalid, "an invitation must be valid for some time");
  Token token;
  token.system = ground_.self.id;
  token.fingerprint = mine_;
  ground_.host.random().fill(token.secret);
  token.expires = WallTime{ground_.host.clock().wall().us +
                           std::chrono::duration_cast<std::chrono::microseconds>(valid).count()};
  token.addresses = std::move(advertised);
  invitations_.add(token.secret, token.expires);
  return encode(token);
}

rt::Task<Result<Peer>> Peers::join(std::string text, std::vector<os::Address> advertised) {
  CO_TRY(Token token, decode_token(text));
  if (token.system == ground_.self.id)
    co_return fail(Code::invalid, "token: it was made by this very system; use it on the other one");
  if (token.expires <= ground_.host.clock().wall())
    co_return fail(Code::invalid, "token: it has expired; make a new one with `peer invite`");
  Error last{Code::invalid, "token: it holds no address"};
  for (const os::Address& address : token.addresses) {
    Token copy = token;
    std::vector<os::Address> here = advertised;
    Result<Peer> peer = co_await try_join(address, std::move(copy), std::move(here));
    if (peer) co_return peer;
    last = peer.error().in(os::text_of(address));
    if (last.code == Code::denied) break;
  }
  co_return fail(std::move(last));
}

rt::Task<Result<Peer>> Peers::try_join(os::Address address, Token token,
                                       std::vector<os::Address> advertised) {
  Result<Dialed> dialed = co_await dial_address(ground_, address, token.fingerprint);
  if (!dialed) co_return fail(dialed.error());
  Channel channel(ground_.control, std::move(dialed->stream));
  wire::Hello hello;
  hello.set_oldest(protocol_oldest);
  hello.set_newest(protocol_newest);
  hello.set_system(bytes_of(ground_.self.id));
  hello.set_system_name(ground_.self.name);
  hello.set_purpose(wire::PURPOSE_JOIN);
  Result<> said = co_await channel.send(FrameType::hello, hello);
  if (!said) co_return fail(said.error());
  wire::Join join;
  Proof proof = prove(token.secret, Prover::joiner, token.fingerprint, mine_);
  join.set_proof(std::string(as_text(proof)));
  join.set_system(bytes_of(ground_.self.id));
  join.set_system_name(ground_.self.name);
  for (const auto& a : advertised) join.add_addresses(os::text_of(a));
  Result<> asked = co_await channel.send(FrameType::join, join);
  if (!asked) co_return fail(asked.error());
  Result<Frame> answer = co_await channel.receive(FrameType::joined);
  if (!answer) co_return fail(answer.error());
  wire::Joined joined;
  Result<> parsed = parse(*answer, joined);
  if (!parsed) co_return fail(parsed.error());
  Proof due = prove(token.secret, Prover::inviter, token.fingerprint, mine_);
  if (joined.proof() != as_text(due) || id_from<SystemId>(joined.system()) != token.system)
    co_return fail(Code::denied, "the system that answered did not make this token");
  dialed->clock.stop();
  Peer peer;
  peer.id = token.system;
  peer.name = joined.system_name();
  peer.addresses = token.addresses;
  peer.fingerprint = token.fingerprint;
  Result<> adopted = co_await adopt(peer);
  if (!adopted) co_return fail(adopted.error());
  begin_to_dial(peer.id);
  co_return peer;
}

void Peers::begin_to_dial(SystemId peer) {
  auto link = links_.find(peer);
  if (!stopping_ && link != links_.end()) link->second->start();
}

// From here on it may come in; whether it lets this system in too, it must say first: begin_to_dial() then.
rt::Task<Result<>> Peers::adopt(const Peer& peer) {
  Peer kept = peer;
  Result<> saved = co_await registry_.save(std::move(kept));
  if (saved) link_to(peer);
  co_return saved;
}

}  // namespace lockstep::replica
