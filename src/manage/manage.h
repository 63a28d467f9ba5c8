// Manage: the one place where operations live: parameters checked, rights checked, jobs run, events kept. The SM model as plain structs.
// Promises: every refusal carries the SM return code, the parameter or object, the cause and the next step; a job survives restarts
//           and ends when what the caller asked for is true; whatever a failing call had made is rolled back.
// Refuses:  knowing a wire format.
// Lives on: the control loop. Pools are spoken to on their own loops.   On disk: DATA/system.db, docs/formats/system.md.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/base.h"
#include "manage/model.h"
#include "os/os.h"
#include "pool/pool.h"
#include "replica/replica.h"
#include "rt/rt.h"

namespace lockstep::manage {

class System {
 public:
  virtual ~System() = default;

  [[nodiscard]] virtual const replica::Self& self() const = 0;
  [[nodiscard]] virtual replica::Engine& engine() = 0;
  [[nodiscard]] virtual WallTime now() const = 0;
  [[nodiscard]] virtual os::Random& random() = 0;
  // Set at the very first start only: the password of the account `admin`.
  [[nodiscard]] virtual std::optional<std::string> first_password() const = 0;

  // Accounts.
  virtual rt::Task<Answer<Caller>> authenticate(std::string user, std::string password) = 0;   // slow by design; bounded in parallel
  virtual rt::Task<Answer<>> add_account(Caller caller, std::string user, std::string password, RoleName role) = 0;
  virtual rt::Task<Answer<>> change_account(Caller caller, std::string user, std::optional<std::string> password, std::optional<RoleName> role, std::optional<bool> enabled) = 0;
  virtual rt::Task<Answer<>> remove_account(Caller caller, std::string user) = 0;
  [[nodiscard]] virtual std::vector<Account> accounts() const = 0;

  // Pools. An empty path: below the system's own directory. `capacity` 0: what the file system gives.
  virtual rt::Task<Answer<>> create_pool(Caller caller, std::string name, std::string path, Bytes capacity = Bytes{0}) = 0;
  virtual rt::Task<Answer<>> delete_pool(Caller caller, std::string name) = 0;                 // refused while it holds volumes; the files stay
  virtual rt::Task<std::vector<PoolInfo>> pools() = 0;

  // Volumes. `volume` is POOL/NAME, the 32 digits of its uuid, or NAME where that is in one pool only.
  virtual rt::Task<Answer<>> create_volume(Caller caller, std::string volume, Bytes size) = 0;
  virtual rt::Task<Answer<>> resize_volume(Caller caller, std::string volume, Bytes size) = 0;
  virtual rt::Task<Answer<>> set_read_only(Caller caller, std::string volume, bool read_only) = 0;
  virtual rt::Task<Answer<>> rename_volume(Caller caller, std::string volume, std::string name) = 0;
  virtual rt::Task<Answer<>> delete_volume(Caller caller, std::string volume) = 0;
  virtual rt::Task<std::vector<VolumeInfo>> volumes() = 0;

  // Groups and snapshots. `group` is NAME or POOL/NAME where the name is in several pools, or the 32 digits of its id.
  virtual rt::Task<Answer<>> create_group(Caller caller, std::string name, std::vector<std::string> volumes) = 0;   // name may be POOL/NAME
  virtual rt::Task<Answer<>> rename_group(Caller caller, std::string group, std::string name) = 0;
  virtual rt::Task<Answer<>> set_members(Caller caller, std::string group, std::vector<std::string> volumes) = 0;
  virtual rt::Task<Answer<>> add_members(Caller caller, std::string group, std::vector<std::string> volumes) = 0;
  virtual rt::Task<Answer<>> remove_members(Caller caller, std::string group, std::vector<std::string> volumes) = 0;
  virtual rt::Task<Answer<>> delete_group(Caller caller, std::string group) = 0;
  virtual rt::Task<std::vector<GroupInfo>> groups() = 0;
  virtual rt::Task<Answer<SnapshotId>> create_snapshot(Caller caller, std::string group, std::string name) = 0;
  virtual rt::Task<Answer<>> delete_snapshot(Caller caller, std::string group, std::string name) = 0;
  virtual rt::Task<std::vector<SnapshotInfo>> snapshots() = 0;
  // Writable volumes that start as the snapshot's, named PREFIX + volume name.
  virtual rt::Task<Answer<std::vector<std::string>>> clone_snapshot(Caller caller, std::string group, std::string snapshot, std::string prefix) = 0;
  // The group's volumes become the snapshot's; what they held is kept as a snapshot of the name `keep_as` (empty: made up). Its name.
  virtual rt::Task<Answer<std::string>> revert_group(Caller caller, std::string group, std::string snapshot, std::string keep_as) = 0;

