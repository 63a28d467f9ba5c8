#include "manage/drills.h"

#include <algorithm>

#include "manage/inspection.h"
#include "manage/refusal.h"
#include "manage/room.h"
#include "manage/storage.h"

namespace lockstep::manage {

namespace {

// On the pool's loop. Whatever was made goes again when a later step fails.
rt::Task<Result<Drill>> open_beside(pool::Pool* pool, GroupId target, std::string name, rt::Loop* loop) {
  Drill drill;
  Instant began = loop->clock().now();
  const store::Catalog& catalog = pool->catalog();
  auto group = catalog.groups.find(target);
  if (group == catalog.groups.end()) co_return fail(Code::not_found, "the target group is gone");
  std::vector<std::string> names;
  for (VolumeId member : group->second.members) names.push_back(name + "-" + catalog.volumes.at(member).name);
  const bool own_snapshot = !group->second.resync || group->second.resync->stand_in.is_none();
  SnapshotId from;
  if (own_snapshot) {
    CO_TRY(from, co_await pool->snapshot(target, "drill-" + name, "drill " + name));
  } else {
    from = group->second.resync->stand_in;   // blocks arrive out of order: only the stand-in is a state of the source
  }
  if (auto row = catalog.snapshots.find(from); row != catalog.snapshots.end()) {
    drill.position = row->second.origin;
    drill.time = row->second.as_of;
  }
  store::GroupRow row;
  row.name = name;
  Result<GroupId> made = co_await pool->clone_group(from, names, std::move(row));
  if (own_snapshot) ignore(co_await pool->delete_snapshot(from), "held as hidden while the clones need it, gone otherwise");
  if (!made) co_return fail(made.error());
  drill.open_took = loop->clock().now() - began;
  drill.opened = loop->clock().wall();
  drill.group = name;

  Instant checking = loop->clock().now();
  Inspection inspection(*pool, *made);
  Result<> looked = co_await inspection.begin();
  if (looked) looked = co_await inspection.look_up(drill.volumes);
  co_await inspection.end();
  if (!looked) {
    ignore(co_await pool->discard_group(*made), "the first error is the one to tell");
    co_return fail(looked.error().in("checking the drill"));
  }
  for (std::size_t i = 0; i < names.size(); ++i) drill.volumes[i].name = std::move(names[i]);
  drill.check_took = loop->clock().now() - checking;
  drill.checked = true;
  co_return drill;
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
  for (VolumeId clone : found->members) {
    auto row = catalog.volumes.find(clone);
    bool of_target = false;
    for (const auto& [id, snapshot] : catalog.snapshots)   // of the group as it was then: a revert may have changed its volumes since
      of_target |= row != catalog.volumes.end() && snapshot.group == target && std::ranges::find(snapshot.volumes, row->second.origin) != snapshot.volumes.end();
    of_target |= row != catalog.volumes.end() && std::ranges::find(origin->second.members, row->second.origin) != origin->second.members.end();
    if (!of_target) co_return fail(Code::invalid, "group '" + name + "' is no drill of this relationship");
  }
  GroupId group = found->id;
  std::vector<SnapshotId> checks;
  for (const auto& [id, row] : catalog.snapshots)
    if (row.group == group && row.internal && !row.hidden && row.purpose == "drill check") checks.push_back(id);
  for (SnapshotId check : checks) CO_TRY_VOID(co_await pool->delete_snapshot(check));
  co_return co_await pool->discard_group(group);
}

rt::Task<Result<std::unique_ptr<Inspection>>> begin_reading(pool::Pool* pool, GroupId group, std::vector<Drill::Volume>* volumes) {
  auto inspection = std::make_unique<Inspection>(*pool, group);
  Result<> begun = co_await inspection->begin();
  if (begun) begun = co_await inspection->look_up(*volumes);
  if (begun) co_return inspection;
  co_await inspection->end();
  co_return fail(begun.error());
}

rt::Task<void> end_reading(std::unique_ptr<Inspection> inspection) {
  co_await inspection->end();
  inspection.reset();
}

class ReadWork final : public Work {
 public:
  ReadWork(rt::Loop& loop, PoolSet::Hold hold, GroupId group, Drill drill, std::function<void(Drill)> done)
      : loop_(loop), hold_(std::move(hold)), group_(group), drill_(std::move(drill)), done_(std::move(done)) {}

