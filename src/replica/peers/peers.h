// Peers: the other systems: pairing, one control connection to each, and the door for those who come to us.
// Promises: only pinned certificates speak; whether a peer is reachable is known within reachable_within.
// Lives on: the control loop.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/base.h"
#include "os/os.h"
#include "replica/ground.h"
#include "replica/peers/link.h"
#include "replica/peers/pairing.h"
#include "replica/wire/channel.h"
#include "replica/wire/wire.pb.h"
#include "rt/rt.h"

namespace lockstep::replica {

// Who answers those who come to us.
class Callee {
 public:
  virtual ~Callee() = default;
  virtual rt::Task<wire::Reply> answer(SystemId from, wire::Request request) = 0;
  // A peer's source wants to talk to the target here. Serves until the connection ends.
  virtual rt::Task<void> take_data(SystemId from, RelationshipId relationship,
                                   std::unique_ptr<Channel> greeted) = 0;
  virtual void peer_changed(SystemId peer, bool reachable, std::string cause) = 0;
  [[nodiscard]] virtual bool has_relationships_with(SystemId peer) const = 0;
};

class Peers final : public LinkWatch {
 public:
  Peers(const Ground& ground, Registry& registry, Callee& callee);
  ~Peers() override;

  rt::Task<Result<>> start();
  rt::Task<void> stop();
  rt::Task<Result<os::Address>> listen(os::Address address);

  Result<std::string> invite(Duration valid, std::vector<os::Address> advertised);
  rt::Task<Result<Peer>> join(std::string token, std::vector<os::Address> advertised);
  rt::Task<Result<>> remove(SystemId peer);
  [[nodiscard]] std::vector<PeerReport> reports() const;
  [[nodiscard]] os::Fingerprint fingerprint() const { return mine_; }
  [[nodiscard]] std::string name_of(SystemId system) const;
  [[nodiscard]] const Peer* find(SystemId system) const;

  // To ourselves, too. `unreachable` within reachable_within when nobody answers at all; `timeout` when the
  // answer takes longer than `at_most`.
  rt::Task<Result<wire::Reply>> call(SystemId to, wire::Request request, Duration at_most);
  // A connection to the target of `relationship`, greeted, still on the control loop.
  rt::Task<Result<std::unique_ptr<os::Stream>>> open_data(SystemId to, RelationshipId relationship);

  void link_changed(SystemId peer, bool up, std::string cause) override;

 private:
  // door.cc
  rt::Task<void> accept_all(os::Listener& listener);
  rt::Task<void> greet(std::unique_ptr<os::Stream> stream);
  rt::Task<void> greeted(std::unique_ptr<Channel> channel, TimedStream::Clock clock, os::Fingerprint who);
  rt::Task<void> let_join(Channel& channel, os::Fingerprint who);
  rt::Task<void> serve_control(Channel& channel, SystemId from);
  rt::Task<void> serve_request(Channel& channel, SystemId from, wire::Request request);
  rt::Task<Result<Peer>> try_join(os::Address address, Token token, std::vector<os::Address> advertised);
  rt::Task<Result<>> adopt(const Peer& peer);
  [[nodiscard]] const Peer* find(os::Fingerprint fingerprint) const;
  Link& link_to(const Peer& peer);
  void begin_to_dial(SystemId peer);

  const Ground& ground_;
  Registry& registry_;
  Callee& callee_;
  os::Fingerprint mine_;
  std::map<SystemId, std::unique_ptr<Link>> links_;
  std::vector<std::unique_ptr<Link>> ended_;
  std::vector<std::unique_ptr<os::Listener>> listeners_;
  std::vector<Channel*> open_;
  Invitations invitations_;
  rt::Scope scope_;
  bool stopping_ = false;
};

}  // namespace lockstep::replica