  // Rewind windows. `time` 0: none; what is absent stays. Points: "2026-01-31T12:00:00Z", "10m ago", "@1a2b3c4d:77", "latest".
  virtual rt::Task<Answer<>> set_rewind_window(Caller caller, std::string group, std::optional<Duration> time, std::optional<Bytes> bytes) = 0;
  virtual rt::Task<Answer<GroupPoints>> recovery_points(std::string group) = 0;
  virtual rt::Task<Answer<replica::RewindForecast>> forecast_rewind(Caller caller, std::string group, std::string to, std::string name) = 0;
  // A group of writable volumes, NAME-VOLUME, that holds what the group held then; without a name one is made up. The outcome's object: POOL/NAME.
  virtual rt::Task<Answer<Outcome>> rewind_group(Caller caller, std::string group, std::string to, std::string name) = 0;

  // Peers.
  virtual void set_advertised(std::vector<os::Address> addresses) = 0;   // where others reach this system, once it is known
  virtual rt::Task<Answer<std::string>> invite(Caller caller, Duration valid) = 0;
  virtual rt::Task<Answer<replica::Peer>> join(Caller caller, std::string token) = 0;
  virtual rt::Task<Answer<>> remove_peer(Caller caller, std::string name) = 0;

  // Relationships. `relationship` is a name or id.
  virtual rt::Task<Answer<Outcome>> create_replica(Caller caller, CreateReplica request) = 0;      // checks of the model, in its order
  // MSFT_SMStorageVolume.CreateReplica: a volume stands for the group that holds it alone, and gets one where it is in none (named like
  // it). `target_volume`: likewise; its pool counts, TargetStoragePool does not. Groups made for a call that is refused go again.
  virtual rt::Task<Answer<Outcome>> create_volume_replica(Caller caller, std::string volume, std::optional<std::string> target_volume, CreateReplica request) = 0;
  // The outcome's object: the relationship. Of a refusal the parameter is called as the model calls it (SourceGroup, TargetStorageElements ...).
  virtual rt::Task<Answer<Outcome>> create_relationship(Caller caller, CreateRelationship request) = 0;
  // Detaches; then the groups of it that are here, and have neither another relationship nor snapshots nor a rewind window, are deleted.
  // Volumes stay.
  virtual rt::Task<Answer<Outcome>> remove_relationship(Caller caller, std::string relationship) = 0;
  virtual rt::Task<Answer<replica::Forecast>> forecast_replica(Caller caller, CreateReplica request) = 0;
  virtual rt::Task<Answer<Outcome>> set_relationship(Caller caller, std::string relationship, std::uint16_t operation) = 0;   // SM operations 2 to 25
  // Of some of its pairs, named by their volumes on this system: AddSyncPair, RemoveSyncPair, Detach ... (replica::pair_cell). The outcome's
  // object: the relationship; after RemoveSyncPair, the job's result names those that were made.
  virtual rt::Task<Answer<Outcome>> set_pairs(Caller caller, std::string relationship, std::uint16_t operation, std::vector<std::string> volumes) = 0;
  virtual rt::Task<Answer<replica::Forecast>> forecast_operation(Caller caller, std::string relationship, std::uint16_t operation) = 0;
  virtual rt::Task<Answer<>> change_settings(Caller caller, std::string relationship, replica::Settings settings) = 0;
  [[nodiscard]] virtual ReplicaDefaults replica_defaults(GroupId group) const = 0;
  virtual rt::Task<Answer<>> set_replica_defaults(Caller caller, std::string group, ReplicaDefaults defaults) = 0;   // 0: the usual one
  [[nodiscard]] virtual std::vector<replica::Report> relationships() = 0;       // of a local one, both ends may be there
  // On the source's system. What was found is the job's result, in a line; whole, in the relationship's report.
  virtual rt::Task<Answer<Outcome>> verify(Caller caller, std::string relationship, replica::VerifyRequest request) = 0;
  // On the target's system: clones of the target as it is, called NAME-VOLUME, as a group `name`; and their end. Checked by the map's
  // checksums at once; with `read` by reading every block, as a job whose result is the drill's group.
  virtual rt::Task<Answer<Drill>> drill(Caller caller, std::string relationship, std::string name) = 0;
  virtual rt::Task<Answer<Outcome>> read_drill(Caller caller, std::string group) = 0;
  virtual rt::Task<std::vector<Drill>> drills() = 0;                          // since the system's start, whose groups are there
  virtual rt::Task<Answer<>> end_drill(Caller caller, std::string relationship, std::string name) = 0;

