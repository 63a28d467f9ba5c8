// Flows: keeps a connection from each source that is meant to ship to its target; connects again, less and
// less often, when it ends. Lives on: the control loop; what flows, flows on the pools' loops.
#pragma once

#include <memory>

#include "base/base.h"
#include "replica/ground.h"
#include "replica/peers/peers.h"
#include "replica/roster/roster.h"
#include "rt/rt.h"

namespace lockstep::replica {

class Flows {
 public:
  Flows(const Ground& ground, Peers& peers, Roster& roster)
      : ground_(ground), peers_(peers), roster_(roster), scope_(ground.control) {}

  // As the entry's intent wants it.
  void start(EntryRef entry);
  // Nothing flows when it returns; `rest`: an administrator wants it so, it is no failure.
  rt::Task<void> stop(EntryRef entry, bool rest);
  // A source of a peer has come to the target here.
  rt::Task<void> receive(EntryRef entry, std::unique_ptr<Channel> greeted);
  rt::Task<void> stop_all();

 private:
  rt::Task<void> run(EntryRef entry, std::shared_ptr<rt::Stop> stop);
  rt::Task<Error> once(EntryRef entry);
  rt::Task<Result<std::unique_ptr<os::Stream>>> open(EntryRef entry);
  rt::Task<void> serve_local(EntryRef entry, std::unique_ptr<os::Stream> stream);
  const Ground& ground_;
  Peers& peers_;
  Roster& roster_;
  rt::Scope scope_;
};

}  // namespace lockstep::replica
