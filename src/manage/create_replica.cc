// MSFT_SMReplicationGroup.CreateReplica: what must be known is gathered, the rules are applied, the engine is asked.
#include <algorithm>

#include "manage/refusal.h"
#include "manage/relationships.h"
#include "manage/room.h"
#include "manage/undoing.h"
#include "manage/works.h"

namespace lockstep::manage {

namespace {

// On the pool's loop.
rt::Task<GroupFacts> facts_of(pool::Pool* pool, std::string pool_name, GroupId group) {
  GroupFacts facts;
  const store::Catalog& catalog = pool->catalog();
  auto row = catalog.groups.find(group);
  if (row == catalog.groups.end()) co_return facts;
  facts.name = pool_name + "/" + row->second.name;
  facts.members = row->second.members;
  facts.is_target = row->second.role != store::Role::source;
  for (VolumeId member : facts.members) {
    auto volume = catalog.volumes.find(member);
    facts.sizes.push_back(volume == catalog.volumes.end() ? Bytes{0} : volume->second.size);
  }
  co_return facts;
}

// On the pool's loop.
rt::Task<replica::Engine::RemotePool> space_of(pool::Pool* pool) {
  pool::Status status = pool->status();
  replica::Engine::RemotePool out;
  out.id = status.id;
  out.name = status.name;
  out.free = free_in(status.space);
  co_return out;
}

// Whoever takes connections and says nothing is no less there: a timeout, not out of reach.
Error silent_or(const Error& error, SystemId peer, const replica::Engine& engine) {
  if (error.code != Code::unreachable) return error;
  for (const replica::PeerReport& report : engine.peers())
    if (report.peer.id == peer && report.silent) return Error{Code::timeout, error.message};
  return error;
}

}  // namespace

Jobs::Patience patience_for(replica::SyncType type, replica::Mode mode, std::optional<Duration> at_most) {
  using namespace std::chrono_literals;
  Jobs::Patience patience{10s, 10s};                                                              // Adaptive
  if (type == replica::SyncType::mirror) patience = {10s, 300ms};                                 // an initial copy goes on by itself; tiny ones end at once
  else if (mode == replica::Mode::asynchronous) patience = {10s, 100ms};                          // the point in time exists: that is all that was asked for
  else if (mode == replica::Mode::synchronous) patience = {24h, 24h};                             // it is complete at the target
  if (at_most) patience = {std::min(patience.until_reached, *at_most), std::min(patience.after, *at_most)};
  return patience;
}

rt::Task<CreateFacts> Relationships::gather(Caller caller, CreateReplica request) {
  CreateFacts facts;
  facts.caller = std::move(caller);
  facts.request = std::move(request);
  if (facts.request.user || facts.request.password) {
    Answer<Caller> known = co_await accounts_.authenticate(facts.request.user.value_or(""), facts.request.password.value_or(""));
    if (known) facts.caller = *known;
    else facts.credentials = known.error();
  }
  for (const replica::Report& report : engine_->reports()) facts.relationship_names.push_back(report.relationship.name);
  std::string name = facts.request.pool.empty() ? facts.request.group : facts.request.pool + "/" + facts.request.group;
  Answer<GroupAt> at = co_await locate_group(pools_, std::move(name), "this");
  if (!at) {
    facts.no_group = at.error();
    co_return facts;
  }
  facts.source_pool = at->hold.id();
  facts.source_group = at->row.id;
  fill_in(facts.request, defaults_.of(facts.source_group));
  if (replica::is_point(sync_type_of(facts.request))) {   // it begins as a snapshot of the source
    Answer<> room = co_await room_for(at->hold, "a point in time");
    if (!room) facts.no_room = room.error();
  }
  facts.source = co_await rt::run_on(at->hold.loop(), facts_of(&at->hold.pool(), at->hold.name(), at->row.id));
  co_await gather_target(&facts);
  co_return facts;
}

rt::Task<void> Relationships::gather_target(CreateFacts* facts) {
  facts->target_system = self_->id;
  facts->system_name = self_->name;
  const std::optional<std::string>& wanted = facts->request.target_system;
  if (wanted && !wanted->empty() && *wanted != self_->name && *wanted != text_of(self_->id)) {
    facts->local = false;
    facts->no_system = no_such("peer system", *wanted, "TargetStorageSystem").error();
    for (const replica::PeerReport& report : engine_->peers()) {
      if (report.peer.name != *wanted && text_of(report.peer.id) != *wanted) continue;
      facts->no_system.reset();
      facts->target_system = report.peer.id;
      facts->system_name = report.peer.name;
    }
    if (facts->no_system) co_return;
    facts->no_target_group = facts->request.target_group_exists;
    Result<std::vector<replica::Engine::RemotePool>> pools = co_await engine_->pools_of(facts->target_system);
    if (pools) facts->target_pools = *std::move(pools);
    else facts->unreachable = refusal_of(silent_or(pools.error(), facts->target_system, *engine_), "TargetStorageSystem");
    co_return;
  }
  for (PoolSet::Hold& hold : pools_.hold_all()) facts->target_pools.push_back(co_await rt::run_on(hold.loop(), space_of(&hold.pool())));
  co_await gather_target_group(facts);
}

rt::Task<void> Relationships::gather_target_group(CreateFacts* facts) {
  const std::optional<std::string>& wanted = facts->request.target_group;
  if (!wanted || wanted->empty()) co_return;
  std::string name = *wanted;
  if (facts->request.target_pool && name.find('/') == std::string::npos) name = *facts->request.target_pool + "/" + name;
  Answer<GroupAt> at = co_await locate_group(pools_, std::move(name), "TargetGroupObject");
  facts->no_target_group = !at && facts->request.target_group_exists;
  if (!at) {   // a name for a new group: the engine makes it. An id is nobody's name
    facts->no_target_group = facts->request.target_group_exists || parse_id<GroupId>(*wanted).has_value();
    co_return;
  }
  facts->target_group = co_await rt::run_on(at->hold.loop(), facts_of(&at->hold.pool(), at->hold.name(), at->row.id));
  facts->target_is_source = at->hold.id() == facts->source_pool && at->row.id == facts->source_group;
  // Up the chain of local relationships, from the source to where its data come from.
  PoolId pool = facts->source_pool;
  GroupId group = facts->source_group;
  std::vector<replica::Report> reports = engine_->reports();
  for (std::size_t steps = 0; steps <= reports.size(); ++steps) {
    const replica::Relationship* up = nullptr;
    for (const replica::Report& report : reports)
      if (report.relationship.end == replica::End::target && report.relationship.pool == pool && report.relationship.group == group) up = &report.relationship;
    if (!up || up->peer != self_->id) break;
    const replica::Relationship* other = nullptr;
    for (const replica::Report& report : reports)
      if (report.relationship.id == up->id && report.relationship.end == replica::End::source) other = &report.relationship;
    if (!other) break;
    pool = other->pool;
    group = other->group;
    if (pool == at->hold.id() && group == at->row.id) facts->cycle = true;
  }
}

namespace {

replica::CreateRequest request_of(const CreateFacts& facts) {
  replica::CreateRequest request;
  request.name = facts.request.relationship_name.value_or("");
  request.sync_type = sync_type_of(facts.request);
  request.seeded = facts.request.seeded;
  request.settings = settings_of(facts.request);
  request.pool = facts.source_pool;
  request.group = facts.source_group;
  request.target_system = facts.target_system;
  request.target_pool = facts.request.target_pool.value_or("");
  for (const auto& pool : facts.target_pools)
    if (text_of(pool.id) == request.target_pool) request.target_pool = pool.name;
  request.target_group = facts.target_group ? facts.target_group->name : facts.request.target_group.value_or("");
  if (facts.target_group) request.target_pool.clear();   // the group says in which pool it is
  if (PoolAndName name = split_name(request.target_group); !name.pool.empty()) {
    if (request.target_pool.empty()) request.target_pool = name.pool;
    request.target_group = name.name;
  }
  return request;
}

}  // namespace

rt::Task<Answer<Outcome>> Relationships::create(Caller caller, CreateReplica request, std::vector<std::string> undo) {
  CreateFacts facts = co_await gather(std::move(caller), std::move(request));
  if (Answer<> first = check_create(facts); !first) co_return refuse(first.error());
  replica::CreateRequest wanted = request_of(facts);
  Result<replica::Forecast> forecast = co_await engine_->forecast_create(wanted);
  if (forecast) facts.bytes_needed = forecast->bytes;
  CO_ASK_VOID(check_create(facts));   // once more: now the space that it takes is known
  std::string what = "CreateReplica " + facts.source.name + " -> " + facts.system_name;
  Jobs::Patience patience = patience_for(wanted.sync_type, wanted.settings.mode, facts.request.wait_at_most);
  std::string object = wanted.name.empty() ? facts.source.name : wanted.name;
  std::unique_ptr<Work> work = undoing(creating(*engine_, std::move(wanted)), *storage_, std::move(undo));
  co_return co_await jobs_.run(std::move(what), std::move(object), std::move(work), patience);
}

rt::Task<Answer<replica::Forecast>> Relationships::forecast_create(Caller caller, CreateReplica request) {
  CreateFacts facts = co_await gather(std::move(caller), std::move(request));
  CO_ASK_VOID(check_create(facts));
  Result<replica::Forecast> forecast = co_await engine_->forecast_create(request_of(facts));
  if (!forecast) co_return refuse(forecast.error(), facts.source.name);
  facts.bytes_needed = forecast->bytes;
  CO_ASK_VOID(check_create(facts));
  co_return *std::move(forecast);
}

}  // namespace lockstep::manage