  // Tokens for copies of a point in time. The text of one is shown once, when it is made.
  virtual rt::Task<Answer<std::string>> create_token(Caller caller, std::string group, Duration valid, bool reusable) = 0;
  virtual rt::Task<std::vector<TokenInfo>> tokens() = 0;
  virtual rt::Task<Answer<>> revoke_token(Caller caller, std::string id, bool force) = 0;          // force: copies that run from it end
  virtual rt::Task<Answer<Outcome>> use_token(Caller caller, UseToken use) = 0;

  // Jobs and events.
  [[nodiscard]] virtual std::vector<Job> jobs() = 0;
  // The job as it is when it ended or the time is up; with `or_progress` also as soon as state or percentage change.
  virtual rt::Task<Answer<Job>> wait_job(JobId job, Duration at_most, bool or_progress = false) = 0;
  virtual rt::Task<Answer<>> cancel_job(Caller caller, JobId job) = 0;
  [[nodiscard]] virtual std::vector<Event> events(std::uint64_t after, std::size_t most) = 0;
  virtual rt::Task<std::vector<Event>> wait_events(std::uint64_t after, Duration at_most) = 0;
  [[nodiscard]] virtual std::uint64_t last_event() const = 0;
  // Grows as soon as anything changes that is an event, before the event can be read: what was looked up at another number may be old.
  [[nodiscard]] virtual std::uint64_t changes() const = 0;

  // For NBD: an export by its name POOL/VOLUME; the pool that holds it. A pool lives as long as the system.
  virtual rt::Task<std::vector<std::string>> export_names() = 0;
  [[nodiscard]] virtual pool::Pool* pool_of_export(std::string_view export_name) = 0;

  // What parts above know: sessions by volume; more lines of metrics; told before a volume is deleted or a pool closed.
  struct Hooks {
    std::function<std::map<VolumeUuid, std::size_t>()> sessions;
    std::function<std::string()> metrics;
  };
  virtual void set_hooks(Hooks hooks) = 0;

  // Prometheus text, conventions and all.
  virtual rt::Task<std::string> metrics() = 0;

  virtual void end_waits() = 0;                     // wait_job and wait_events return at once from here on: front ends can stop
  virtual rt::Task<void> stop() = 0;                // drains, closes pools cleanly
};

struct Options {
  std::string name;                                 // system name; kept from the first start on. Empty: "lockstep-" and 6 digits
  std::vector<std::string> certificate_names;       // besides the name: hosts and addresses that the certificate is for
  std::vector<os::Address> advertised;              // where peers reach this system
  pool::Options pool;
  replica::Options replica;
  replica::RewindOptions rewind;
  Duration jobs_kept = std::chrono::minutes(5);     // after their end
  std::size_t events_kept = 10000;
  unsigned scrypt_log2_n = 15;                      // cost of a password: 2^n * 1 KiB of memory
  unsigned passwords_at_once = 2;

  // The parts below, where others than the usual ones are wanted.
  using OpenPool = std::function<rt::Task<Result<std::unique_ptr<pool::Pool>>>(os::Host&, rt::Loop&, std::string directory, std::string name, pool::Options, bool create)>;
  using MakeEngine = std::function<std::unique_ptr<replica::Engine>(os::Host&, rt::Loop&, replica::Self, replica::Pools&, replica::Registry&, replica::Observer&, replica::Options)>;
  OpenPool open_pool;
  MakeEngine make_engine;
};

// Everything a system keeps lives below `directory`, which it locks: `busy` when another system has it.
rt::Task<Result<std::unique_ptr<System>>> start(os::Host& host, rt::Loop& control, std::string directory, Options options);

// "p/data" of "p" and "data". Names: 1 to 100 bytes of [A-Za-z0-9._-], not starting with '.' or '-'.
struct PoolAndName {
  std::string pool;   // empty when the text has no slash
  std::string name;
};
[[nodiscard]] PoolAndName split_name(std::string_view text);
[[nodiscard]] bool good_name(std::string_view name) noexcept;

}  // namespace lockstep::manage
