#include <algorithm>
#include <set>

#include "pool/native/objects.h"

namespace lockstep::pool::native {

using store::GroupRow;
using store::HistoryEntry;
using store::Role;

namespace {

// A generation begins with each promotion and each opening after an accident. Ends that have not met for so many have forgotten what they
// have in common: that contact is refused as unrelated, nothing is touched, and a resync, asked for, compares. Peers take ten times as many.
constexpr std::size_t generations_most = 1000;

void add_generation(GroupRow& row, HistoryEntry entry) {
  row.history.push_back(entry);
  if (row.history.size() <= generations_most) return;
  row.history.erase(row.history.begin(), row.history.end() - static_cast<std::ptrdiff_t>(generations_most));
}

}  // namespace

Result<GroupState*> Objects::group_of(GroupId group) {
  GroupState* state = core_.find(group);
  if (!state) return fail(Code::not_found, "pool '" + core_.name + "' has no group " + text_of(group));
  return state;
}

Result<> Objects::check_members(GroupId group, const std::vector<VolumeId>& members) const {
  std::set<VolumeId> seen;
  for (VolumeId member : members) {
    VolumeState* volume = core_.find(member);
    if (!volume || volume->row->hidden) return fail(Code::not_found, "pool '" + core_.name + "' has no volume " + std::to_string(member.value));
    if (!seen.insert(member).second) return fail(Code::invalid, told("volume", volume->row->name) + " is named twice");
    if (volume->row->filling && (!volume->group || volume->group->id != group))
      return fail(Code::busy, told("volume", volume->row->name) + " lacks blocks that are still on another system; delete it, or wait until it is complete");
    if (volume->group && volume->group->id != group)
      return fail(Code::busy, told("volume", volume->row->name) + " is in group '" + volume->group->row->name + "' already");
  }
  return {};
}

rt::Task<Result<GroupId>> Objects::create_group(std::string name, std::vector<VolumeId> members) {
  CO_TRY_VOID(check_name("group", name));
  CO_TRY_VOID(group_name_is_free(name, GroupId{}));
  CO_TRY_VOID(check_members(GroupId{}, members));
  GroupRow row;
  row.id = core_.host.random().id<GroupId>();
  row.name = std::move(name);
  row.members = std::move(members);
  row.history.push_back(HistoryEntry{core_.host.random().id<Generation>(), Origin{}});
  row.created = core_.host.clock().wall();
  GroupId id = row.id;
  Changes changes{std::move(row)};
  CO_TRY_VOID(co_await commit(std::move(changes), nullptr));
  co_return id;
}

rt::Task<Result<>> Objects::set_members(GroupId group, std::vector<VolumeId> members) {
  CO_TRY(GroupState * state, group_of(group));
  CO_TRY_VOID(check_members(group, members));
  if (!state->row->following.is_none()) CO_TRY_VOID(core_.whole(*state));   // what fills it means these volumes
  GroupRow row = *state->row;
  row.members = std::move(members);
  bool follows = row.role == Role::target || row.role == Role::demoted;
  GroupState* stream = follows ? nullptr : state;
  Changes changes{std::move(row)};
  co_return co_await commit(std::move(changes), stream);
}

rt::Task<Result<Lsn>> Objects::move_members(GroupId from, GroupId to, std::vector<VolumeId> volumes) {
  CO_TRY(GroupState * leaves, group_of(from));
  CO_TRY(GroupState * joins, group_of(to));
  GroupRow less = *leaves->row;
  GroupRow more = *joins->row;
  for (VolumeId volume : volumes) {
    if (std::erase(less.members, volume) == 0) co_return fail(Code::not_found, told("group", less.name) + " has no member " + std::to_string(volume.value));
    more.members.push_back(volume);
  }
  bool follows = more.role == Role::target || more.role == Role::demoted;
  GroupState* stream = follows ? nullptr : joins;
  Changes changes{std::move(less), std::move(more)};
  CO_TRY(Lsn lsn, core_.append_catalog(std::move(changes), stream));
  CO_TRY_VOID(co_await core_.make_durable(lsn));
  co_return lsn;
}

rt::Task<Result<>> Objects::delete_group(GroupId group) {
  CO_TRY(GroupState * state, group_of(group));
  Changes changes;
  CO_TRY_VOID(remove_group(*state, changes));
  co_return co_await commit(std::move(changes), nullptr);
}

rt::Task<Result<>> Objects::discard_group(GroupId group) {
  CO_TRY(GroupState * state, group_of(group));
  Changes changes;
  CO_TRY_VOID(remove_group(*state, changes));
  for (VolumeId member : state->row->members) {
    store::VolumeRow hidden = core_.catalog.volumes.at(member);
    if (in_use(member)) co_return fail(Code::busy, told("volume", hidden.name) + " is in use: disconnect its clients first");
    hidden.hidden = true;
    changes.push_back(std::move(hidden));
  }
  add_unheld(changes);
  co_return co_await commit(std::move(changes), nullptr);
}

// With its rewind window, which is nothing without it.
Result<> Objects::remove_group(const GroupState& group, Changes& changes) const {
  for (const auto& [id, row] : core_.catalog.followers) {
    if (row.group != group.id) continue;
    if (row.window == Duration{0}) return fail(Code::busy, told("group", group.row->name) + " has a relationship: dissolve it first");
    changes.push_back(store::Removed<RelationshipId>{id});
  }
  changes.push_back(store::Removed<GroupId>{group.id});
  return {};
}

Result<> Objects::group_name_is_free(std::string_view name, GroupId but) const {
  for (const auto& [id, row] : core_.catalog.groups)
    if (id != but && row.name == name) return fail(Code::exists, told("group", name) + " exists already");
  return {};
}

rt::Task<Result<>> Objects::change_group(GroupRow row) {
  CO_TRY(GroupState * state, group_of(row.id));
  CO_TRY_VOID(check_name("group", row.name));
  CO_TRY_VOID(group_name_is_free(row.name, row.id));
  if (row.history.empty()) co_return fail(Code::invalid, told("group", row.name) + ": a group has a history");
  const GroupRow& now = *state->row;
  row.members = now.members;
  row.created = now.created;
  // Where hosts write, the group's own records decide where it is.
  auto served = [](Role role) { return role == Role::source || role == Role::target_writable; };
  if (served(now.role) && served(row.role)) row.position = now.position;
  Changes changes{std::move(row)};
  co_return co_await commit(std::move(changes), nullptr);
}

rt::Task<Result<Generation>> Objects::begin_generation(GroupId group) {
  CO_TRY(GroupState * state, group_of(group));
  GroupRow row = *state->row;
  Generation generation = core_.host.random().id<Generation>();
  add_generation(row, HistoryEntry{generation, position(group)});
  Changes changes{std::move(row)};
  CO_TRY_VOID(co_await commit(std::move(changes), nullptr));
  co_return generation;
}

Origin Objects::position(GroupId group) const {
  GroupState* state = core_.find(group);
  if (!state) return {};
  if (!state->row->position.generation.is_none()) return state->row->position;
  return Origin{state->row->history.empty() ? Generation{} : state->row->history.front().generation, Lsn{0}};
}

rt::Task<Result<>> Objects::begin_generations() {
  Changes changes;
  for (const auto& [id, row] : core_.catalog.groups) {
    if (row.role != Role::source && row.role != Role::target_writable) continue;
    GroupRow next = row;
    add_generation(next, HistoryEntry{core_.host.random().id<Generation>(), position(id)});
    changes.push_back(std::move(next));
  }
  if (changes.empty()) co_return Result<>{};
  co_return co_await commit(std::move(changes), nullptr);
}

}  // namespace lockstep::pool::native
