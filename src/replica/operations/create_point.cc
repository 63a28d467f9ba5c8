// Creation of what holds one instant: in the source's own pool without copying a block; elsewhere by one pass.
#include "replica/group/ledger.h"
#include "replica/group/near.h"
#include "replica/operations/create.h"

namespace lockstep::replica {
namespace {

constexpr Duration own_token_valid = std::chrono::hours(1);  // made and used in one call: nobody else ever sees it

// On the pool's loop.
rt::Task<Result<SnapshotId>> pin_for(pool::Pool& pool, GroupId group, Pin pin, WallTime now) {
  co_return co_await pin_group(pool, group, std::move(pin), now);
}
rt::Task<WallTime> time_of(pool::Pool& pool, SnapshotId snapshot) {
  auto at = pool.catalog().snapshots.find(snapshot);
  co_return at == pool.catalog().snapshots.end() ? WallTime{} : at->second.time;
}

}  // namespace

rt::Task<Result<pool::Pool*>> Creation::near_pool(CreateRequest request) {
  pool::Pool* none = nullptr;
  if (!is_point(request.sync_type) || request.target_system != ground_.self.id) co_return none;
  pool::Pool* source = pools_.find(request.pool);
  bool named = !request.target_pool.empty();
  pool::Pool* chosen = source;
  if (named) chosen = pools_.find(std::string_view(request.target_pool));
  if (chosen == nullptr)
    co_return fail(Code::not_found, "system '" + ground_.self.name + "' has no pool '" + request.target_pool + "'");
  co_return chosen == source ? chosen : none;
}

TargetWish Creation::near_wish(const CreateRequest& request, const Facts& facts, RelationshipId id) const {
  TargetWish wish;
  wish.relationship = id;
  wish.known = known();
  wish.name = request.name;
  wish.group = request.target_group;
  wish.source_group = facts.group_name;
  wish.source = request.group;
  for (const auto& volume : facts.volumes) wish.volumes.emplace_back(volume.name, volume.size);
  return wish;
}

rt::Task<Result<EntryRef>> Creation::create_near(CreateRequest request, Facts facts, pool::Pool& pool,
                                                 std::optional<Pinned> pinned) {
  RelationshipId id = ground_.host.random().id<RelationshipId>();
  bool snapshot = request.sync_type == SyncType::snapshot;
  WallTime now = ground_.host.clock().wall();
  TargetWish wish = near_wish(request, facts, id);
  GroupId group = request.group;
  std::optional<SnapshotId> from;
  if (pinned) {
    from = pinned->snapshot;
    Pinned taken = *pinned;
    Result<> used = co_await rt::run_on(pool.loop(), use_pin(pool, std::move(taken), id, now));
    if (!used) co_return fail(used.error());
  }
  Result<TargetMade> made =
      co_await rt::run_on(pool.loop(), make_near_target(pool, group, std::move(wish), snapshot, now, from));
  if (!made) co_return fail(made.error());
  Relationship relationship;
  relationship.id = id;
  relationship.name = request.name;
  relationship.sync_type = request.sync_type;
  relationship.settings = request.settings;
  relationship.peer = ground_.self.id;
  relationship.pool = request.pool;
  relationship.group = group;
  relationship.peer_pool = made->pool;
  relationship.peer_group = made->group_name;
  for (std::size_t i = 0; i < made->volumes.size() && i < facts.volumes.size(); ++i)
    relationship.pairs.emplace_back(facts.volumes[i].uuid, made->volumes[i]);
  relationship.created = relationship.when_established = now;
  relationship.when_activated = relationship.when_synchronized = now;
  Result<EntryRef> entry = co_await roster_.add(std::move(relationship));
  if (!entry) {
    GroupId target = made->group;
    Made what = made->made;
    // Volumes that were there before have their snapshot; what they hold now is nobody's loss.
    Result<> undone = what == Made::all ? co_await rt::run_on(pool.loop(), delete_target_objects(pool, target))
                                        : co_await rt::run_on(pool.loop(), release_near(pool, {id, request.name, group, target}));
    ignore(undone, "what failed before is what is reported");
    co_return fail(entry.error());
  }
  if (snapshot) {
    co_await roster_.open_ends(*entry, false);
  } else {
    // Complete as soon as it was made, so it has detached by itself.
    Result<> gone = co_await roster_.forget(*entry);
    if (!gone) co_return fail(gone.error());
  }
  co_return entry;
}

rt::Task<Result<Forecast>> Creation::forecast_near(CreateRequest request, Facts facts, pool::Pool& pool) {
  TargetWish wish = near_wish(request, facts, ground_.host.random().id<RelationshipId>());
  wish.dry_run = true;
  GroupId group = request.group;
  Result<TargetMade> made =
      co_await rt::run_on(pool.loop(), make_near_target(pool, group, std::move(wish), false, WallTime{}));
  if (!made) co_return fail(made.error());
  Forecast out;
  const std::string where = made->pool + "/" + made->group_name;
  out.direction = ground_.self.name + "/" + facts.group_name + " -> " + ground_.self.name + "/" + made->group_name;
  if (made->made == Made::nothing) out.steps.push_back("keep what " + where + " holds as a snapshot");
  out.steps.push_back("make the volumes of " + where + " the source as it is now; no block is copied");
  if (request.sync_type != SyncType::snapshot)
    out.steps.push_back("end the relationship: the target is on its own");
  co_return out;
}

// A token that was taken for a copy that never began is good again.
rt::Task<void> Creation::give_back_point(EntryRef entry) {
  pool::Pool& pool = *entry->source.pool;
  GroupId group = entry->kept.group;
  RelationshipId id = entry->kept.id;
  Result<> returned = co_await rt::run_on(pool.loop(), give_back(pool, group, id));
  ignore(returned, "the relationship goes, and whatever it holds with it");
}

rt::Task<Result<>> Creation::begin_point(EntryRef entry, std::optional<Pinned> pinned) {
  pool::Pool& pool = *entry->source.pool;
  GroupId group = entry->kept.group;
  RelationshipId id = entry->kept.id;
  WallTime now = ground_.host.clock().wall();
  if (pinned) {
    SnapshotId snapshot = pinned->snapshot;
    Pinned taken = *pinned;
    Result<> used = co_await rt::run_on(pool.loop(), use_pin(pool, std::move(taken), id, now));
    if (!used) co_return used;
    entry->kept.when_activated = co_await rt::run_on(pool.loop(), time_of(pool, snapshot));
    co_return co_await roster_.save(entry);
  }
  if (entry->kept.sync_type != SyncType::tokenized_clone)
    co_return co_await rt::run_on(pool.loop(), entry->source.end->take_point());
  Pin pin;
  pin.expires = WallTime{now.us + std::chrono::duration_cast<std::chrono::microseconds>(own_token_valid).count()};
  Secret secret{};
  ground_.host.random().fill(secret);
  pin.digest = digest_of(secret);
  pin.users.push_back(id);
  Result<SnapshotId> held = co_await rt::run_on(pool.loop(), pin_for(pool, group, std::move(pin), now));
  if (!held) co_return fail(held.error());
  co_return Result<>{};
}

}  // namespace lockstep::replica
