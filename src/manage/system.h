// System: the parts of manage, put together. Private to manage.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "manage/accounts.h"
#include "manage/book.h"
#include "manage/events.h"
#include "manage/jobs.h"
#include "manage/manage.h"
#include "manage/pools.h"
#include "manage/probe.h"
#include "manage/drills.h"
#include "manage/registry.h"
#include "manage/rewinds.h"
#include "manage/room.h"
#include "manage/relationships.h"
#include "manage/storage.h"

namespace lockstep::manage {

class SystemParts final : public System {
 public:
  SystemParts(os::Host& host, rt::Loop& control, std::string directory, Options options);
  ~SystemParts() override;

  // In order; after an error stop() is still called.
  rt::Task<Result<>> start();

  [[nodiscard]] const replica::Self& self() const override { return self_; }
  [[nodiscard]] replica::Engine& engine() override { return *engine_; }
  [[nodiscard]] WallTime now() const override { return control_.clock().wall(); }
  [[nodiscard]] os::Random& random() override { return host_.random(); }
  [[nodiscard]] std::optional<std::string> first_password() const override { return first_password_; }

  rt::Task<Answer<Caller>> authenticate(std::string user, std::string password) override;
  rt::Task<Answer<>> add_account(Caller caller, std::string user, std::string password, RoleName role) override;
  rt::Task<Answer<>> change_account(Caller caller, std::string user, std::optional<std::string> password, std::optional<RoleName> role, std::optional<bool> enabled) override;
  rt::Task<Answer<>> remove_account(Caller caller, std::string user) override;
  [[nodiscard]] std::vector<Account> accounts() const override;

  rt::Task<Answer<>> create_pool(Caller caller, std::string name, std::string path, Bytes capacity) override;
  rt::Task<Answer<>> delete_pool(Caller caller, std::string name) override;
  rt::Task<std::vector<PoolInfo>> pools() override;

  rt::Task<Answer<>> create_volume(Caller caller, std::string volume, Bytes size) override;
  rt::Task<Answer<>> resize_volume(Caller caller, std::string volume, Bytes size) override;
  rt::Task<Answer<>> set_read_only(Caller caller, std::string volume, bool read_only) override;
  rt::Task<Answer<>> rename_volume(Caller caller, std::string volume, std::string name) override;
  rt::Task<Answer<>> delete_volume(Caller caller, std::string volume) override;
  rt::Task<std::vector<VolumeInfo>> volumes() override;

  rt::Task<Answer<>> create_group(Caller caller, std::string name, std::vector<std::string> volumes) override;
  rt::Task<Answer<>> rename_group(Caller caller, std::string group, std::string name) override;
  rt::Task<Answer<>> set_members(Caller caller, std::string group, std::vector<std::string> volumes) override;
  rt::Task<Answer<>> add_members(Caller caller, std::string group, std::vector<std::string> volumes) override;
  rt::Task<Answer<>> remove_members(Caller caller, std::string group, std::vector<std::string> volumes) override;
  rt::Task<Answer<>> delete_group(Caller caller, std::string group) override;
  rt::Task<std::vector<GroupInfo>> groups() override;
  rt::Task<Answer<SnapshotId>> create_snapshot(Caller caller, std::string group, std::string name) override;
  rt::Task<Answer<>> delete_snapshot(Caller caller, std::string group, std::string name) override;
  rt::Task<std::vector<SnapshotInfo>> snapshots() override;
  rt::Task<Answer<std::vector<std::string>>> clone_snapshot(Caller caller, std::string group, std::string snapshot, std::string prefix) override;
  rt::Task<Answer<std::string>> revert_group(Caller caller, std::string group, std::string snapshot, std::string keep_as) override;

  rt::Task<Answer<>> set_rewind_window(Caller caller, std::string group, std::optional<Duration> time, std::optional<Bytes> bytes) override;
  rt::Task<Answer<GroupPoints>> recovery_points(std::string group) override;
  rt::Task<Answer<replica::RewindForecast>> forecast_rewind(Caller caller, std::string group, std::string to, std::string name) override;
  rt::Task<Answer<Outcome>> rewind_group(Caller caller, std::string group, std::string to, std::string name) override;

  void set_advertised(std::vector<os::Address> addresses) override { options_.advertised = std::move(addresses); }
  rt::Task<Answer<std::string>> invite(Caller caller, Duration valid) override;
  rt::Task<Answer<replica::Peer>> join(Caller caller, std::string token) override;
  rt::Task<Answer<>> remove_peer(Caller caller, std::string name) override;

