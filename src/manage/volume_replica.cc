// A volume's replica: the replica of the group that holds the volume alone.
#include "manage/refusal.h"
#include <algorithm>

#include "manage/system.h"

namespace lockstep::manage {

rt::Task<Answer<SystemParts::Alone>> SystemParts::group_of_volume(Caller caller, std::string volume, std::string parameter) {
  CO_ASK(VolumeAt at, co_await locate_volume(*pools_, std::move(volume), parameter));
  Alone out;
  out.pool = at.hold.name();
  std::vector<GroupInfo> groups = co_await storage_->groups();
  for (const GroupInfo& info : groups) {
    bool holds = info.pool_id == at.hold.id() && std::ranges::find(info.row.members, at.id) != info.row.members.end();
    if (!holds) continue;
    out.group = info.row.name;
    if (info.row.members.size() == 1) co_return out;
    co_return wrong_state(at.name, "volume '" + out.pool + "/" + at.name + "' is in group '" + out.group + "' with others: they are replicated together", "Replicate the group.");
  }
  out.group = at.name;
  out.made = true;
  std::vector<std::string> members{out.pool + "/" + at.name};
  CO_ASK_VOID(co_await create_group(std::move(caller), out.pool + "/" + out.group, std::move(members)));
  co_return out;
}

rt::Task<Answer<Outcome>> SystemParts::create_volume_replica(Caller caller, std::string volume, std::optional<std::string> target_volume, CreateReplica request) {
  CO_ASK_VOID(require(caller, RoleName::operate, "creating a replica"));
  CO_ASK(Alone source, co_await group_of_volume(caller, std::move(volume), "this"));
  std::vector<std::string> made;
  if (source.made) made.push_back(source.pool + "/" + source.group);
  Answer<Outcome> outcome;
  request.pool = source.pool;
  request.group = source.group;
  bool go_on = true;
  if (target_volume) {
    Answer<Alone> target = co_await group_of_volume(caller, *target_volume, "TargetStorageVolume");
    go_on = target.has_value();
    if (target) {
      request.target_group = target->pool + "/" + target->group;
      request.target_pool.reset();
      if (target->made) made.push_back(*request.target_group);
    } else {
      outcome = refuse(std::move(target).error());
    }
  }
  if (go_on) outcome = co_await create_replica(caller, std::move(request));
  if (outcome) co_return outcome;
  for (const std::string& group : made) ignore(co_await storage_->delete_group(group), "it harms nobody, and the first refusal is the one to tell");
  co_return outcome;
}

rt::Task<Answer<std::string>> SystemParts::create_token(Caller caller, std::string group, Duration valid, bool reusable) {
  return relationships_->create_token(std::move(caller), std::move(group), valid, reusable, options_.advertised);
}
rt::Task<std::vector<TokenInfo>> SystemParts::tokens() { return relationships_->tokens(); }
rt::Task<Answer<>> SystemParts::revoke_token(Caller caller, std::string id, bool force) { return relationships_->revoke_token(std::move(caller), std::move(id), force); }
rt::Task<Answer<Outcome>> SystemParts::use_token(Caller caller, UseToken use) { return relationships_->use_token(std::move(caller), std::move(use)); }

}  // namespace lockstep::manage
