// Tokens: rights to copy a point in time, in the words of manage.
#include "manage/refusal.h"
#include "manage/relationships.h"
#include "manage/room.h"
#include "manage/works.h"

namespace lockstep::manage {

namespace {

// On the pool's loop.
rt::Task<std::string> name_of_group(pool::Pool* pool, GroupId group) {
  auto row = pool->catalog().groups.find(group);
  co_return row == pool->catalog().groups.end() ? std::string() : row->second.name;
}

}  // namespace

rt::Task<Answer<std::string>> Relationships::create_token(Caller caller, std::string group, Duration valid, bool reusable, std::vector<os::Address> advertised) {
  CO_ASK_VOID(require(caller, RoleName::operate, "making a token"));
  CO_ASK(GroupAt at, co_await locate_group(pools_, std::move(group), "Group"));
  CO_ASK_VOID(co_await room_for(at.hold, "a token's point in time"));
  replica::TokenRequest request;
  request.pool = at.hold.id();
  request.group = at.row.id;
  request.valid = valid;
  request.reusable = reusable;
  request.advertised = std::move(advertised);
  Result<std::string> token = co_await engine_->create_token(std::move(request));
  if (!token) co_return refuse(token.error(), token.error().code == Code::invalid ? "ValidSeconds" : at.row.name);
  Event event;
  event.kind = "Created";
  event.object_type = "Token";
  event.object = at.hold.name() + "/" + at.row.name;
  events_.emit(std::move(event));
  co_return *std::move(token);
}

rt::Task<std::vector<TokenInfo>> Relationships::tokens() {
  std::vector<TokenInfo> out;
  std::vector<replica::TokenReport> known = co_await engine_->tokens();
  for (const replica::TokenReport& report : known) {
    TokenInfo& info = out.emplace_back();
    info.id = report.id;
    info.taken = report.taken;
    info.expires = report.expires;
    info.reusable = report.reusable;
    for (PoolSet::Hold& hold : pools_.hold_all()) {
      if (hold.id() != report.pool) continue;
      info.pool = hold.name();
      info.group = co_await rt::run_on(hold.loop(), name_of_group(&hold.pool(), report.group));
    }
    for (RelationshipId user : report.users) {
      auto name = names_.find(user);
      info.users.push_back(name == names_.end() ? text_of(user) : name->second);
    }
  }
  co_return out;
}

rt::Task<Answer<>> Relationships::revoke_token(Caller caller, std::string id, bool force) {
  CO_ASK_VOID(require(caller, RoleName::operate, "revoking a token"));
  auto known = parse_id<SnapshotId>(id);
  if (!known) co_return no_such("token", id);
  Result<> done = co_await engine_->revoke_token(*known, force);
  if (!done) co_return refuse(done.error(), id);
  Event event;
  event.kind = "Deleted";
  event.object_type = "Token";
  event.object = id;
  events_.emit(std::move(event));
  co_return Answer<>{};
}

rt::Task<Answer<Outcome>> Relationships::use_token(Caller caller, UseToken use) {
  CO_ASK_VOID(require(caller, RoleName::operate, "using a token"));
  if (use.mode && *use.mode != 0 && (*use.mode < 2 || *use.mode > 4))
    co_return bad_parameter("Mode", "Mode " + std::to_string(*use.mode) + " is not one of 2, 3, 4", "Give Synchronous (2), Asynchronous (3) or Adaptive (4), or leave it out.");
  const std::string name = use.relationship_name.value_or("");
  if (!name.empty() && !good_name(name)) co_return bad_parameter("RelationshipName", "'" + name + "' is no name for a relationship", "1 to 100 letters, digits, '.', '_' or '-', not starting with '.' or '-'.");
  replica::TokenUse wanted;
  wanted.token = std::move(use.token);
  wanted.name = name;
  wanted.target_pool = use.target_pool.value_or("");
  wanted.target_group = use.target_group.value_or("");
  wanted.settings.mode = use.mode.value_or(0) != 0 ? static_cast<replica::Mode>(*use.mode) : replica::Mode::synchronous;
  wanted.settings.rpo_seconds = 0;
  Jobs::Patience patience = patience_for(replica::SyncType::tokenized_clone, wanted.settings.mode, use.wait_at_most);
  std::string object = name.empty() ? "token" : name;
  co_return co_await jobs_.run("UseToken", std::move(object), using_token(*engine_, std::move(wanted)), patience);
}

}  // namespace lockstep::manage