  rt::Task<Answer<Outcome>> create_replica(Caller caller, CreateReplica request) override;
  rt::Task<Answer<Outcome>> create_volume_replica(Caller caller, std::string volume, std::optional<std::string> target_volume, CreateReplica request) override;
  rt::Task<Answer<Outcome>> create_relationship(Caller caller, CreateRelationship request) override;
  rt::Task<Answer<Outcome>> remove_relationship(Caller caller, std::string relationship) override;
  rt::Task<Answer<Outcome>> set_pairs(Caller caller, std::string relationship, std::uint16_t operation, std::vector<std::string> volumes) override;
  rt::Task<Answer<std::string>> create_token(Caller caller, std::string group, Duration valid, bool reusable) override;
  rt::Task<std::vector<TokenInfo>> tokens() override;
  rt::Task<Answer<>> revoke_token(Caller caller, std::string id, bool force) override;
  rt::Task<Answer<Outcome>> use_token(Caller caller, UseToken use) override;
  rt::Task<Answer<replica::Forecast>> forecast_replica(Caller caller, CreateReplica request) override;
  rt::Task<Answer<Outcome>> set_relationship(Caller caller, std::string relationship, std::uint16_t operation) override;
  rt::Task<Answer<replica::Forecast>> forecast_operation(Caller caller, std::string relationship, std::uint16_t operation) override;
  rt::Task<Answer<>> change_settings(Caller caller, std::string relationship, replica::Settings settings) override;
  [[nodiscard]] ReplicaDefaults replica_defaults(GroupId group) const override { return defaults_->of(group); }
  rt::Task<Answer<>> set_replica_defaults(Caller caller, std::string group, ReplicaDefaults defaults) override;
  [[nodiscard]] std::vector<replica::Report> relationships() override;
  rt::Task<Answer<Outcome>> verify(Caller caller, std::string relationship, replica::VerifyRequest request) override;
  rt::Task<Answer<Drill>> drill(Caller caller, std::string relationship, std::string name) override;
  rt::Task<Answer<Outcome>> read_drill(Caller caller, std::string group) override;
  rt::Task<std::vector<Drill>> drills() override;
  rt::Task<Answer<>> end_drill(Caller caller, std::string relationship, std::string name) override;

  [[nodiscard]] std::vector<Job> jobs() override;
  rt::Task<Answer<Job>> wait_job(JobId job, Duration at_most, bool or_progress) override;
  rt::Task<Answer<>> cancel_job(Caller caller, JobId job) override;
  [[nodiscard]] std::vector<Event> events(std::uint64_t after, std::size_t most) override;
  rt::Task<std::vector<Event>> wait_events(std::uint64_t after, Duration at_most) override;
  [[nodiscard]] std::uint64_t last_event() const override;
  [[nodiscard]] std::uint64_t changes() const override { return events_->emitted(); }

  rt::Task<std::vector<std::string>> export_names() override;
  [[nodiscard]] pool::Pool* pool_of_export(std::string_view export_name) override;
  void set_hooks(Hooks hooks) override { hooks_ = std::move(hooks); }
  rt::Task<std::string> metrics() override;

  void end_waits() override;
  rt::Task<void> stop() override;

 private:
  struct Alone {                 // the group that holds one volume alone
    std::string pool, group;
    bool made = false;
  };
  struct SideNames;              // of the parameters that say what a side is
  rt::Task<Answer<Alone>> side_of(Caller caller, CreateRelationship::Side side, SideNames names, std::string otherwise);
  rt::Task<Answer<Alone>> group_of_volume(Caller caller, std::string volume, std::string parameter);
  rt::Task<Result<>> make_directory();
  rt::Task<Result<>> know_self();
  rt::Task<Result<>> make_first_account();
  [[nodiscard]] Answer<replica::Report> target_end_of(const std::string& relationship) const;
  rt::Task<void> forget_deleted_groups();
  void tell(std::string kind, std::string object_type, std::string object);

  os::Host& host_;
  rt::Loop& control_;
  std::string directory_;
  Options options_;
  Instant started_;
  std::unique_ptr<os::FileLock> lock_;
  Hooks hooks_;
  replica::Self self_;
  std::optional<std::string> first_password_;
  // Built in this order by start(), as far as it gets; stop() goes backwards.
  std::unique_ptr<Book> book_;
  std::optional<Events> events_;
  std::optional<Accounts> accounts_;
  std::optional<PoolSet> pools_;
  std::optional<Storage> storage_;
  std::optional<Jobs> jobs_;
  std::optional<Registry> registry_;
  std::optional<KeptDefaults> defaults_;
  std::optional<Relationships> relationships_;
  std::unique_ptr<replica::Engine> engine_;
  bool engine_started_ = false;
  std::unique_ptr<replica::Rewind> rewind_;
  std::optional<Rewinds> rewinds_;
  std::optional<Drills> drills_;
  std::optional<Probe> probe_;
  std::optional<Watermark> watermark_;
};

}  // namespace lockstep::manage
