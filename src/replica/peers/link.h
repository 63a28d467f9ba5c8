// Link: the control connection that this system keeps to one peer. Requests out, replies in, heartbeats
// between. Lives on: the control loop.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>

#include "base/base.h"
#include "replica/ground.h"
#include "replica/wire/channel.h"
#include "replica/wire/timed.h"
#include "replica/wire/wire.pb.h"
#include "rt/rt.h"

namespace lockstep::replica {

class LinkWatch {
 public:
  virtual ~LinkWatch() = default;
  virtual void link_changed(SystemId peer, bool up, std::string cause) = 0;
};

// A connection to one of the peer's addresses: certificates shown and pinned, greeted as `purpose`. Bounded
// by reachable_within.
rt::Task<Result<std::unique_ptr<Channel>>> dial(const Ground& ground, Peer peer, wire::Purpose purpose,
                                                RelationshipId relationship);
// TLS as a client over a fresh connection.
struct Dialed {
  std::unique_ptr<os::Stream> stream;
  TimedStream::Clock clock;
};
rt::Task<Result<Dialed>> dial_address(const Ground& ground, os::Address address, os::Fingerprint pinned);

class Link {
 public:
  Link(const Ground& ground, Peer peer, LinkWatch& watch);
  ~Link();

  // Begins to dial, or dials anew at once: after replace().
  void start();
  rt::Task<void> stop();
  [[nodiscard]] const Peer& peer() const { return peer_; }
  void replace(Peer peer);  // new addresses or certificate, used from the next start() on
  [[nodiscard]] PeerReport report() const;

  // Waits reachable_within for a connection, then `at_most` for the answer.
  rt::Task<Result<wire::Reply>> call(wire::Request request, Duration at_most);

 private:
  struct Waiting {
    std::optional<Result<wire::Reply>> reply;
    bool cut = false;  // the connection ended first: whether it was done is not known

    void fail(const Error& why);
  };
  rt::Task<Result<>> reach();
  rt::Task<void> ask(wire::Request request, Duration at_most, Waiting& waiting);
  rt::Task<void> run();
  rt::Task<void> talk(Channel& channel);
  rt::Task<void> pause(Duration length);
  [[nodiscard]] bool nothing_was_said() const;
  rt::Task<void> wait_until(Instant end);
  void fail_all(const Error& why);

  const Ground& ground_;
  Peer peer_;
  LinkWatch& watch_;
  std::unique_ptr<Channel> channel_;
  std::map<std::uint64_t, Waiting*> waiting_;
  std::uint64_t next_ = 1;
  rt::Signal moved_;
  bool stopping_ = false;
  bool hurried_ = false;
  std::optional<WallTime> last_contact_;
  std::string cause_;
  bool started_ = false;
  std::optional<Instant> dialing_since_;
  bool silent_ = false;  // the last connection was taken, or stayed, and nothing was said in time
  rt::Scope scope_;
};

}  // namespace lockstep::replica
