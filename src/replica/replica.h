// Replica: relationships between groups: plan, ship, receive, resync, fail over.
// Promises: design promises 3, 4, 6, 7 and 8. Every figure it reports is derived from what both ends have,
// never assumed. Refuses:  streaming onto a position it does not know; overwriting a writable end; a full
// copy that nobody asked for. Lives on: Engine on the control loop; each relationship's traffic on its pool's
// loop.   On the wire: docs/formats/wire.md.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/base.h"
#include "os/os.h"
#include "pool/pool.h"
#include "replica/model/advice.h"
#include "replica/model/model.h"
#include "replica/model/states.h"
#include "replica/model/verify.h"
#include "replica/rewind/rewind.h"
#include "rt/rt.h"

namespace lockstep::replica {

struct Self {
  SystemId id;
  std::string name;
  os::Identity identity;
};

struct Peer {
  SystemId id;
  std::string name;
  std::vector<os::Address> addresses;  // where it listens for peers; tried in order
  os::Fingerprint fingerprint;
};

struct PeerReport {
  Peer peer;
  bool reachable = false;
  std::optional<WallTime> last_contact;
  std::string cause;  // why not reachable
  bool silent = false;  // not reachable, but there: it takes connections and says nothing (stopped, or hung)
};

// Where Engine keeps what must survive a restart; given by whoever owns the system's database. Called on the
// control loop.
class Registry {
 public:
  virtual ~Registry() = default;
  virtual rt::Task<Result<std::vector<Peer>>> peers() = 0;
  virtual rt::Task<Result<>> save(Peer peer) = 0;
  virtual rt::Task<Result<>> remove_peer(SystemId peer) = 0;
  virtual rt::Task<Result<std::vector<Relationship>>> relationships() = 0;
  virtual rt::Task<Result<>> save(Relationship relationship) = 0;
  virtual rt::Task<Result<>> remove_relationship(RelationshipId id) = 0;
};

// The system's pools, by id and name; pools are used on their own loops only. Called on the control loop.
class Pools {
 public:
  virtual ~Pools() = default;
  [[nodiscard]] virtual std::vector<pool::Pool*> pools() = 0;
  [[nodiscard]] virtual pool::Pool* find(PoolId id) = 0;
  [[nodiscard]] virtual pool::Pool* find(std::string_view name) = 0;
};

// Told of every change of state, once per real change, on the control loop.
struct Change {
  RelationshipId relationship;
  std::string what;  // "CopyState", "Mode", "Lag", "Peer", "Verify", "Repair" (of `volume`) ...
  std::string before, after, cause;
  std::string volume;  // POOL/VOLUME; POOL where its journal is meant
};
class Observer {
 public:
  virtual ~Observer() = default;
  virtual void changed(const Change& change) = 0;
};

// How long work reports back and is asked to stop.
class Watcher {
 public:
  virtual ~Watcher() = default;
  virtual void progress(Bytes done, Bytes total) = 0;
  [[nodiscard]] virtual rt::Stop& stop() = 0;
};

struct CreateRequest {
  std::string name;  // empty: made up
  SyncType sync_type = SyncType::mirror;
  Settings settings;
  PoolId pool;
  GroupId group;             // source, here
  SystemId target_system;    // own id: local
  std::string target_pool;   // empty: the pool of the same name there, else the one with most free space
  std::string target_group;  // empty: source group's name where free, else RELATIONSHIP's. One that exists is used:
                             // empty it gets volumes, else its volumes become the targets, in order
  bool seeded = false;       // the target group exists, with volumes that hold a copy made elsewhere: anything else is refused
};

struct TokenRequest {
  PoolId pool;
  GroupId group;
  Duration valid{0};
  bool reusable = false;
  std::vector<os::Address> advertised;  // where others reach this system
};

struct TokenReport {
  SnapshotId id;
  PoolId pool;
  GroupId group;
  WallTime taken, expires;
  bool reusable = false;
  std::vector<RelationshipId> users;  // copies from it that run
};

struct TokenUse {
  std::string token;
  std::string name;                        // of the relationship; empty: made up
  std::string target_pool, target_group;  // as CreateRequest
  Settings settings;
};

// What an operation would do, stated before anything is overwritten.
struct Forecast {
  std::string direction;           // "a/db -> b/db"
  std::optional<Bytes> bytes = Bytes{0};        // that would travel. None: nobody knows before the ends have been compared, or one is out of reach
  std::optional<Bytes> bytes_at_most;           // where that is not known: what there is to be sent at all. None: not known either
  std::optional<Bytes> overwritten = Bytes{0};  // divergent bytes on the losing side (kept as a snapshot). None: not known
  std::vector<std::string> steps;  // in order, for people
  std::vector<std::string> warnings;
};

struct Options {
  Bytes in_flight = 32_MiB;  // per relationship, not yet acknowledged
  Bytes batch = 1_MiB;
  Duration reachable_within = std::chrono::seconds(3);
  Duration heartbeat = std::chrono::milliseconds(500);
  Duration durable_ack_every = std::chrono::milliseconds(200);
  Bytes verify_read_per_second = 200_MiB;  // of each end, when a verification reads
};

class Engine {
 public:
  virtual ~Engine() = default;

