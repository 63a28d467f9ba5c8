#include <algorithm>

#include "manage/storage.h"

namespace lockstep::manage {

namespace {

struct Opened {
  Drill drill;
  Error error;
  bool failed = false;
};

// On the pool's loop. Whatever was made goes again when a later step fails.
rt::Task<Opened> open_drill(pool::Pool* pool, GroupId target, std::string name, rt::Loop* loop) {
  Opened out;
  Instant began = loop->clock().now();
  const store::Catalog& catalog = pool->catalog();
  auto group = catalog.groups.find(target);
  out.failed = true;
  if (group == catalog.groups.end()) {
    out.error = {Code::not_found, "the target group is gone"};
    co_return out;
  }
  for (const auto& [id, row] : catalog.groups)
    if (row.name == name) {
      out.error = {Code::exists, "there is a group '" + name + "' already"};
      co_return out;
    }
  std::vector<std::string> names;
  for (VolumeId member : group->second.members) names.push_back(name + "-" + catalog.volumes.at(member).name);
  bool own_snapshot = !group->second.resync || group->second.resync->stand_in.is_none();
  SnapshotId from;
  if (own_snapshot) {
    Result<SnapshotId> taken = co_await pool->snapshot(target, "drill-" + name, "drill " + name);
    if (!taken) {
      out.error = taken.error();
      co_return out;
    }
    from = *taken;
  } else {
    from = group->second.resync->stand_in;   // blocks arrive out of order: only the stand-in is a state of the source
  }
  if (auto row = catalog.snapshots.find(from); row != catalog.snapshots.end()) {
    out.drill.position = row->second.origin;
    out.drill.time = row->second.time;
  }
  Result<std::vector<VolumeId>> clones = co_await pool->clone(from, names);
  if (own_snapshot) ignore(co_await pool->delete_snapshot(from), "held as hidden while the clones need it, gone otherwise");
  if (!clones) {
    out.error = clones.error();
    co_return out;
  }
  Result<GroupId> made = co_await pool->create_group(name, *clones);
  if (!made) {
    for (VolumeId clone : *clones) ignore(co_await pool->delete_volume(clone), "the first error is the one to tell");
    out.error = made.error();
    co_return out;
  }
  out.failed = false;
  out.drill.group = name;
  out.drill.volumes = std::move(names);
  out.drill.open_took = loop->clock().now() - began;
  co_return out;
}

// On the pool's loop. Only a group whose volumes are clones of the target's is a drill of it.
rt::Task<Result<>> close_drill(pool::Pool* pool, GroupId target, std::string name) {
  const store::Catalog& catalog = pool->catalog();
  auto origin = catalog.groups.find(target);
  if (origin == catalog.groups.end()) co_return fail(Code::not_found, "the target group is gone");
  const store::GroupRow* found = nullptr;
  for (const auto& [id, row] : catalog.groups)
    if (row.name == name) found = &row;
  if (!found) co_return fail(Code::not_found, "there is no drill '" + name + "'");
  std::vector<VolumeId> clones = found->members;
  for (VolumeId clone : clones) {
    auto row = catalog.volumes.find(clone);
    bool of_target = row != catalog.volumes.end() && std::ranges::find(origin->second.members, row->second.origin) != origin->second.members.end();
    if (!of_target) co_return fail(Code::invalid, "group '" + name + "' is no drill of this relationship");
  }
  CO_TRY_VOID(co_await pool->delete_group(found->id));
  for (VolumeId clone : clones) CO_TRY_VOID(co_await pool->delete_volume(clone));
  co_return Result<>{};
}

}  // namespace

rt::Task<Answer<Drill>> Storage::drill(std::string target, std::string name) {
  if (name.empty()) name = "drill-" + time_name(loop_.clock().wall());
  if (!good_name(name)) co_return bad_parameter("Name", "'" + name + "' is no name for a drill", "Letters, digits, '.', '_' and '-', at most 100.");
  CO_ASK(GroupAt at, co_await locate_group(pools_, std::move(target), "Synchronization"));
  if (!at.row.was_synchronized)
    co_return wrong_state(at.row.name, "group '" + at.row.name + "' was never Synchronized: it holds no state of its source yet", "Wait until the relationship is Synchronized.");
  Opened opened = co_await rt::run_on(at.hold.loop(), open_drill(&at.hold.pool(), at.row.id, name, &at.hold.loop()));
  if (opened.failed) co_return refuse(opened.error, "Name");
  opened.drill.pool = at.hold.name();
  tell("Created", "Group", at.hold.name() + "/" + name, "", "drill of " + at.row.name);
  co_return std::move(opened.drill);
}

rt::Task<Answer<>> Storage::end_drill(std::string target, std::string name) {
  CO_ASK(GroupAt at, co_await locate_group(pools_, std::move(target), "Synchronization"));
  Result<> closed = co_await rt::run_on(at.hold.loop(), close_drill(&at.hold.pool(), at.row.id, name));
  if (!closed) co_return refuse(closed.error(), "Name");
  tell("Deleted", "Group", at.hold.name() + "/" + name);
  co_return Answer<>{};
}

}  // namespace lockstep::manage
