#include "rest/world.h"

#include <utility>

namespace lockstep::rest {

const manage::VolumeInfo* World::volume(VolumeUuid uuid) const {
  for (const manage::VolumeInfo& info : volumes)
    if (info.row.uuid == uuid) return &info;
  return nullptr;
}

const manage::VolumeInfo* World::volume(const std::string& name) const {
  const manage::VolumeInfo* found = nullptr;
  for (const manage::VolumeInfo& info : volumes) {
    if (info.export_name == name) return &info;
    if (info.row.name != name) continue;
    if (found) return nullptr;   // in several pools: the pool must be said
    found = &info;
  }
  if (found) return found;
  auto id = parse_id<VolumeUuid>(name);
  return id ? volume(*id) : nullptr;
}

const manage::GroupInfo* World::group(const std::string& name) const {
  const manage::GroupInfo* found = nullptr;
  auto id = parse_id<GroupId>(name);
  for (const manage::GroupInfo& info : groups) {
    if (info.pool + "/" + info.row.name == name || (id && info.row.id == *id)) return &info;
    if (info.row.name != name) continue;
    if (found) return nullptr;
    found = &info;
  }
  return found;
}

const manage::GroupInfo* World::group(PoolId pool, GroupId id) const {
  for (const manage::GroupInfo& info : groups)
    if (info.pool_id == pool && info.row.id == id) return &info;
  return nullptr;
}

namespace {

// A local relationship is reported once, by its source. Its target, a group that says whom it follows, gets a report of its own.
void add_local_targets(World& world) {
  std::vector<replica::Report> more;
  for (const replica::Report& report : world.reports) {
    const replica::Relationship& r = report.relationship;
    if (r.peer != world.self || r.end != replica::End::source) continue;
    for (const manage::GroupInfo& info : world.groups) {
      if (info.row.following != r.id || info.row.role == store::Role::demoted) continue;
      replica::Report flipped = report;
      replica::Relationship& f = flipped.relationship;
      f.end = replica::End::target;
      f.pool = info.pool_id;
      f.group = info.row.id;
      const manage::GroupInfo* source = world.group(r.pool, r.group);
      f.peer_pool = source ? source->pool : "";
      f.peer_group = source ? source->row.name : "";
      for (auto& [here, there] : f.pairs) std::swap(here, there);
      more.push_back(std::move(flipped));
    }
  }
  for (replica::Report& report : more) world.reports.push_back(std::move(report));
}

}  // namespace

rt::Task<World> read_world(Call& call) {
  World world;
  world.volumes = co_await call.system.volumes();
  world.groups = co_await call.system.groups();
  world.reports = call.system.relationships();
  world.self = call.system.self().id;
  add_local_targets(world);
  co_return world;
}

std::string far_path(const Call& call, SystemId system, std::string below) {
  std::string host = text_of(system);
  for (const replica::PeerReport& report : call.system.engine().peers())
    if (report.peer.id == system) host = report.peer.name;
  return "https://" + host + std::string(storage_path) + "/" + std::move(below);
}

}  // namespace lockstep::rest
