#include "replica/group/near.h"

#include "replica/group/ledger.h"
#include "replica/group/point.h"
#include "replica/group/token.h"

namespace lockstep::replica {
namespace {

constexpr std::string_view restore_purpose = "restore";

// The target's row says whose state it holds; a generation of its own begins where the source's history was left.
rt::Task<Result<>> follow(pool::Pool& pool, GroupId source, GroupId target, RelationshipId relationship, Origin origin) {
  const store::GroupRow* from = group_row(pool, source);
  const store::GroupRow* to = group_row(pool, target);
  if (from == nullptr || to == nullptr) co_return fail(Code::not_found, "one of the two groups is gone");
  store::GroupRow row = *to;
  row.history = from->history;
  row.role = store::Role::target;
  row.following = relationship;
  row.position = origin;
  row.was_synchronized = true;
  row.resync.reset();
  Result<> done = co_await pool.change_group(row);
  if (!done) co_return done;
  Result<Generation> begun = co_await pool.begin_generation(target);
  if (!begun) co_return fail(begun.error());
  row = *group_row(pool, target);
  row.role = store::Role::target_writable;
  co_return co_await pool.change_group(std::move(row));
}

rt::Task<Result<>> become(pool::Pool& pool, GroupId group, SnapshotId snapshot, std::string keep_as, bool keep) {
  Result<SnapshotId> kept = co_await pool.revert(group, snapshot, std::move(keep_as));
  if (!kept) co_return fail(kept.error());
  if (keep) co_return Result<>{};
  SnapshotId old = *kept;
  co_return co_await pool.delete_snapshot(old);
}

rt::Task<Result<>> keep_writes(pool::Pool& pool, NearEnds ends, std::string_view what, WallTime now) {
  if (!wrote_itself(pool, ends.target)) co_return Result<>{};
  GroupId target = ends.target;
  std::string label = snapshot_name(pool, std::string(what) + ends.name, now);
  std::string no_purpose;
  Result<SnapshotId> kept = co_await pool.snapshot(target, std::move(label), std::move(no_purpose));
  if (!kept) co_return fail(kept.error().in("what was written to the target could not be kept, so it stays as it is"));
  co_return Result<>{};
}

// The volumes of the point: new ones, or those of the group that was named.
rt::Task<Result<GroupId>> fill(pool::Pool& pool, TargetPlan plan, SnapshotId point, const std::string& name, WallTime now) {
  if (plan.made == Made::nothing) {
    GroupId group = plan.group;
    Result<bool> holds = co_await holds_data(pool, group);
    if (!holds) co_return fail(holds.error());
    bool keep = *holds;
    std::string keep_as = snapshot_name(pool, "before-" + name, now);
    Result<> done = co_await become(pool, group, point, std::move(keep_as), keep);
    if (!done) co_return fail(done.error());
    co_return group;
  }
  std::vector<std::string> names = plan.names;
  Result<std::vector<VolumeId>> clones = co_await pool.clone(point, std::move(names));
  if (!clones) co_return fail(clones.error());
  std::vector<VolumeId> volumes = std::move(*clones);
  co_return co_await gather_target(pool, std::move(plan), std::move(volumes));
}

}  // namespace

rt::Task<Result<TargetMade>> make_near_target(pool::Pool& pool, GroupId source, TargetWish wish, bool follows, WallTime now,
                                              std::optional<SnapshotId> from) {
  wish.same_sizes = true;
  CO_TRY(TargetPlan plan, plan_target(pool, wish));
  TargetMade out;
  out.pool = pool.status().name;
  out.group_name = plan.group_name;
  out.made = plan.made;
  if (wish.dry_run) co_return out;
  RelationshipId id = wish.relationship;
  if (!from) {
    Result<SnapshotId> point = co_await take_point(pool, source, id, now);
    if (!point) co_return fail(point.error());
    from = *point;
  }
  SnapshotId held = *from;
  auto row = pool.catalog().snapshots.find(held);
  if (row == pool.catalog().snapshots.end()) co_return fail(Code::not_found, "the point in time is gone");
  Origin origin = row->second.origin;
  Result<GroupId> group = co_await fill(pool, plan, held, wish.name, now);
  Result<> done;
  if (!group) done = fail(group.error());
  if (done && follows) {
    GroupId target = *group;
    done = co_await follow(pool, source, target, id, origin);
    if (!done && plan.made != Made::nothing) {
      Result<> gone = co_await remove_target_objects(pool, target, plan.made);
      ignore(gone, "what failed before is what is reported");
    }
  }
  // A token is as good as before where nothing came of it.
  if (!done) {
    Result<> returned = co_await give_back(pool, source, id);
    ignore(returned, "what failed before is what is reported");
  }
  // Held by the volumes that start from it, if there are any.
  Result<> dropped = co_await drop_point(pool, source, id);
  if (!done) co_return fail(done.error());
  if (!dropped) co_return fail(dropped.error());
  out.group = *group;
  out.volumes = uuids_of(pool, out.group);
  co_return out;
}

rt::Task<Result<>> renew_near(pool::Pool& pool, NearEnds ends, WallTime now) {
  bool keep = wrote_itself(pool, ends.target);
  Result<SnapshotId> point = co_await take_point(pool, ends.source, ends.relationship, now);
  if (!point) co_return fail(point.error());
  SnapshotId held = *point;
  Origin origin = pool.catalog().snapshots.at(held).origin;
  std::string keep_as = snapshot_name(pool, "before-resync-" + ends.name, now);
  Result<> done = co_await become(pool, ends.target, held, std::move(keep_as), keep);
  if (done) done = co_await follow(pool, ends.source, ends.target, ends.relationship, origin);
  Result<> dropped = co_await drop_point(pool, ends.source, ends.relationship);
  co_return done ? dropped : done;
}

rt::Task<Result<>> restore_near(pool::Pool& pool, NearEnds ends, WallTime now) {
  std::string label = "restore-" + text_of(ends.relationship).substr(0, 8) + "-" + std::to_string(now.us);
  std::string held = purpose(restore_purpose, ends.relationship);
  Result<SnapshotId> taken = co_await pool.snapshot(ends.target, std::move(label), std::move(held));
  if (!taken) co_return fail(taken.error());
  SnapshotId state = *taken;
  std::string keep_as = snapshot_name(pool, "before-restore-" + ends.name, now);
  Result<> done = co_await become(pool, ends.source, state, std::move(keep_as), true);
  std::string all = purpose(restore_purpose, ends.relationship);
  Result<> dropped = co_await drop_internal(pool, ends.target, std::move(all), SnapshotId{});
  if (!done) co_return done;
  if (!dropped) co_return dropped;
  // Both hold the same from here on.
  Origin origin = pool.position(ends.source);
  co_return co_await follow(pool, ends.source, ends.target, ends.relationship, origin);
}

rt::Task<Result<>> close_near(pool::Pool& pool, NearEnds ends, WallTime now) {
  const store::GroupRow* found = group_row(pool, ends.target);
  if (found == nullptr) co_return fail(Code::not_found, "the target group is gone");
  if (found->role == store::Role::target) co_return Result<>{};
  Result<> kept = co_await keep_writes(pool, ends, "before-close-", now);
  if (!kept) co_return kept;
  store::GroupRow row = *group_row(pool, ends.target);
  row.role = store::Role::target;
  co_return co_await pool.change_group(std::move(row));
}

rt::Task<Result<>> release_near(pool::Pool& pool, NearEnds ends) {
  const store::GroupRow* found = group_row(pool, ends.target);
  if (found == nullptr) co_return Result<>{};
  store::GroupRow row = *found;
  row.role = store::Role::source;
  row.following = RelationshipId{};
  row.resync.reset();
  co_return co_await pool.change_group(std::move(row));
}

NearState look_at_near(pool::Pool& pool, NearEnds ends) {
  NearState out;
  const store::GroupRow* source = group_row(pool, ends.source);
  const store::GroupRow* target = group_row(pool, ends.target);
  out.there = source != nullptr && target != nullptr && target->following == ends.relationship;
  if (!out.there) return out;
  out.open = target->role == store::Role::target_writable;
  out.skewed = wrote_itself(pool, ends.target);
  out.position = target->position;
  return out;
}

}  // namespace lockstep::replica
