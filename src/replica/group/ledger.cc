#include "replica/group/ledger.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <vector>

namespace lockstep::replica {

RelationshipId follower_id(RelationshipId relationship, GroupId group) {
  RelationshipId id = relationship;
  for (std::size_t i = 0; i < id.bytes.size(); ++i) id.bytes[i] ^= group.bytes[i];
  return id;
}

RelationshipId surplus_id(RelationshipId relationship, GroupId group) {
  RelationshipId id = follower_id(relationship, group);
  id.bytes[0] ^= std::byte{0x80};
  return id;
}

const store::GroupRow* group_row(pool::Pool& pool, GroupId group) {
  const auto& groups = pool.catalog().groups;
  auto at = groups.find(group);
  return at == groups.end() ? nullptr : &at->second;
}

const store::FollowerRow* follower_row(pool::Pool& pool, RelationshipId follower) {
  const auto& followers = pool.catalog().followers;
  auto at = followers.find(follower);
  return at == followers.end() ? nullptr : &at->second;
}

Past past_of(pool::Pool& pool, GroupId group) {
  const store::GroupRow* row = group_row(pool, group);
  if (row == nullptr) return {};
  // A target that never held anything has a history of its own that nobody ever wrote.
  if (row->role == store::Role::target) return {row->history, row->position};
  return {row->history, pool.position(group)};
}

bool is_filling(pool::Pool& pool, GroupId group) {
  const store::GroupRow* row = group_row(pool, group);
  if (row == nullptr) return false;
  return std::any_of(row->members.begin(), row->members.end(), [&](VolumeId member) { return pool.catalog().volumes.at(member).filling; });
}

bool has_exactly(pool::Pool& pool, GroupId group, std::vector<VolumeId> volumes) {
  const store::GroupRow* row = group_row(pool, group);
  std::vector<VolumeId> members;
  if (row != nullptr) members = row->members;
  std::ranges::sort(members);
  std::ranges::sort(volumes);
  return members == volumes;
}

bool covers(pool::Pool& pool, const store::FollowerRow& follower, Origin common) {
  return !follower.since.generation.is_none() &&
         not_before(past_of(pool, follower.group), common, follower.since);
}

rt::Task<Result<>> claim_after(pool::Pool& pool, RelationshipId follower, Origin common) {
  const store::FollowerRow* found = follower_row(pool, follower);
  if (found == nullptr || found->mapped || !covers(pool, *found, common)) co_return Result<>{};
  GroupId group = found->group;
  Result<std::optional<Lsn>> at = co_await pool.lsn_of(group, common);
  found = follower_row(pool, follower);
  bool later = at && *at && found != nullptr && !found->mapped && **at > found->durable;
  if (!later) co_return Result<>{};
  store::FollowerRow row = *found;
  row.durable = **at;
  row.since = common;
  co_return co_await pool.set_follower(row);
}

std::vector<VolumeId> volumes_of(pool::Pool& pool, std::span<const VolumeUuid> uuids) {
  std::vector<VolumeId> out;
  for (VolumeUuid uuid : uuids) {
    for (const auto& [id, row] : pool.catalog().volumes) {
      if (row.uuid == uuid && !row.hidden) out.push_back(id);
    }
  }
  return out;
}

rt::Task<Result<>> forget_follower(pool::Pool& pool, RelationshipId follower) {
  if (follower_row(pool, follower) == nullptr) co_return Result<>{};
  co_return co_await pool.drop_follower(follower);
}

rt::Task<Result<>> forget_next_hops(pool::Pool& pool, GroupId group) {
  std::vector<RelationshipId> claims;
  for (const auto& [id, row] : pool.catalog().followers) {
    if (row.group == group && row.window == Duration{0}) claims.push_back(id);
  }
  for (RelationshipId claim : claims) {
    Result<> forgotten = co_await forget_follower(pool, claim);
    if (!forgotten) co_return forgotten;
  }
  co_return Result<>{};
}

rt::Task<Result<Bytes>> data_in(pool::VolumeRef view, Bytes from) {
  constexpr std::size_t extents_at_once = 1024;
  Bytes sum{0};
  for (Bytes at = from; at < view->size();) {
    auto extents = co_await view->extents(at, view->size() - at, extents_at_once);
    if (!extents) co_return fail(extents.error());
    if (extents->empty()) break;
    for (const auto& e : *extents) {
      if (!e.hole && !e.zero) sum += e.length;
    }
    at = extents->back().at + extents->back().length;
  }
  co_return sum;
}

rt::Task<Result<bool>> wrote_between(pool::Pool& pool, GroupId group, Lsn lsn, Lsn until) {
  constexpr Bytes piece = 1_MiB;
  while (lsn < until && pool.time_of_oldest_after(group, lsn).us != 0) {
    Result<pool::Stream> got = co_await pool.stream(group, lsn, piece);
    if (!got) co_return fail(got.error());
    for (const auto& record : got->records) {
      if (record.lsn > until) break;
      if (is_data(record.kind) && (record.flags & journal::flag_resync) == 0) co_return true;
    }
    if (got->upto <= lsn) break;
    lsn = got->upto;
  }
  co_return false;
}

rt::Task<bool> wrote_after(pool::Pool& pool, GroupId group, Origin origin) {
  if (pool.position(group) == origin) co_return false;
  Result<std::optional<Lsn>> lsn = co_await pool.lsn_of(group, origin);
  if (!lsn || !*lsn) co_return true;
  Lsn after = **lsn;
  Result<bool> wrote = co_await wrote_between(pool, group, after, end_of_journal);
  co_return !wrote || *wrote;
}

std::string purpose(std::string_view what, RelationshipId relationship) {
  return std::string(what) + " " + text_of(relationship);
}

std::optional<SnapshotId> find_internal(pool::Pool& pool, GroupId group, std::string_view purpose) {
  for (const auto& [id, row] : pool.catalog().snapshots) {
    if (row.internal && !row.hidden && row.group == group && row.purpose == purpose) return id;
  }
  return std::nullopt;
}

rt::Task<bool> kept_as_it_is(pool::Pool& pool, GroupId group) {
  std::vector<std::pair<Lsn, Origin>> kept;
  for (const auto& [id, row] : pool.catalog().snapshots) {
    if (!row.internal && !row.hidden && row.group == group) kept.emplace_back(row.lsn, row.origin);
  }
  for (const auto& [lsn, origin] : kept) {
    if (origin == pool.position(group)) co_return true;
    Lsn after = lsn;
    Result<bool> wrote = co_await wrote_between(pool, group, after, end_of_journal);
    if (wrote && !*wrote) co_return true;
  }
  co_return false;
}

rt::Task<Result<>> drop_internal(pool::Pool& pool, GroupId group, std::string purpose, SnapshotId except) {
  std::vector<SnapshotId> gone;
  for (const auto& [id, row] : pool.catalog().snapshots) {
    if (row.internal && !row.hidden && row.group == group && row.purpose == purpose && id != except)
      gone.push_back(id);
  }
  for (SnapshotId id : gone) {
    Result<> dropped = co_await pool.delete_snapshot(id);
    if (!dropped) co_return dropped;
  }
  co_return Result<>{};
}

std::string snapshot_name(pool::Pool& pool, std::string_view what, WallTime now) {
  std::chrono::sys_time<std::chrono::microseconds> time{std::chrono::microseconds(now.us)};
  auto day = std::chrono::floor<std::chrono::days>(time);
  std::chrono::year_month_day date{day};
  std::chrono::hh_mm_ss clock{std::chrono::floor<std::chrono::seconds>(time - day)};
  std::array<char, 32> stamp{};
  std::snprintf(stamp.data(), stamp.size(), "-%04d%02u%02u-%02d%02d%02d", static_cast<int>(date.year()),
                static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                static_cast<int>(clock.hours().count()), static_cast<int>(clock.minutes().count()),
                static_cast<int>(clock.seconds().count()));
  std::string base = std::string(what.substr(0, 70)) + stamp.data();
  auto taken = [&](const std::string& name) {
    for (const auto& [id, row] : pool.catalog().snapshots) {
      if (!row.hidden && row.name == name) return true;
    }
    return false;
  };
  std::string name = base;
  for (int i = 2; taken(name); ++i) name = base + "-" + std::to_string(i);
  return name;
}

}  // namespace lockstep::replica
