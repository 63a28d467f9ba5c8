#include "replica/group/point.h"

#include <algorithm>

#include "replica/group/ledger.h"
#include "replica/group/token.h"

namespace lockstep::replica {

std::optional<SnapshotId> find_point(pool::Pool& pool, GroupId group, RelationshipId relationship) {
  if (auto own = find_internal(pool, group, purpose(point_purpose, relationship))) return own;
  for (const auto& [id, row] : pool.catalog().snapshots) {
    if (!row.internal || row.hidden || row.group != group) continue;
    auto pin = pin_from(row.purpose);
    if (pin && pin->has_user(relationship)) return id;
  }
  return std::nullopt;
}

rt::Task<Result<SnapshotId>> take_point(pool::Pool& pool, GroupId group, RelationshipId relationship, WallTime now) {
  std::string label = "point-" + text_of(relationship).substr(0, 8) + "-" + std::to_string(now.us);
  std::string held = purpose(point_purpose, relationship);
  Result<SnapshotId> taken = co_await pool.snapshot(group, std::move(label), std::move(held));
  if (!taken) co_return fail(taken.error().in("the point in time"));
  SnapshotId kept = *taken;
  std::string older = purpose(point_purpose, relationship);
  Result<> dropped = co_await drop_internal(pool, group, std::move(older), kept);
  if (!dropped) co_return fail(dropped.error());
  co_return kept;
}

rt::Task<Result<>> drop_point(pool::Pool& pool, GroupId group, RelationshipId relationship) {
  std::string own = purpose(point_purpose, relationship);
  Result<> dropped = co_await drop_internal(pool, group, std::move(own), SnapshotId{});
  if (!dropped) co_return dropped;
  co_return co_await unpin(pool, group, relationship);
}

rt::Task<Result<>> drop_orphans(pool::Pool& pool, std::vector<RelationshipId> known) {
  std::vector<std::pair<GroupId, RelationshipId>> orphans;
  auto unknown = [&](RelationshipId id) { return std::find(known.begin(), known.end(), id) == known.end(); };
  for (const auto& [id, row] : pool.catalog().snapshots) {
    if (!row.internal || row.hidden) continue;
    const std::string head = std::string(point_purpose) + " ";
    if (row.purpose.starts_with(head)) {
      auto of = parse_id<RelationshipId>(std::string_view(row.purpose).substr(head.size()));
      if (of && unknown(*of)) orphans.emplace_back(row.group, *of);
    } else if (auto pin = pin_from(row.purpose)) {
      for (RelationshipId user : pin->users) {
        if (unknown(user)) orphans.emplace_back(row.group, user);
      }
    }
  }
  for (const auto& [group, relationship] : orphans) {
    GroupId of = group;
    RelationshipId gone = relationship;
    Result<> dropped = co_await drop_point(pool, of, gone);
    if (!dropped) co_return dropped;
  }
  co_return Result<>{};
}

bool wrote_itself(pool::Pool& pool, GroupId group) {
  const store::GroupRow* row = group_row(pool, group);
  if (row == nullptr || row->role != store::Role::target_writable || row->history.empty()) return false;
  return pool.position(group) != row->history.back().parent;
}

}  // namespace lockstep::replica
