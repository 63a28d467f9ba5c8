#include "replica/operations/create.h"

#include <algorithm>

#include "replica/group/ledger.h"
#include "replica/group/target_objects.h"
#include "replica/wire/convert.h"

namespace lockstep::replica {
namespace {

constexpr Duration create_most = std::chrono::minutes(1);

rt::Task<std::pair<std::string, Bytes>> name_and_room(pool::Pool& pool) {
  pool::Status status = pool.status();
  std::uint64_t taken = status.space.used.value + status.space.reserved.value;
  co_return std::pair(status.name,
                      Bytes{status.space.total.value - std::min(status.space.total.value, taken)});
}

rt::Task<GroupId> group_id_of(pool::Pool& pool, std::string name) {
  for (const auto& [id, row] : pool.catalog().groups) {
    if (row.name == name) co_return id;
  }
  co_return GroupId{};
}

Result<SyncType> sync_type_from(std::uint32_t number) {
  if (number == 0) return SyncType::mirror;  // from before there were others
  if (number < 6 || number > 9) return fail(Code::unsupported, "a SyncType that this system does not know; update it");
  return static_cast<SyncType>(number);
}

// Whoever lost the connection does not know what became of what was asked.
Error perhaps_made(Error error, const std::string& name, const std::string& system) {
  if (error.code == Code::unreachable || error.code == Code::timeout || error.code == Code::cancelled)
    error.message += "; should it have been made there all the same, create it again, which takes its place, or detach '" + name + "' on system '" + system + "'";
  return error;
}

}  // namespace

Error next_hop_answers_nobody(const std::string& group) {
  return {Code::unsupported, "group '" + group + "' follows another one and answers no host: its own target cannot be Synchronous; "
                             "give Asynchronous or Adaptive"};
}

Made made_from(std::uint32_t number) { return number <= 2 ? static_cast<Made>(number) : Made::nothing; }

Result<> settle_settings(SyncType type, Settings& s) {
  if (is_point(type) && s.rpo_seconds != 0)
    return fail(Code::invalid, "RPO: means nothing for a " + std::string(name_of(type)) + "; give 0");
  if (s.mode == Mode::synchronous && s.rpo_seconds != 0)
    return fail(Code::invalid, "RPO: a Synchronous relationship's is 0");
  if (!is_point(type) && s.mode != Mode::synchronous && s.rpo_seconds == 0) s.rpo_seconds = 30;
  if (s.rpo_seconds > 86'400) return fail(Code::invalid, "RPO: 1 to 86400 seconds");
  if (s.adaptive_bound_ms < 1 || s.adaptive_bound_ms > 60'000)
    return fail(Code::invalid, "bound of Adaptive: 1 to 60000 ms");
  return {};
}

rt::Task<Result<Creation::Facts>> Creation::look(pool::Pool& pool, Gates& gates, SystemId self, GroupId group, SyncType type,
                                                 bool measure) {
  const store::GroupRow* row = group_row(pool, group);
  if (row == nullptr)
    co_return fail(Code::not_found, "the source group does not exist in pool '" + pool.status().name + "'");
  if (row->members.empty())
    co_return fail(Code::invalid, "group '" + row->name + "' has no volumes to replicate");
  // A mirror may go on from a target to the next hop.
  bool follows = row->role == store::Role::target || row->role == store::Role::target_writable;
  if (row->role != store::Role::source && (is_point(type) || !follows)) {
    co_return fail(
        Code::busy,
        "group '" + row->name +
            "' is an end of a relationship in which it is not the source; detach or reverse that one first");
  }
  Facts out;
  out.past = past_of(pool, group);
  out.next_hop = row->role == store::Role::target;
  if (out.next_hop) out.way = gates.way_to(group);
  out.way.push_back({self, group});
  out.pool_name = pool.status().name;
  out.group_name = row->name;
  for (VolumeId id : row->members) out.volumes.push_back(pool.catalog().volumes.at(id));
  if (!measure) co_return out;
  for (const auto& volume : out.volumes) {
    CO_TRY(pool::VolumeRef view, pool.open_volume(volume.id));
    CO_TRY(Bytes size, co_await data_in(std::move(view), Bytes{0}));
    out.allocated += size;
  }
  co_return out;
}

rt::Task<Result<Creation::Facts>> Creation::check(CreateRequest& request, bool measure) {
  CO_TRY_VOID(settle_settings(request.sync_type, request.settings));
  if (request.target_system.is_none()) request.target_system = ground_.self.id;
  pool::Pool* pool = pools_.find(request.pool);
  if (pool == nullptr) co_return fail(Code::not_found, "the source group's pool is not open");
  GroupId group = request.group;
  Result<Facts> facts = co_await rt::run_on(pool->loop(), look(*pool, roster_.gates_of(*pool), ground_.self.id, group, request.sync_type, measure));
  if (!facts) co_return facts;
  if (facts->next_hop && request.settings.mode == Mode::synchronous) co_return fail(next_hop_answers_nobody(facts->group_name));
  if (request.name.empty()) {
    std::string base = facts->group_name + "-" + peers_.name_of(request.target_system);
    request.name = base;
    for (int i = 2; roster_.name_taken(request.name); ++i) request.name = base + "-" + std::to_string(i);
  }
  if (roster_.name_taken(request.name))
    co_return fail(Code::exists, "a relationship named '" + request.name + "' exists already");
  co_return facts;
}

wire::CreateTarget Creation::ask_for(const CreateRequest& request, const Facts& facts,
                                     RelationshipId id) const {
  wire::CreateTarget wanted;
  wanted.set_relationship(bytes_of(id));
  wanted.set_name(request.name);
  put(request.settings, *wanted.mutable_settings());
  wanted.set_pool(request.target_pool);
  wanted.set_group(request.target_group);
  wanted.set_source_pool(facts.pool_name);
  wanted.set_source_group(facts.group_name);
  for (const auto& row : facts.volumes) {
    wire::Volume* volume = wanted.add_volumes();
    volume->set_uuid(bytes_of(row.uuid));
    volume->set_name(row.name);
    volume->set_size(row.size.value);
  }
  wanted.set_sync_type(static_cast<std::uint32_t>(request.sync_type));
  wanted.set_seeded(request.seeded);
  wanted.set_at_once(request.sync_type == SyncType::tokenized_clone);
  put(facts.way, *wanted.mutable_way());
  if (request.sync_type == SyncType::mirror) put(facts.past, *wanted.mutable_past());
  wanted.set_created_us(ground_.host.clock().wall().us);
  wanted.set_tells_known(true);
  for (const auto& [known, entry] : roster_.all()) {
    if (entry->kept.peer == request.target_system) wanted.add_known(bytes_of(known));
  }
  for (RelationshipId made : making_) wanted.add_known(bytes_of(made));
  return wanted;
}

rt::Task<Result<EntryRef>> Creation::create(CreateRequest request, std::optional<Pinned> pinned) {
  Result<Facts> facts = co_await check(request, false);
  if (!facts) co_return fail(facts.error());
  Result<pool::Pool*> near = co_await near_pool(request);
  if (!near) co_return fail(near.error());
  if (*near != nullptr) {
    Facts known = std::move(*facts);
    co_return co_await create_near(std::move(request), std::move(known), **near, std::move(pinned));
  }
  RelationshipId id = ground_.host.random().id<RelationshipId>();
  Making making(making_, id);
  wire::Request ask;
  *ask.mutable_create_target() = ask_for(request, *facts, id);
  SystemId to = request.target_system;
  Result<wire::Reply> made = co_await peers_.call(to, std::move(ask), create_most);
  if (!made) co_return fail(perhaps_made(made.error(), request.name, peers_.name_of(to)).in("target"));

  Relationship relationship;
  relationship.id = id;
  relationship.name = request.name;
  relationship.sync_type = request.sync_type;
  relationship.settings = request.settings;
  relationship.end = End::source;
  relationship.peer = request.target_system;
  relationship.pool = request.pool;
  relationship.group = request.group;
  relationship.peer_pool = made->create_target().pool();
  relationship.peer_group = made->create_target().group();
  for (int i = 0;
       i < made->create_target().volumes_size() && static_cast<std::size_t>(i) < facts->volumes.size(); ++i) {
    relationship.pairs.emplace_back(facts->volumes[static_cast<std::size_t>(i)].uuid,
                                    id_from<VolumeUuid>(made->create_target().volumes(i)));
  }
  relationship.created = relationship.when_established = relationship.when_activated =
      ground_.host.clock().wall();
  Result<EntryRef> entry = co_await roster_.add(std::move(relationship));
  if (entry) {
    EntryRef open = *entry;
    co_await roster_.open_ends(open, false);
    Result<> begun;
    if (!open->source.end)
      begun = fail(open->trouble.value_or(Error{Code::unreachable, "the source's pool is not open any more"}));
    if (begun && is_point(open->kept.sync_type)) begun = co_await begin_point(open, std::move(pinned));
    if (begun) co_return open;
    entry = fail(begun.error());
    if (open->source.end) co_await give_back_point(open);
    co_await roster_.close_ends(open, true);
    Result<> forgotten = co_await roster_.forget(open);
    ignore(forgotten, "what failed before is what is reported");
  }
  wire::Request undo;
  undo.mutable_remove_target()->set_relationship(bytes_of(id));
  undo.mutable_remove_target()->set_made(made->create_target().made());
  Result<wire::Reply> undone = co_await peers_.call(to, std::move(undo), create_most);
  if (!undone)
    co_return fail(perhaps_made(undone.error(), request.name, peers_.name_of(to)).in(entry.error().message + "; and the target made for it stays"));
  co_return fail(entry.error());
}

rt::Task<Result<Forecast>> Creation::forecast(CreateRequest request) {
  Result<Facts> facts = co_await check(request, false);
  if (!facts) co_return fail(facts.error());
  Result<pool::Pool*> near = co_await near_pool(request);
  if (!near) co_return fail(near.error());
  if (*near != nullptr) {
    Facts known = std::move(*facts);
    co_return co_await forecast_near(std::move(request), std::move(known), **near);
  }
  facts = co_await check(request, true);
  if (!facts) co_return fail(facts.error());
  wire::Request ask;
  *ask.mutable_create_target() = ask_for(request, *facts, ground_.host.random().id<RelationshipId>());
  ask.mutable_create_target()->set_dry_run(true);
  SystemId to = request.target_system;
  Result<wire::Reply> reply = co_await peers_.call(to, std::move(ask), create_most);
  if (!reply) co_return fail(reply.error().in("target"));
  Forecast out;
  const std::string there = peers_.name_of(to) + "/" + reply->create_target().group();
  out.direction = ground_.self.name + "/" + facts->group_name + " -> " + there;
  out.bytes = facts->allocated;
  const std::string where = "group '" + reply->create_target().group() + "' in pool '" +
                            reply->create_target().pool() + "' of system '" + peers_.name_of(to) + "'";
  switch (made_from(reply->create_target().made())) {
    case Made::all:
      out.steps.push_back("make " + std::to_string(facts->volumes.size()) + " volumes and " + where);
      break;
    case Made::volumes:
      out.steps.push_back("make " + std::to_string(facts->volumes.size()) + " volumes for " + where);
      break;
    case Made::nothing:
      if (reply->create_target().related()) {
        out.steps.push_back("find what " + where + " lacks: it has something in common with the source");
        out.warnings.push_back("at most as many bytes travel as are stated; what only that group holds is kept there as a snapshot");
        break;
      }
      out.steps.push_back("keep what " + where + " holds as a snapshot, compare it with the source, and overwrite what differs");
      out.warnings.push_back("at most as many bytes travel as are stated: what is there already does not");
      out.warnings.push_back("hosts cannot use the volumes of that group from then on");
      break;
  }
  out.steps.push_back("copy the allocated blocks as of one snapshot while hosts go on writing");
  if (request.sync_type == SyncType::mirror) out.steps.push_back("ship what was written meanwhile, then follow");
  if (request.sync_type == SyncType::snapshot) out.steps.push_back("open the target to hosts");
  if (is_point(request.sync_type) && request.sync_type != SyncType::snapshot)
    out.steps.push_back("end the relationship: the target is on its own");
  if (request.settings.mode == Mode::synchronous && request.sync_type == SyncType::mirror)
    out.warnings.push_back("RPO 0 holds from CopyState Synchronized on, not during the first copy");
  co_return out;
}

rt::Task<Result<pool::Pool*>> Creation::choose(std::string asked, std::string source_pool, bool by_name) {
  if (by_name) {
    pool::Pool* pool = pools_.find(std::string_view(asked));
    if (pool == nullptr)
      co_return fail(Code::not_found, "system '" + ground_.self.name + "' has no pool '" + asked + "'");
    co_return pool;
  }
  if (pool::Pool* same = pools_.find(std::string_view(source_pool))) co_return same;
  pool::Pool* best = nullptr;
  Bytes most{0};
  for (pool::Pool* pool : pools_.pools()) {
    auto facts = co_await rt::run_on(pool->loop(), name_and_room(*pool));
    if (best == nullptr || facts.second > most) {
      best = pool;
      most = facts.second;
    }
  }
  if (best == nullptr)
    co_return fail(Code::not_found, "system '" + ground_.self.name + "' has no pool; create one first");
  co_return best;
}

rt::Task<Result<wire::CreateTargetReply>> Creation::make_target(SystemId from, wire::CreateTarget wanted) {
  RelationshipId id = id_from<RelationshipId>(wanted.relationship());
  bool local = from == ground_.self.id;
  if (id.is_none() || wanted.name().empty() || wanted.volumes_size() == 0 || wanted.volumes_size() > 65535)
    co_return fail(Code::invalid, "a target without a name or without volumes");
  Making making(making_, id);
  std::vector<EntryRef> left;
  if (!local && wanted.tells_known()) {
    std::vector<RelationshipId> theirs;
    for (const std::string& known : wanted.known()) theirs.push_back(id_from<RelationshipId>(known));
    left = co_await left_by(from, std::move(theirs));
  }
  EntryRef same_name = local ? nullptr : roster_.find(std::string_view(wanted.name()));
  bool free = same_name == nullptr || std::ranges::find(left, same_name) != left.end();
  if (roster_.find(id) != nullptr || !free) {
    co_return fail(Code::exists, "system '" + ground_.self.name + "' has a relationship named '" +
                                     wanted.name() + "' already; choose another name, or detach that one there");
  }
  for (const EntryRef& entry : left) {
    if (wanted.dry_run()) break;
    Result<> gone = co_await withdraw(entry);
    if (!gone) co_return fail(gone.error());
  }
  CO_TRY(Settings settings, settings_from(wanted.settings()));
  CO_TRY(SyncType type, sync_type_from(wanted.sync_type()));
  Result<pool::Pool*> chosen = co_await choose(wanted.pool(), wanted.source_pool(), !wanted.pool().empty());
  if (!chosen) co_return fail(chosen.error());
  pool::Pool& pool = **chosen;
  TargetWish wish;
  wish.relationship = id;
  wish.name = wanted.name();
  wish.group = wanted.group();
  wish.source_group = wanted.source_group();
  wish.own_names = !local;
  if (local && pool.status().name == wanted.source_pool()) {
    wish.source = co_await rt::run_on(pool.loop(), group_id_of(pool, wanted.source_group()));
  }
  wish.dry_run = wanted.dry_run();
  wish.seeded = wanted.seeded();
  wish.at_once = wanted.at_once();
  if (wanted.has_past()) {
    CO_TRY(Past past, past_from(wanted.past()));
    wish.past = std::move(past);
  }
  if (!wanted.group().empty()) {
    GroupId named = co_await rt::run_on(pool.loop(), group_id_of(pool, wanted.group()));
    if (leads_through(way_from(wanted.way()), {ground_.self.id, named})) {
      co_return fail(Code::invalid, "the data of group '" + wanted.source_group() + "' come from group '" + wanted.group() + "' of system '" +
                                        ground_.self.name + "': that would be a circle; name another group, or none");
    }
  }
  for (const auto& volume : wanted.volumes()) wish.volumes.emplace_back(volume.name(), Bytes{volume.size()});
  wish.known = known();
  for (const EntryRef& entry : left) std::erase(wish.known, entry->kept.id);
  Result<TargetMade> made = co_await rt::run_on(pool.loop(), make_target_objects(pool, std::move(wish), ground_.host.clock().wall()));
  if (!made) co_return fail(made.error());
  wire::CreateTargetReply reply;
  reply.set_pool(made->pool);
  reply.set_group(made->group_name);
  reply.set_made(static_cast<std::uint32_t>(made->made));
  reply.set_related(made->related);
  for (VolumeUuid uuid : made->volumes) reply.add_volumes(bytes_of(uuid));
  if (wanted.dry_run() || local) co_return reply;

  Relationship relationship;
  relationship.id = id;
  relationship.name = wanted.name();
  relationship.sync_type = type;
  relationship.settings = settings;
  relationship.end = End::target;
  relationship.peer = from;
  relationship.pool = pool.id();
  relationship.group = made->group;
  relationship.peer_pool = wanted.source_pool();
  relationship.peer_group = wanted.source_group();
  for (int i = 0; i < wanted.volumes_size(); ++i) {
    relationship.pairs.emplace_back(made->volumes[static_cast<std::size_t>(i)],
                                    id_from<VolumeUuid>(wanted.volumes(i).uuid()));
  }
  relationship.created = relationship.when_established = relationship.when_activated =
      WallTime{wanted.created_us()};
  Result<EntryRef> entry = co_await roster_.add(std::move(relationship));
  if (!entry) {
    GroupId group = made->group;
    Result<> undone = co_await rt::run_on(pool.loop(), remove_target_objects(pool, group, made->made));
    ignore(undone, "what failed before is what is reported");
    co_return fail(entry.error());
  }
  co_await roster_.open_ends(*entry, false);
  co_return reply;
}

rt::Task<Result<>> Creation::remove_target(SystemId from, RelationshipId id, Made made) {
  EntryRef entry = roster_.find(id);
  std::optional<Roster::Place> place;
  if (from == ground_.self.id) {
    place = co_await roster_.local_target(id);
  } else if (entry != nullptr && entry->kept.peer == from && entry->kept.end == End::target) {
    place = Roster::Place{pools_.find(entry->kept.pool), entry->kept.group};
    co_await roster_.close_ends(entry, true);
    Result<> forgotten = co_await roster_.forget(entry);
    if (!forgotten) co_return forgotten;
  }
  if (!place || place->pool == nullptr) co_return Result<>{};
  co_return co_await rt::run_on(place->pool->loop(), remove_target_objects(*place->pool, place->group, made));
}

}  // namespace lockstep::replica
