// Calls of the system: the caller's right, then whoever does it.
#include "manage/system.h"

#include <utility>

#include "manage/refusal.h"

namespace lockstep::manage {

rt::Task<Answer<Caller>> SystemParts::authenticate(std::string user, std::string password) { return accounts_->authenticate(std::move(user), std::move(password)); }

rt::Task<Answer<>> SystemParts::add_account(Caller caller, std::string user, std::string password, RoleName role) {
  Answer<> done = co_await accounts_->add(std::move(caller), user, std::move(password), role);
  if (done) tell("Created", "Account", user);
  co_return done;
}

rt::Task<Answer<>> SystemParts::change_account(Caller caller, std::string user, std::optional<std::string> password, std::optional<RoleName> role, std::optional<bool> enabled) {
  Answer<> done = co_await accounts_->change(std::move(caller), user, std::move(password), role, enabled);
  if (done) tell("Changed", "Account", user);
  co_return done;
}

rt::Task<Answer<>> SystemParts::remove_account(Caller caller, std::string user) {
  Answer<> done = co_await accounts_->remove(std::move(caller), user);
  if (done) tell("Deleted", "Account", user);
  co_return done;
}

std::vector<Account> SystemParts::accounts() const { return accounts_->list(); }

rt::Task<Answer<>> SystemParts::create_pool(Caller caller, std::string name, std::string path, Bytes capacity) {
  CO_ASK_VOID(require(caller, RoleName::administrator, "making a pool"));
  CO_ASK_VOID(co_await pools_->create(name, std::move(path), capacity));
  if (pool::Pool* made = pools_->find(std::string_view(name))) {
    Result<> told = co_await engine_->pool_opened(made->id());
    if (told) told = co_await rewind_->pool_opened(made->id());
    if (!told) co_return refuse(told.error(), name);
  }
  tell("Created", "Pool", name);
  co_return Answer<>{};
}

rt::Task<Answer<>> SystemParts::delete_pool(Caller caller, std::string name) {
  CO_ASK_VOID(require(caller, RoleName::administrator, "deleting a pool"));
  pool::Pool* pool = pools_->find(std::string_view(name));
  const PoolId id = pool ? pool->id() : PoolId{};
  co_await rewind_->pool_closing(id);
  Answer<> removed = co_await pools_->remove(name, *engine_);
  if (!removed) {
    ignore(co_await rewind_->pool_opened(id), "the pool stays; its windows go on");
    co_return removed;
  }
  tell("Deleted", "Pool", name);
  co_return Answer<>{};
}

namespace {

// On the pool's loop.
rt::Task<PoolInfo> info_of(pool::Pool* pool) {
  PoolInfo info;
  info.status = pool->status();
  for (const auto& [id, row] : pool->catalog().volumes) info.volumes += row.hidden ? 0 : 1;
  info.groups = pool->catalog().groups.size();
  co_return info;
}

}  // namespace

rt::Task<std::vector<PoolInfo>> SystemParts::pools() {
  std::vector<PoolInfo> out;
  for (const PoolSet::Entry& entry : pools_->entries())
    if (!entry.pool && entry.error) {
      PoolInfo& info = out.emplace_back();
      info.status.name = entry.name;
      info.path = entry.path;
      info.error = entry.error;
    }
  std::vector<PoolSet::Hold> holds = pools_->hold_all();
  for (PoolSet::Hold& hold : holds) {
    PoolInfo info = co_await rt::run_on(hold.loop(), info_of(&hold.pool()));
    info.status.name = hold.name();
    info.path = hold.path();
    out.push_back(std::move(info));
  }
  co_return out;
}

rt::Task<Answer<>> SystemParts::create_volume(Caller caller, std::string volume, Bytes size) {
  CO_ASK_VOID(require(caller, RoleName::operate, "making a volume"));
  co_return co_await storage_->create_volume(std::move(volume), size);
}
rt::Task<Answer<>> SystemParts::resize_volume(Caller caller, std::string volume, Bytes size) {
  CO_ASK_VOID(require(caller, RoleName::operate, "resizing a volume"));
  co_return co_await storage_->resize_volume(std::move(volume), size);
}
rt::Task<Answer<>> SystemParts::set_read_only(Caller caller, std::string volume, bool read_only) {
  CO_ASK_VOID(require(caller, RoleName::operate, "changing a volume"));
  co_return co_await storage_->set_read_only(std::move(volume), read_only);
}
rt::Task<Answer<>> SystemParts::rename_volume(Caller caller, std::string volume, std::string name) {
  CO_ASK_VOID(require(caller, RoleName::operate, "renaming a volume"));
  co_return co_await storage_->rename_volume(std::move(volume), std::move(name));
}
rt::Task<Answer<>> SystemParts::delete_volume(Caller caller, std::string volume) {
  CO_ASK_VOID(require(caller, RoleName::operate, "deleting a volume"));
  co_return co_await storage_->delete_volume(std::move(volume));
}
rt::Task<std::vector<VolumeInfo>> SystemParts::volumes() { return storage_->volumes(); }

rt::Task<Answer<>> SystemParts::create_group(Caller caller, std::string name, std::vector<std::string> volumes) {
  CO_ASK_VOID(require(caller, RoleName::operate, "making a group"));
  co_return co_await storage_->create_group(std::move(name), std::move(volumes));
}
rt::Task<Answer<>> SystemParts::rename_group(Caller caller, std::string group, std::string name) {
  CO_ASK_VOID(require(caller, RoleName::operate, "renaming a group"));
  co_return co_await storage_->rename_group(std::move(group), std::move(name));
}
rt::Task<Answer<>> SystemParts::set_members(Caller caller, std::string group, std::vector<std::string> volumes) {
  CO_ASK_VOID(require(caller, RoleName::operate, "changing a group"));
  co_return co_await storage_->change_members(std::move(group), std::move(volumes), Storage::Change::set);
}
rt::Task<Answer<>> SystemParts::add_members(Caller caller, std::string group, std::vector<std::string> volumes) {
  CO_ASK_VOID(require(caller, RoleName::operate, "changing a group"));
  co_return co_await storage_->change_members(std::move(group), std::move(volumes), Storage::Change::add);
}
rt::Task<Answer<>> SystemParts::remove_members(Caller caller, std::string group, std::vector<std::string> volumes) {
  CO_ASK_VOID(require(caller, RoleName::operate, "changing a group"));
  co_return co_await storage_->change_members(std::move(group), std::move(volumes), Storage::Change::remove);
}
rt::Task<Answer<>> SystemParts::delete_group(Caller caller, std::string group) {
  CO_ASK_VOID(require(caller, RoleName::operate, "deleting a group"));
  Answer<> done = co_await storage_->delete_group(std::move(group));
  if (done) co_await forget_deleted_groups();
  co_return done;
}
rt::Task<std::vector<GroupInfo>> SystemParts::groups() { return storage_->groups(); }

rt::Task<Answer<SnapshotId>> SystemParts::create_snapshot(Caller caller, std::string group, std::string name) {
  CO_ASK_VOID(require(caller, RoleName::operate, "taking a snapshot"));
  co_return co_await storage_->create_snapshot(std::move(group), std::move(name));
}
rt::Task<Answer<>> SystemParts::delete_snapshot(Caller caller, std::string group, std::string name) {
  CO_ASK_VOID(require(caller, RoleName::operate, "deleting a snapshot"));
  co_return co_await storage_->delete_snapshot(std::move(group), std::move(name));
}
rt::Task<std::vector<SnapshotInfo>> SystemParts::snapshots() { return storage_->snapshots(); }
rt::Task<Answer<std::vector<std::string>>> SystemParts::clone_snapshot(Caller caller, std::string group, std::string snapshot, std::string prefix) {
  CO_ASK_VOID(require(caller, RoleName::operate, "cloning a snapshot"));
  co_return co_await storage_->clone_snapshot(std::move(group), std::move(snapshot), std::move(prefix));
}
rt::Task<Answer<std::string>> SystemParts::revert_group(Caller caller, std::string group, std::string snapshot, std::string keep_as) {
  CO_ASK_VOID(require(caller, RoleName::operate, "reverting a group"));
  co_return co_await storage_->revert_group(std::move(group), std::move(snapshot), std::move(keep_as));
}

rt::Task<Answer<std::string>> SystemParts::invite(Caller caller, Duration valid) {
  CO_ASK_VOID(require(caller, RoleName::administrator, "inviting a peer"));
  if (options_.advertised.empty()) co_return wrong_state(self_.name, "no other system can reach this one: it listens for peers nowhere", "Start lockstepd with --peer ADDR.");
  Result<std::string> token = engine_->invite(valid, options_.advertised);
  if (!token) co_return refuse(token.error(), "ValidSeconds");
  co_return *std::move(token);
}

rt::Task<Answer<replica::Peer>> SystemParts::join(Caller caller, std::string token) {
  CO_ASK_VOID(require(caller, RoleName::administrator, "joining a peer"));
  Result<replica::Peer> peer = co_await engine_->join(std::move(token), options_.advertised);
  if (!peer) co_return refuse(peer.error(), "Token");
  tell("Created", "Peer", peer->name);
  co_return *std::move(peer);
}

rt::Task<Answer<>> SystemParts::remove_peer(Caller caller, std::string name) {
  CO_ASK_VOID(require(caller, RoleName::administrator, "removing a peer"));
  for (const replica::PeerReport& report : engine_->peers()) {
    if (report.peer.name != name && text_of(report.peer.id) != name) continue;
    Result<> done = co_await engine_->remove_peer(report.peer.id);
    if (!done) co_return refuse(done.error(), name);
    tell("Deleted", "Peer", name);
    co_return Answer<>{};
  }
  co_return no_such("peer", name);
}

rt::Task<Answer<Outcome>> SystemParts::create_replica(Caller caller, CreateReplica request) { return relationships_->create(std::move(caller), std::move(request)); }
rt::Task<Answer<replica::Forecast>> SystemParts::forecast_replica(Caller caller, CreateReplica request) { return relationships_->forecast_create(std::move(caller), std::move(request)); }
rt::Task<Answer<Outcome>> SystemParts::set_relationship(Caller caller, std::string relationship, std::uint16_t operation) {
  return relationships_->operate(std::move(caller), std::move(relationship), operation);
}
rt::Task<Answer<replica::Forecast>> SystemParts::forecast_operation(Caller caller, std::string relationship, std::uint16_t operation) {
  return relationships_->forecast(std::move(caller), std::move(relationship), operation);
}
rt::Task<Answer<>> SystemParts::change_settings(Caller caller, std::string relationship, replica::Settings settings) {
  return relationships_->change(std::move(caller), std::move(relationship), settings);
}
rt::Task<Answer<>> SystemParts::set_replica_defaults(Caller caller, std::string group, ReplicaDefaults defaults) {
  return relationships_->set_defaults(std::move(caller), std::move(group), defaults);
}
std::vector<replica::Report> SystemParts::relationships() { return engine_->reports(); }
rt::Task<Answer<Outcome>> SystemParts::verify(Caller caller, std::string relationship, replica::VerifyRequest request) {
  return relationships_->verify(std::move(caller), std::move(relationship), request);
}

// What is known of it, if its target is here.
Answer<replica::Report> SystemParts::target_end_of(const std::string& relationship) const {
  Answer<replica::Report> report = relationships_->find(relationship);
  if (!report) return refuse(std::move(report).error());
  const replica::Relationship& r = report->relationship;
  if (r.end == replica::End::target || r.peer == self_.id) return report;
  std::string there = text_of(r.peer);
  for (const replica::PeerReport& peer : engine_->peers())
    if (peer.peer.id == r.peer) there = peer.peer.name;
  return wrong_state(r.name, "the target of relationship '" + r.name + "' is on system '" + there + "'", "Ask for the drill there.");
}

namespace {

std::string target_group_of(const replica::Relationship& r) { return r.end == replica::End::target ? text_of(r.group) : r.peer_pool + "/" + r.peer_group; }

}  // namespace

rt::Task<Answer<Drill>> SystemParts::drill(Caller caller, std::string relationship, std::string name) {
  CO_ASK_VOID(require(caller, RoleName::operate, "a drill"));
  CO_ASK(replica::Report report, target_end_of(relationship));
  Result<replica::Report> now = co_await engine_->report(report.relationship.id);   // of a local one, its source's end: that measures the lag
  if (now) report = *std::move(now);
  std::string target = target_group_of(report.relationship);
  co_return co_await drills_->open(std::move(report), std::move(target), std::move(name));
}

rt::Task<Answer<>> SystemParts::end_drill(Caller caller, std::string relationship, std::string name) {
  CO_ASK_VOID(require(caller, RoleName::operate, "a drill"));
  CO_ASK(replica::Report report, target_end_of(relationship));
  std::string target = target_group_of(report.relationship);
  co_return co_await drills_->end(std::move(target), std::move(name));
}

rt::Task<Answer<Outcome>> SystemParts::read_drill(Caller caller, std::string group) {
  CO_ASK_VOID(require(caller, RoleName::operate, "a drill"));
  co_return co_await drills_->read(std::move(group));
}
rt::Task<std::vector<Drill>> SystemParts::drills() { return drills_->list(); }

rt::Task<Answer<>> SystemParts::set_rewind_window(Caller caller, std::string group, std::optional<Duration> time, std::optional<Bytes> bytes) {
  CO_ASK_VOID(require(caller, RoleName::operate, "changing a rewind window"));
  co_return co_await rewinds_->set_window(std::move(group), time, bytes);
}
rt::Task<Answer<GroupPoints>> SystemParts::recovery_points(std::string group) { return rewinds_->points(std::move(group)); }
rt::Task<Answer<replica::RewindForecast>> SystemParts::forecast_rewind(Caller caller, std::string group, std::string to, std::string name) {
  CO_ASK_VOID(require(caller, RoleName::read_only, "a forecast"));
  co_return co_await rewinds_->forecast(std::move(group), std::move(to), std::move(name));
}
rt::Task<Answer<Outcome>> SystemParts::rewind_group(Caller caller, std::string group, std::string to, std::string name) {
  CO_ASK_VOID(require(caller, RoleName::operate, "a rewind"));
  co_return co_await rewinds_->open(std::move(group), std::move(to), std::move(name));
}

std::vector<Job> SystemParts::jobs() { return jobs_->list(); }
rt::Task<Answer<Job>> SystemParts::wait_job(JobId job, Duration at_most, bool or_progress) { return jobs_->wait(job, at_most, or_progress); }
rt::Task<Answer<>> SystemParts::cancel_job(Caller caller, JobId job) {
  CO_ASK_VOID(require(caller, RoleName::operate, "cancelling a job"));
  co_return jobs_->cancel(job);
}

std::vector<Event> SystemParts::events(std::uint64_t after, std::size_t most) { return events_->after(after, most); }
rt::Task<std::vector<Event>> SystemParts::wait_events(std::uint64_t after, Duration at_most) { return events_->wait(after, at_most); }
std::uint64_t SystemParts::last_event() const { return events_->last(); }

rt::Task<std::vector<std::string>> SystemParts::export_names() {
  std::vector<std::string> out;
  std::vector<VolumeInfo> known = co_await storage_->volumes();
  for (VolumeInfo& info : known) out.push_back(std::move(info.export_name));
  co_return out;
}

pool::Pool* SystemParts::pool_of_export(std::string_view export_name) {
  PoolAndName name = split_name(export_name);
  return pools_->find(std::string_view(name.pool));
}

rt::Task<std::string> SystemParts::metrics() {
  MetricsFacts facts;
  facts.pools = co_await pools();
  facts.volumes = co_await volumes();
  facts.groups = co_await groups();
  facts.relationships = engine_->reports();
  facts.peers = engine_->peers();
  facts.jobs = jobs_->list();
  facts.delays = probe_->delays();
  facts.last_event = events_->last();
  facts.uptime_seconds = std::chrono::duration<double>(control_.clock().now() - started_).count();
  std::string text = metrics_text(facts);
  if (hooks_.metrics) text += hooks_.metrics();
  co_return text;
}

}  // namespace lockstep::manage
