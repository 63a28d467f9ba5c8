// Manage: the one place where operations live: parameters checked, rights checked, jobs run, events kept. The SM model as plain structs.
// Promises: every refusal carries the SM return code, the parameter or object, the cause and the next step; a job survives restarts
//           and ends when what the caller asked for is true; whatever a failing call had made is rolled back.
// Refuses:  knowing a wire format.
// Lives on: the control loop. Pools are spoken to on their own loops.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/base.h"
#include "os/os.h"
#include "pool/pool.h"
#include "replica/replica.h"
#include "rt/rt.h"

namespace lockstep::manage {

// MSFT_SMReplicationGroup and relatives: return values of methods.
enum class ReturnCode : std::uint32_t {
  completed = 0, not_supported = 1, unspecified_error = 2, timeout = 3, failed = 4, invalid_parameter = 5, property_not_supported = 7,
  not_found = 8, job_started = 4096, access_denied = 40001, insufficient_resources = 40002, cache_out_of_date = 40003, contains_replicas = 48000,
};

// MSFT_SMExtendedStatus, in our words.
struct Refusal {
  ReturnCode code = ReturnCode::failed;
  std::string message;      // object, cause
  std::string next_step;    // what to do; may be empty
  std::string parameter;    // offending parameter's SM name (with invalid_parameter), or the object's name
};
template <class T = void>
using Answer = std::expected<T, Refusal>;
[[nodiscard]] Refusal refusal_of(const Error& error, std::string parameter);   // total: every Code has its ReturnCode

enum class RoleName : std::uint8_t { read_only, operate, administrator };       // ReadOnly, Operator, Administrator

// Who asks. The local socket's root is an administrator.
struct Caller {
  std::string user;
  RoleName role = RoleName::read_only;
};

struct Account {
  std::string user;
  RoleName role;
  bool enabled = true;
  bool must_change_password = false;
};

enum class JobState : std::uint16_t { fresh = 2, starting = 3, running = 4, suspended = 5, shutting_down = 6, completed = 7, terminated = 8, killed = 9, exception = 10 };

struct Job {
  JobId id;
  std::string what;               // "CreateReplica db -> b"
  std::string object;             // name of what it works on
  JobState state = JobState::fresh;
  unsigned percent = 0;
  Bytes done{0}, total{0};
  WallTime submitted, started, changed, ended;   // 0: not yet
  std::optional<Refusal> error;
  std::string result;             // id of what it made (relationship, volume ...)
  bool cancellable = true;
};

enum class Severity : std::uint8_t { information, warning, critical };

struct Event {
  std::uint64_t number = 0;       // grows by one; the order of things
  WallTime time;
  Severity severity = Severity::information;
  std::string kind;               // "CopyState", "Job", "Created", "Deleted", "Lag", "Peer", "Pool" ...
  std::string object_type;        // "Relationship", "Volume", "Group", "Pool", "Job", "Peer", "Account"
  std::string object;             // its name
  std::string before, after;
  std::string cause;
};

struct PoolInfo {
  pool::Status status;
  std::string path;
  std::size_t volumes = 0, groups = 0;
};
struct VolumeInfo {
  PoolId pool_id;
  std::string pool;
  store::VolumeRow row;
  std::string group;              // empty: in none
  bool writable = false;
  Bytes allocated{0};
  std::size_t sessions = 0;
  std::string export_name;        // POOL/VOLUME
};
struct GroupInfo {
  PoolId pool_id;
  std::string pool;
  store::GroupRow row;
  std::vector<std::string> volumes;        // names, in order
  std::vector<RelationshipId> relationships;
};
struct SnapshotInfo {
  PoolId pool_id;
  std::string pool;
  std::string group;
  store::SnapshotRow row;
};

// MSFT_SMReplicationGroup.CreateReplica, parameter by parameter (semantics of each: the model's). Absent optional = NULL.
struct CreateReplica {
  std::string pool, group;                        // the source group ("this")
  std::optional<std::string> relationship_name;
  std::optional<std::uint16_t> sync_type;
  std::optional<std::uint16_t> mode;
  std::optional<std::uint32_t> rpo_seconds;
  std::optional<std::string> target_system;       // name or id of a peer system; NULL or own: local
  std::optional<std::string> target_pool;
  std::optional<std::string> target_group;
  std::optional<std::uint16_t> target_element_supplier, thin_provisioning_policy;
  std::optional<std::string> user, password;      // checked when given
  // Beyond the model; settings of the relationship.
  std::optional<replica::LinkLoss> on_link_loss;
  std::optional<replica::RpoAction> on_rpo;
  std::optional<Bytes> limit_per_second;
};

// A call that may outlive itself: with a job, the code is 4096.
struct Outcome {
  std::optional<JobId> job;
  std::string object;                             // id of what was made, when it already exists
};

class System {
 public:
  virtual ~System() = default;

  [[nodiscard]] virtual const replica::Self& self() const = 0;
  [[nodiscard]] virtual replica::Engine& engine() = 0;