  // Takes up every relationship of the registry; none of them waits for its peer here.
  virtual rt::Task<Result<>> start() = 0;
  virtual rt::Task<void> stop() = 0;
  // May be called again for each address.
  virtual rt::Task<Result<os::Address>> listen(os::Address address) = 0;
  // A pool came or is about to go: its relationships begin or end their traffic.
  virtual rt::Task<Result<>> pool_opened(PoolId pool) = 0;
  virtual rt::Task<Result<>> pool_closing(PoolId pool) = 0;

  // Pairing. The token holds an address, this system's fingerprint and a secret; good once, until `valid` has
  // passed.
  virtual Result<std::string> invite(Duration valid, std::vector<os::Address> advertised) = 0;
  virtual rt::Task<Result<Peer>> join(std::string token, std::vector<os::Address> advertised) = 0;
  [[nodiscard]] virtual std::vector<PeerReport> peers() const = 0;
  virtual rt::Task<Result<>> remove_peer(SystemId peer) = 0;  // busy while relationships with it exist
  // Pools of a peer (name, free bytes), asked now.
  struct RemotePool {
    PoolId id;
    std::string name;
    Bytes free;
  };
  virtual rt::Task<Result<std::vector<RemotePool>>> pools_of(SystemId peer) = 0;

  // Returns when both ends exist and the copy has begun; whatever it made is rolled back when it fails.
  virtual rt::Task<Result<RelationshipId>> create(CreateRequest request) = 0;
  virtual rt::Task<Result<Forecast>> forecast_create(CreateRequest request) = 0;
  // Until CopyState is one of `states`, or error, or the relationship is gone (clones: done).
  virtual rt::Task<Result<>> await_state(RelationshipId id, std::vector<CopyState> states,
                                         Watcher& watcher) = 0;

  // Checked against the table in replica/model/states.h first. Returns when the operation's end state is true.
  virtual rt::Task<Result<>> operate(RelationshipId id, Operation operation, Watcher& watcher) = 0;
  // The same for some pairs only, named by their volumes on this system. AddSyncPair names pairs of other relationships between
  // the same two systems: they come into this one, at one position. RemoveSyncPair gives each a relationship of its own, whose
  // names are returned; Detach and Dissolve leave their volumes on their own. What would part the pairs of one order is refused.
  virtual rt::Task<Result<std::vector<std::string>>> operate_pairs(RelationshipId id, Operation operation, std::vector<VolumeUuid> volumes, Watcher& watcher) {
    (void)id, (void)operation, (void)volumes, (void)watcher;
    co_return fail(Code::unsupported, "this engine keeps all pairs of a relationship together");
  }
  virtual rt::Task<Result<Forecast>> forecast(RelationshipId id, Operation operation) = 0;
  virtual rt::Task<Result<>> set(RelationshipId id, Settings settings) = 0;
  // Both ends of a mirror compared at one position while data flow; asked of the source's system. Differences are no error.
  virtual rt::Task<Result<VerifyReport>> verify(RelationshipId id, VerifyRequest request, Watcher& watcher) {
    (void)id, (void)request, (void)watcher;
    co_return fail(Code::unsupported, "this engine does not verify");
  }

  // Tokens: rights to copy one point in time of a group, kept by the system that has the group. The text is shown once.
  virtual rt::Task<Result<std::string>> create_token(TokenRequest request) {
    (void)request;
    co_return fail(Code::unsupported, "this engine makes no tokens");
  }
  virtual rt::Task<std::vector<TokenReport>> tokens() { co_return std::vector<TokenReport>{}; }
  // One that copies run from takes `force`, and ends them (Aborted).
  virtual rt::Task<Result<>> revoke_token(SnapshotId id, bool force) {
    (void)id, (void)force;
    co_return fail(Code::unsupported, "this engine makes no tokens");
  }
  // Here becomes a clone of what the token names. `denied`: forged, expired or used up.
  virtual rt::Task<Result<RelationshipId>> use_token(TokenUse use) {
    (void)use;
    co_return fail(Code::unsupported, "this engine takes no tokens");
  }

  // A local relationship is reported twice: its source end, then its target end.
  [[nodiscard]] virtual std::vector<Report> reports()
      const = 0;  // as last heard from the loops; at most 100 ms old
  virtual rt::Task<Result<Report>> report(RelationshipId id) = 0;  // now
};

[[nodiscard]] std::unique_ptr<Engine> make_engine(os::Host& host, rt::Loop& control, Self self, Pools& pools,
                                                  Registry& registry, Observer& observer, Options options);

}  // namespace lockstep::replica
