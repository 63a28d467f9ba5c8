// The model that manage speaks: SM objects as plain structs.
#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <vector>

#include "base/base.h"
#include "pool/pool.h"
#include "replica/replica.h"

namespace lockstep::manage {

// MSFT_SMReplicationGroup and relatives: return values of methods.
enum class ReturnCode : std::uint32_t {
  completed = 0, not_supported = 1, unspecified_error = 2, timeout = 3, failed = 4, invalid_parameter = 5, property_not_supported = 7,
  not_found = 8, job_started = 4096, access_denied = 40001, insufficient_resources = 40002, cache_out_of_date = 40003,
  unreachable = 46001, contains_replicas = 48000,
};

// MSFT_SMExtendedStatus, in our words.
struct Refusal {
  ReturnCode code = ReturnCode::failed;
  std::string message;      // object, cause
  std::string next_step;    // what to do
  std::string parameter;    // offending parameter's SM name (with invalid_parameter), or the object's name
  Code kind = Code::busy;   // what lies below the code: tells exists from invalid, unreachable from busy
};
template <class T = void>
using Answer = std::expected<T, Refusal>;
// Total: every Code has its ReturnCode. What a message says behind its last "; " is the next step; where it says nothing, the code's own.
[[nodiscard]] Refusal refusal_of(const Error& error, std::string parameter);
// What to do when there is no "pool", "volume", "relationship", … of that name: where those that are there are listed. Never empty.
[[nodiscard]] std::string where_listed(std::string_view what);

// What a pool has left for data: without what is admitted already and what is kept back for checkpoints and deletions.
[[nodiscard]] Bytes free_in(const store::Space& space) noexcept;
// Less is left than is kept back, or than a tenth of a small pool: hosts still write; snapshots, clones and points in time are refused (40002).
[[nodiscard]] bool nearly_full(const store::Space& space) noexcept;

enum class RoleName : std::uint8_t { read_only, operate, administrator };       // ReadOnly, Operator, Administrator
[[nodiscard]] std::string_view name_of(RoleName role) noexcept;
[[nodiscard]] std::optional<RoleName> parse_role(std::string_view name) noexcept;

// Who asks. The local socket's root is an administrator.
struct Caller {
  std::string user;
  RoleName role = RoleName::read_only;
};

struct Account {
  std::string user;
  RoleName role = RoleName::read_only;
  bool enabled = true;
  bool must_change_password = false;
};

enum class JobState : std::uint16_t { fresh = 2, starting = 3, running = 4, suspended = 5, shutting_down = 6, completed = 7, terminated = 8, killed = 9, exception = 10 };
[[nodiscard]] std::string_view name_of(JobState state) noexcept;
[[nodiscard]] constexpr bool ended(JobState state) noexcept { return state >= JobState::completed; }

struct Job {
  JobId id;
  std::string what;               // "CreateReplica db -> b"
  std::string object;             // name of what it works on
  JobState state = JobState::fresh;
  unsigned percent = 0;
  Bytes done{0}, total{0};
  WallTime submitted, started, changed, ended;   // 0: not yet
  std::optional<Refusal> error;
  std::string result;             // name of what it made (relationship, volume ...)
  bool cancellable = true;
};

enum class Severity : std::uint8_t { information, warning, critical };
[[nodiscard]] std::string_view name_of(Severity severity) noexcept;

struct Event {
  std::uint64_t number = 0;       // grows by one; the order of things
  WallTime time;
  Severity severity = Severity::information;
  std::string kind;               // "CopyState", "Job", "Created", "Deleted", "Changed", "Lag", "Peer", "Pool" ...
  std::string object_type;        // "Relationship", "Volume", "Group", "Snapshot", "Pool", "Job", "Peer", "Account", "System"
  std::string object;             // its name
  std::string before, after;
  std::string cause;
};

struct PoolInfo {
  pool::Status status;            // of a pool that is not open: only id (if known) and name
  std::string path;
  std::size_t volumes = 0, groups = 0;
  std::optional<Error> error;     // why it is not open
};
struct VolumeInfo {
  PoolId pool_id;
  std::string pool;
  store::VolumeRow row;
  std::string group;              // empty: in none
  bool writable = false;
  Bytes allocated{0};             // 0: not known
  std::size_t sessions = 0;
  std::string export_name;        // POOL/VOLUME
};
struct GroupInfo {
  PoolId pool_id;
  std::string pool;
  store::GroupRow row;
  std::vector<std::string> volumes;        // names, in order
  std::vector<RelationshipId> relationships;
  replica::RewindWindow rewind;            // as it was set; time 0: none
};
struct GroupPoints {
  std::string pool, group;
  replica::RecoveryPoints known;
};
struct SnapshotInfo {
  PoolId pool_id;
  std::string pool;
  std::string group;
  std::vector<std::string> volumes;        // names now; of one that is gone, empty
  store::SnapshotRow row;
};

// MSFT_SMReplicationGroup.CreateReplica, parameter by parameter (semantics of each: the model's). Absent optional = NULL.
struct CreateReplica {
  std::string pool, group;                        // the source group ("this"); pool may be empty where the name is in one pool only
  std::optional<std::string> relationship_name;
  std::optional<std::uint16_t> sync_type;
  std::optional<std::uint16_t> mode;
  std::optional<std::uint32_t> rpo_seconds;
  std::optional<std::string> target_system;       // name or id of a peer system; NULL or own: local
  std::optional<std::string> target_pool;
  std::optional<std::string> target_group;
  bool target_group_exists = false;               // named by a reference to a group here: it is not made, it must be there
  std::optional<std::uint16_t> target_element_supplier, thin_provisioning_policy;
  std::optional<std::string> user, password;      // checked when given
  // Beyond the model; settings of the relationship.
  std::optional<replica::LinkLoss> on_link_loss;
  std::optional<replica::RpoAction> on_rpo;
  std::optional<Bytes> limit_per_second;
  std::optional<Bytes> journal_budget;
  std::optional<replica::Schedule> schedule;   // of limits
  std::optional<bool> compress;
  std::optional<std::uint32_t> adaptive_bound_ms;
  bool seeded = false;                            // the target group holds a copy made elsewhere: anything else is refused
  std::optional<Duration> wait_at_most;           // of the call itself; none: as Mode says (a mirror's call: 10 s)
};

// MSFT_SMReplicationSettings of a group: what its replicas get when the call does not say.
struct ReplicaDefaults {
  std::uint16_t target_element_supplier = 4;      // instrumentation decides
  std::uint16_t thin_provisioning_policy = 7;     // implementation decides
  bool operator==(const ReplicaDefaults&) const = default;
};

// MSFT_SMSystem.CreateReplicationRelationship: groups as they are or made for the call, and the replica between them. Whatever was made for
// it goes again when the call, or the job that it became, fails.
struct CreateRelationship {
  struct Side {
    std::optional<std::string> group;             // that exists
    std::vector<std::string> volumes;             // or of which one is made, in this order; in one pool
    std::optional<std::string> name;              // of the group that is made; NULL: the relationship's, else its first volume's
    std::optional<ReplicaDefaults> settings;      // that it gets
  };
  Side source, target;                            // a target with neither: as CreateReplica, with `name` for its group
  CreateReplica replica;                          // all else; its source group and target group do not count
};

// A right to copy a point in time of a group, as the system that has the group knows it.
struct TokenInfo {
  SnapshotId id;                                  // of the snapshot that holds the point
  std::string pool, group;
  WallTime taken, expires;
  bool reusable = false;
  std::vector<std::string> users;                 // relationships that copy from it now
};

// What is asked of the system that a token was brought to.
struct UseToken {
  std::string token;
  std::optional<std::string> relationship_name, target_pool, target_group;
  std::optional<std::uint16_t> mode;
  std::optional<Duration> wait_at_most;
};

// A call that may outlive itself: with a job, the code is 4096.
struct Outcome {
  std::optional<JobId> job;
  std::string object;                             // name of what was made, when it already exists
};

// A rehearsal: writable clones of a target as it was at one position, and what looking at them found.
struct Drill {
  struct Volume {
    std::string name;
    Bytes size;
    Bytes data{0};                                // that is not a hole
    std::string checksum;                         // of its content, from the map's checksums: equal contents have equal ones, wherever they lie
    std::string damage;                           // the first block that could not be read; empty: none
  };
  std::string relationship;
  std::string pool, group;                        // the clones, as a group
  std::vector<Volume> volumes;
  Origin position;
  WallTime time;                                  // of the newest record of the source that the clones hold; 0: not known
  WallTime opened;
  Duration open_took{0};
  std::optional<Duration> recovery_point;         // how old the state was when it was opened: what a failover then would have lost; none: not known
  Duration check_took{0};
  bool read = false;                              // every block was read, not only looked up
  bool checked = false;                           // the check has come to its end
};

}  // namespace lockstep::manage