  // Accounts.
  virtual rt::Task<Answer<Caller>> authenticate(std::string user, std::string password) = 0;   // slow by design; bounded in parallel
  virtual rt::Task<Answer<>> add_account(Caller caller, std::string user, std::string password, RoleName role) = 0;
  virtual rt::Task<Answer<>> change_account(Caller caller, std::string user, std::optional<std::string> password, std::optional<RoleName> role, std::optional<bool> enabled) = 0;
  virtual rt::Task<Answer<>> remove_account(Caller caller, std::string user) = 0;
  [[nodiscard]] virtual std::vector<Account> accounts() const = 0;

  // Pools.
  virtual rt::Task<Answer<>> create_pool(Caller caller, std::string name, std::string path) = 0;
  virtual rt::Task<Answer<>> delete_pool(Caller caller, std::string name) = 0;                 // refused while it holds volumes
  virtual rt::Task<std::vector<PoolInfo>> pools() = 0;

  // Volumes. `volume` is POOL/NAME.
  virtual rt::Task<Answer<>> create_volume(Caller caller, std::string volume, Bytes size) = 0;
  virtual rt::Task<Answer<>> resize_volume(Caller caller, std::string volume, Bytes size) = 0;
  virtual rt::Task<Answer<>> set_read_only(Caller caller, std::string volume, bool read_only) = 0;
  virtual rt::Task<Answer<>> delete_volume(Caller caller, std::string volume) = 0;
  virtual rt::Task<std::vector<VolumeInfo>> volumes() = 0;

  // Groups and snapshots. `group` is NAME or POOL/NAME where the name is in several pools.
  virtual rt::Task<Answer<>> create_group(Caller caller, std::string name, std::vector<std::string> volumes) = 0;
  virtual rt::Task<Answer<>> add_members(Caller caller, std::string group, std::vector<std::string> volumes) = 0;
  virtual rt::Task<Answer<>> remove_members(Caller caller, std::string group, std::vector<std::string> volumes) = 0;
  virtual rt::Task<Answer<>> delete_group(Caller caller, std::string group) = 0;
  virtual rt::Task<std::vector<GroupInfo>> groups() = 0;
  virtual rt::Task<Answer<SnapshotId>> create_snapshot(Caller caller, std::string group, std::string name) = 0;
  virtual rt::Task<Answer<>> delete_snapshot(Caller caller, std::string group, std::string name) = 0;
  virtual rt::Task<std::vector<SnapshotInfo>> snapshots() = 0;
  // Writable volumes that start as the snapshot's, named PREFIX + volume name.
  virtual rt::Task<Answer<std::vector<std::string>>> clone_snapshot(Caller caller, std::string group, std::string snapshot, std::string prefix) = 0;

  // Peers.
  virtual rt::Task<Answer<std::string>> invite(Caller caller, Duration valid) = 0;
  virtual rt::Task<Answer<replica::Peer>> join(Caller caller, std::string token) = 0;
  virtual rt::Task<Answer<>> remove_peer(Caller caller, std::string name) = 0;

  // Relationships. `relationship` is a name or id.
  virtual rt::Task<Answer<Outcome>> create_replica(Caller caller, CreateReplica request) = 0;      // checks of semantics 5.1, in that order
  virtual rt::Task<Answer<replica::Forecast>> forecast_replica(Caller caller, CreateReplica request) = 0;
  virtual rt::Task<Answer<Outcome>> set_relationship(Caller caller, std::string relationship, std::uint16_t operation) = 0;   // SM operations 2 to 25
  virtual rt::Task<Answer<replica::Forecast>> forecast_operation(Caller caller, std::string relationship, std::uint16_t operation) = 0;
  virtual rt::Task<Answer<>> change_settings(Caller caller, std::string relationship, replica::Settings settings) = 0;
  [[nodiscard]] virtual std::vector<replica::Report> relationships() = 0;

  // Jobs and events.
  [[nodiscard]] virtual std::vector<Job> jobs() = 0;
  virtual rt::Task<Answer<Job>> wait_job(JobId job, Duration at_most) = 0;         // returns the job as it is then
  virtual rt::Task<Answer<>> cancel_job(Caller caller, JobId job) = 0;
  [[nodiscard]] virtual std::vector<Event> events(std::uint64_t after, std::size_t most) = 0;
  virtual rt::Task<std::vector<Event>> wait_events(std::uint64_t after, Duration at_most) = 0;

  // For NBD: an export by its name POOL/VOLUME; the pool that holds it.
  [[nodiscard]] virtual std::vector<std::string> export_names() = 0;
  [[nodiscard]] virtual pool::Pool* pool_of_export(std::string_view export_name) = 0;

  // Prometheus text, conventions and all.
  [[nodiscard]] virtual std::string metrics() = 0;

  virtual rt::Task<void> stop() = 0;                // drains, closes pools cleanly
};

struct Options {
  std::string name;                                 // system name; kept from the first start on
  std::vector<os::Address> advertised;              // where peers reach this system
  pool::Options pool;
  replica::Options replica;
};

// Everything a system keeps lives below `directory`.
rt::Task<Result<std::unique_ptr<System>>> start(os::Host& host, rt::Loop& control, std::string directory, Options options);

}  // namespace lockstep::manage