  rt::Task<Answer<>> run(JobHandle& job) override {
    const std::string object = drill_.pool + "/" + drill_.group;
    job.set_result(object);
    Instant began = loop_.clock().now();
    std::vector<std::string> names;
    for (const Drill::Volume& volume : drill_.volumes) names.push_back(volume.name);
    drill_.volumes.clear();
    Result<std::unique_ptr<Inspection>> begun = co_await rt::run_on(hold_.loop(), begin_reading(&hold_.pool(), group_, &drill_.volumes));
    if (!begun) co_return refuse(begun.error(), object);
    std::unique_ptr<Inspection> inspection = *std::move(begun);
    for (std::size_t i = 0; i < drill_.volumes.size() && i < names.size(); ++i) drill_.volumes[i].name = names[i];
    Result<bool> more = true;
    while (more && *more) {
      job.progress(inspection->done(), inspection->total());
      if (job.stop().requested()) more = fail(Code::cancelled, "the check of drill '" + object + "' was cancelled");
      else more = co_await rt::run_on(hold_.loop(), inspection->read_on(drill_.volumes));
    }
    co_await rt::run_on(hold_.loop(), end_reading(std::move(inspection)));
    if (!more) co_return refuse(more.error(), object);
    drill_.read = true;
    drill_.check_took = loop_.clock().now() - began;
    std::string damage;
    for (const Drill::Volume& volume : drill_.volumes)
      if (!volume.damage.empty()) damage += (damage.empty() ? "" : "; ") + volume.name + ": " + volume.damage;
    done_(std::move(drill_));
    if (damage.empty()) co_return Answer<>{};
    co_return refuse(Refusal{ReturnCode::failed, "drill '" + object + "' holds blocks that cannot be read: " + damage, "Verify the relationship and repair the target from its source.", object, Code::corrupt});
  }

 private:
  rt::Loop& loop_;
  PoolSet::Hold hold_;
  GroupId group_;
  Drill drill_;
  std::function<void(Drill)> done_;
};

}  // namespace

rt::Task<Answer<Drill>> Drills::open(replica::Report report, std::string target, std::string name) {
  if (name.empty()) name = "drill-" + time_name(loop_.clock().wall());
  if (!good_name(name)) co_return bad_parameter("Name", "'" + name + "' is no name for a drill", "Letters, digits, '.', '_' and '-', at most 100.");
  CO_ASK(GroupAt at, co_await locate_group(pools_, std::move(target), "Synchronization"));
  if (!at.row.was_synchronized)
    co_return wrong_state(at.row.name, "group '" + at.row.name + "' was never Synchronized: it holds no state of its source yet", "Wait until the relationship is Synchronized: `lockstep replica watch NAME` shows how far it is.");
  CO_ASK_VOID(co_await room_for(at.hold, "a drill"));
  Result<Drill> opened = co_await rt::run_on(at.hold.loop(), open_beside(&at.hold.pool(), at.row.id, name, &at.hold.loop()));
  if (!opened) co_return refuse(opened.error(), "Name");
  opened->relationship = report.relationship.name;
  opened->pool = at.hold.name();
  if (report.reachable || report.last_contact) opened->recovery_point = report.lag;
  note(*opened);
  tell("Created", at.hold.name() + "/" + name, "drill of " + at.row.name);
  co_return *std::move(opened);
}

rt::Task<Answer<Outcome>> Drills::read(std::string group) {
  CO_ASK(GroupAt at, co_await locate_group(pools_, std::move(group), "Group"));
  const std::string object = at.hold.name() + "/" + at.row.name;
  auto known = known_.find(object);
  if (known == known_.end()) co_return no_such("drill", object, "Group");
  auto done = [this](Drill drill) { note(std::move(drill)); };
  auto work = std::make_unique<ReadWork>(loop_, std::move(at.hold), at.row.id, known->second, std::move(done));
  co_return co_await jobs_.run("Read drill " + object, object, std::move(work), Jobs::Patience{std::chrono::seconds(1), Duration{0}});
}

rt::Task<Answer<>> Drills::end(std::string target, std::string name) {
  CO_ASK(GroupAt at, co_await locate_group(pools_, std::move(target), "Synchronization"));
  Result<> closed = co_await rt::run_on(at.hold.loop(), close_drill(&at.hold.pool(), at.row.id, name));
  if (!closed) co_return refuse(closed.error(), "Name");
  known_.erase(at.hold.name() + "/" + name);
  tell("Deleted", at.hold.name() + "/" + name, "");
  co_return Answer<>{};
}

rt::Task<std::vector<Drill>> Drills::list() {
  std::vector<std::string> names;
  for (const auto& [name, drill] : known_) names.push_back(name);
  for (const std::string& name : names) {
    Answer<GroupAt> at = co_await locate_group(pools_, name, "Group");
    if (!at) known_.erase(name);
  }
  std::vector<Drill> out;
  for (const auto& [name, drill] : known_) out.push_back(drill);
  co_return out;
}

void Drills::note(Drill drill) { known_.insert_or_assign(drill.pool + "/" + drill.group, std::move(drill)); }

void Drills::tell(std::string kind, std::string object, std::string after) {
  Event event;
  event.kind = std::move(kind);
  event.object_type = "Group";
  event.object = std::move(object);
  event.after = std::move(after);
  events_.emit(std::move(event));
}

}  // namespace lockstep::manage
