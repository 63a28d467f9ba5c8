// The words of the SM model that replication is spoken of in, with the model's own numbers (CIM_Synchronized
// and relatives).
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/base.h"
#include "replica/model/schedule.h"
#include "replica/model/sibling.h"
#include "replica/model/verify.h"

namespace lockstep::replica {

enum class SyncType : std::uint16_t { mirror = 6, snapshot = 7, clone = 8, tokenized_clone = 9 };
enum class Mode : std::uint16_t { synchronous = 2, asynchronous = 3, adaptive = 4 };
enum class CopyState : std::uint16_t {
  initialized = 2,
  unsynchronized = 3,
  synchronized = 4,
  broken = 5,
  fractured = 6,
  split = 7,
  inactive = 8,
  suspended = 9,
  failedover = 10,
  prepared = 11,
  aborted = 12,
  skewed = 13,
  mixed = 14,
  not_applicable = 15,
};
enum class Progress : std::uint16_t {
  completed = 2,
  dormant = 3,
  initializing = 4,
  preparing = 5,
  synchronizing = 6,
  resyncing = 7,
  restoring = 8,
  fracturing = 9,
  splitting = 10,
  failing_over = 11,
  failing_back = 12,
  aborting = 13,
  mixed = 14,
  not_applicable = 15,
  suspending = 16,
  requires_fracture = 17,
  requires_resync = 18,
  requires_activate = 19,
  pending = 20,
  detaching = 21,
};
enum class Operation : std::uint16_t {
  abort = 2,
  activate_consistency = 3,
  activate = 4,
  add_sync_pair = 5,
  deactivate_consistency = 6,
  deactivate = 7,
  detach = 8,
  dissolve = 9,
  failover = 10,
  failback = 11,
  fracture = 12,
  remove_sync_pair = 13,
  resync_replica = 14,
  restore_from_replica = 15,
  resume = 16,
  reset_to_sync = 17,
  reset_to_async = 18,
  return_to_resource_pool = 19,
  reverse_roles = 20,
  split = 21,
  suspend = 22,
  unprepare = 23,
  prepare = 24,
  reset_to_adaptive = 25,
};
enum class LinkLoss : std::uint8_t { go_on = 0, stop = 1 };  // CLI: continue | stop
enum class RpoAction : std::uint8_t { alert = 0, pace = 1 };

// What was asked for; the same on both ends, changed only by the source (or by a target that was promoted).
struct Settings {
  Mode mode = Mode::asynchronous;
  std::uint32_t rpo_seconds = 30;  // 0 only when synchronous
  LinkLoss on_link_loss = LinkLoss::go_on;
  RpoAction on_rpo = RpoAction::alert;
  Bytes limit_per_second{0};  // 0: none
  Bytes journal_budget{0};    // 0: the pool's default
  std::uint32_t adaptive_bound_ms = 100;
  Schedule schedule;               // of limits by the time of the day, before limit_per_second
  bool compress = false;           // zstd on the wire, where it pays
  bool consistency = true;         // asked for by the administrator; the pairs keep one order either way
};

enum class End : std::uint8_t { source = 0, target = 1 };

// One end of a relationship, as this system keeps it (persisted by Registry). Never decides about data: the
// pool's rows win.
struct Relationship {
  RelationshipId id;
  std::string name;  // unique on each system
  SyncType sync_type = SyncType::mirror;
  Settings settings;
  End end = End::source;              // by origin: who was source at creation or after the last ReverseRoles
  SystemId peer;                      // the other system; this one for a local relationship
  PoolId pool;                        // here
  GroupId group;                      // here
  std::string peer_pool, peer_group;  // names there, for people
  std::vector<std::pair<VolumeUuid, VolumeUuid>> pairs;  // here, there; in group order
  CopyState intent = CopyState::synchronized;  // what the administrator asked to be: synchronized, suspended,
                                               // split, fractured, failedover ...
  WallTime created;
  // N7 of the model: 0 when never
  WallTime when_activated, when_synchronized, when_suspended, when_failed_over, when_established;
  // Target end: the other targets, as the source last told of them. Where they stood is of when one of them came or went.
  std::vector<Sibling> siblings;
};

// The types that hold one instant of their source for good, and keep nothing in step.
[[nodiscard]] constexpr bool is_point(SyncType type) noexcept { return type != SyncType::mirror; }
// Of these: the target holds all of the point that was taken last. Written down only once it is true there.
[[nodiscard]] constexpr bool is_complete(const Relationship& r) noexcept {
  return is_point(r.sync_type) && r.when_synchronized.us != 0 && r.when_synchronized.us >= r.when_activated.us;
}

// What is true now. Derived from positions and connections, never read from disk.
struct Report {
  Relationship relationship;
  CopyState copy_state = CopyState::initialized;
  CopyState requested = CopyState::not_applicable;
  Progress progress = Progress::initializing;
  // How writes are answered now: Synchronous or Asynchronous; none when nothing flows.
  std::optional<Mode> mode_in_force;
  std::string mode_cause;  // of its last change
  bool reachable = false;
  std::optional<WallTime> last_contact;
  std::string cause;  // when broken or late: why, and what to do next. Empty otherwise
  Duration lag{0};    // promise 8
  bool rpo_violated = false;
  bool pacing = false;  // hosts are being slowed, so that the objective is kept
  Bytes backlog{0};             // what the target lacks
  Bytes to_copy{0}, copied{0};  // of the current copy or resync
  double percent_synced = 0;
  std::uint64_t bytes_per_second = 0;  // shipped, last seconds
  std::optional<Duration> eta;
  Bytes sent_total{0}, received_total{0};  // payload on the wire since start
  Origin position;                         // of the target, as far as known here
  std::string conflict;                    // two writable ends, both histories; empty otherwise
  std::shared_ptr<const VerifyReport> verified;  // shared: never changes. What the last verification found, since start; null: none
};

// The model's words for whether the target holds one state of the whole group (MSFT_SMReplicationGroupToReplicaPeer).
enum class ConsistencyState : std::uint16_t { not_applicable = 2, consistent = 3, inconsistent = 4 };
enum class ConsistencyStatus : std::uint16_t { completed = 2, in_progress = 3, disabled = 4, error = 5 };
[[nodiscard]] ConsistencyState consistency_state(const Report& report) noexcept;
[[nodiscard]] ConsistencyStatus consistency_status(const Report& report) noexcept;

[[nodiscard]] std::string_view name_of(SyncType v) noexcept;   // "Mirror"
[[nodiscard]] std::string_view name_of(Mode v) noexcept;       // "Synchronous"
[[nodiscard]] std::string_view name_of(CopyState v) noexcept;  // "Synchronized"
[[nodiscard]] std::string_view name_of(Progress v) noexcept;
[[nodiscard]] std::string_view name_of(Operation v) noexcept;  // "Failover"

}  // namespace lockstep::replica
