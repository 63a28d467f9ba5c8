// Mending: read repair between systems: each pool's Mender, and who is asked for a good copy of what.
// Lives on: the control loop.
#pragma once

#include <map>
#include <memory>

#include "base/base.h"
#include "replica/ground.h"
#include "replica/mending/mender.h"
#include "replica/peers/peers.h"
#include "replica/roster/roster.h"
#include "replica/wire/wire.pb.h"
#include "rt/rt.h"

namespace lockstep::replica {

class Mending {
 public:
  Mending(const Ground& ground, Pools& pools, Roster& roster, Peers& peers, Observer& observer)
      : ground_(ground), pools_(pools), roster_(roster), peers_(peers), observer_(observer) {}

  rt::Task<void> take_up();                // pools that have come
  rt::Task<void> leave(PoolId pool);       // it is about to go
  rt::Task<void> leave_all();

  // A peer (or this system itself) asks for a block of the relationship `entry`, one end of which is here.
  rt::Task<Result<>> answer(EntryRef entry, wire::BlockWanted wanted, wire::BlockReply& into);

 private:
  rt::Task<Result<GoodCopy>> ask(PoolId pool, VolumeUuid volume, Block block, Checksum expected);
  void tell(std::string volume, bool repaired, std::string cause);

  const Ground& ground_;
  Pools& pools_;
  Roster& roster_;
  Peers& peers_;
  Observer& observer_;
  std::map<PoolId, std::shared_ptr<Mender>> menders_;   // shared: with calls that are under way
};

}  // namespace lockstep::replica
