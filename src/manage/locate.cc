#include "manage/locate.h"

#include <algorithm>
#include <optional>

namespace lockstep::manage {

namespace {

// On the pool's loop. `name` may be an id.
rt::Task<std::optional<store::VolumeRow>> volume_in(pool::Pool* pool, std::string name) {
  auto id = parse_id<VolumeUuid>(name);
  std::optional<store::VolumeRow> by_id;
  for (const auto& [key, row] : pool->catalog().volumes) {
    if (row.hidden) continue;
    if (row.name == name) co_return row;
    if (id && row.uuid == *id) by_id = row;
  }
  co_return by_id;
}

rt::Task<std::optional<store::GroupRow>> group_in(pool::Pool* pool, std::string name) {
  auto id = parse_id<GroupId>(name);
  std::optional<store::GroupRow> by_id;
  for (const auto& [key, row] : pool->catalog().groups) {
    if (row.name == name) co_return row;
    if (id && key == *id) by_id = row;
  }
  co_return by_id;
}

rt::Task<std::optional<store::SnapshotRow>> snapshot_in(pool::Pool* pool, GroupId group, std::string name) {
  auto id = parse_id<SnapshotId>(name);
  for (const auto& [key, row] : pool->catalog().snapshots)
    if (row.group == group && !row.hidden && (row.name == name || (id && key == *id))) co_return row;
  co_return std::nullopt;
}

template <class Row>
struct Hit {
  PoolSet::Hold hold;
  Row row;
};

// The one object of that name, wherever it is; `look` asks one pool, on its loop.
template <class Row>
rt::Task<Answer<Hit<Row>>> locate(PoolSet& pools, std::string text, std::string what, std::string parameter,
                                  rt::Task<std::optional<Row>> (*look)(pool::Pool*, std::string)) {
  PoolAndName name = split_name(text);
  std::vector<PoolSet::Hold> places;
  if (!name.pool.empty()) {
    Answer<PoolSet::Hold> hold = pools.hold(name.pool, parameter);
    if (!hold) co_return refuse(std::move(hold).error());
    places.push_back(*std::move(hold));
  } else {
    places = pools.hold_all();
  }
  std::optional<Hit<Row>> found;
  for (PoolSet::Hold& hold : places) {
    std::optional<Row> row = co_await rt::run_on(hold.loop(), look(&hold.pool(), name.name));
    if (!row) continue;
    if (found) {
      std::string message = "there is a " + what + " '" + text + "' in pool '" + found->hold.name() + "' and in '" + hold.name() + "'";
      co_return bad_parameter(parameter, std::move(message), "Write POOL/NAME.");
    }
    found.emplace(std::move(hold), *std::move(row));
  }
  if (!found) co_return no_such(what, text, parameter);
  co_return *std::move(found);
}

}  // namespace

rt::Task<Answer<VolumeAt>> locate_volume(PoolSet& pools, std::string name, std::string parameter) {
  auto hit = co_await locate<store::VolumeRow>(pools, std::move(name), "volume", std::move(parameter), volume_in);
  if (!hit) co_return refuse(std::move(hit).error());
  co_return VolumeAt{std::move(hit->hold), hit->row.id, std::move(hit->row.name)};
}

rt::Task<Answer<GroupAt>> locate_group(PoolSet& pools, std::string name, std::string parameter) {
  auto hit = co_await locate<store::GroupRow>(pools, std::move(name), "group", std::move(parameter), group_in);
  if (!hit) co_return refuse(std::move(hit).error());
  co_return GroupAt{std::move(hit->hold), std::move(hit->row)};
}

rt::Task<Answer<SnapshotAt>> locate_snapshot(PoolSet& pools, std::string group, std::string name, std::string parameter) {
  Answer<GroupAt> at = co_await locate_group(pools, std::move(group), "Group");
  if (!at) co_return refuse(std::move(at).error());
  auto row = co_await rt::run_on(at->hold.loop(), snapshot_in(&at->hold.pool(), at->row.id, name));
  if (!row) {
    std::string message = "group '" + at->row.name + "' has no snapshot '" + name + "'";
    co_return refuse(Refusal{ReturnCode::not_found, std::move(message), where_listed("snapshot"), std::move(parameter), Code::not_found});
  }
  co_return SnapshotAt{std::move(at->hold), std::move(at->row), *std::move(row)};
}

rt::Task<Answer<VolumesAt>> locate_volumes(PoolSet& pools, std::string pool, std::vector<std::string> names, std::string parameter) {
  std::optional<VolumesAt> out;
  if (!pool.empty()) {
    Answer<PoolSet::Hold> hold = pools.hold(pool, parameter);
    if (!hold) co_return refuse(std::move(hold).error());
    out.emplace(*std::move(hold), std::vector<VolumeId>{});
  }
  for (std::string& name : names) {
    std::string full = !pool.empty() && name.find('/') == std::string::npos && name.size() != 32 ? pool + "/" + name : name;
    Answer<VolumeAt> at = co_await locate_volume(pools, std::move(full), parameter);
    if (!at) co_return refuse(std::move(at).error());
    if (!out) out.emplace(std::move(at->hold), std::vector<VolumeId>{});
    else if (at->hold.id() != out->hold.id())
      co_return bad_parameter(parameter, "volume '" + name + "' is in pool '" + at->hold.name() + "', others are in '" + out->hold.name() + "'", "A group's volumes are in one pool.");
    if (std::ranges::find(out->ids, at->id) != out->ids.end()) co_return bad_parameter(parameter, "volume '" + name + "' is named twice", "Name each once.");
    out->ids.push_back(at->id);
  }
  if (!out) co_return bad_parameter(parameter, "no volume is named", "Name at least one volume, or write POOL/NAME for the group.");
  co_return *std::move(out);
}

}  // namespace lockstep::manage
