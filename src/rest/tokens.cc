// Tokens for copies of a point in time: made and revoked where the group is, used where the copy is to be.
#include "rest/relationship.h"

namespace lockstep::rest {

namespace {

constexpr std::uint64_t valid_default = 24 * 3600;

std::string token_path(const std::string& id) { return std::string(oem_path) + "/Tokens/" + id; }

json::object token_body(const manage::TokenInfo& info) {
  const std::string id = text_of(info.id);
  json::object body;
  body["@odata.id"] = token_path(id);
  body["@odata.type"] = "#LockstepToken.v1_0_0.LockstepToken";
  body["Id"] = id;
  body["Name"] = id;
  body["Pool"] = info.pool;
  body["Group"] = info.group;
  body["PointInTime"] = time_or_null(info.taken);
  body["Expires"] = time_or_null(info.expires);
  body["Reusable"] = info.reusable;
  json::array users;
  for (const std::string& user : info.users) users.emplace_back(user);
  body["Relationships"] = std::move(users);
  return body;
}

rt::Task<Reply> get_tokens(Call& call) {
  std::vector<manage::TokenInfo> tokens = co_await call.system.tokens();
  std::vector<json::object> members;
  for (const manage::TokenInfo& info : tokens) members.push_back(token_body(info));
  co_return collection(call, "LockstepTokenCollection", "Tokens", std::string(oem_path) + "/Tokens", std::move(members));
}

rt::Task<Reply> get_token(Call& call) {
  std::vector<manage::TokenInfo> tokens = co_await call.system.tokens();
  for (const manage::TokenInfo& info : tokens)
    if (text_of(info.id) == call.ids[0]) co_return ok(token_body(info));
  co_return no_such_object(call);
}

rt::Task<Reply> post_token(Call& call) {
  Body body(call.body);
  std::string group = body.required_name("Group");
  std::uint64_t valid = body.number("ValidSeconds").value_or(valid_default);
  bool reusable = body.boolean("Reusable").value_or(false);
  if (auto fault = body.fault()) co_return std::move(*fault);
  manage::Answer<std::string> token = co_await call.system.create_token(call.caller, group, std::chrono::seconds(std::min<std::uint64_t>(valid, 1'000'000'000)), reusable);
  if (!token) co_return refused(token.error());
  json::object out;
  out["Token"] = *token;
  out["ValidSeconds"] = valid;
  out["Reusable"] = reusable;
  co_return created(std::string(oem_path) + "/Tokens", std::move(out));
}

rt::Task<Reply> delete_token(Call& call) {
  const std::string* force = call.request.parameter("force");
  manage::Answer<> done = co_await call.system.revoke_token(call.caller, call.ids[0], force != nullptr && *force == "true");
  if (!done) co_return refused(done.error(), Named::by_url);
  co_return no_content();
}

rt::Task<Reply> use_token(Call& call) {
  Body body(call.body);
  manage::UseToken use;
  use.token = body.required_text("Token");
  use.relationship_name = body.text("RelationshipName");
  use.mode = body.word_or_number("Mode", mode_words);
  use.target_pool = body.name("TargetStoragePool");
  use.target_group = body.name("TargetGroup");
  if (call.request.parameter("wait") != nullptr) use.wait_at_most = wait_of(call.request);
  if (auto fault = body.fault()) co_return std::move(*fault);
  manage::Answer<manage::Outcome> outcome = co_await call.system.use_token(call.caller, std::move(use));
  co_return co_await made_replica_reply(call, std::move(outcome));
}

constexpr Route routes[] = {
    {.pattern = "Oem/Lockstep/Tokens", .get = get_tokens, .post = post_token},
    {.pattern = "Oem/Lockstep/Tokens/*", .get = get_token, .remove = delete_token},
    {.pattern = "Oem/Lockstep/Actions/LockstepService.UseToken", .post = use_token},
};

}  // namespace

std::span<const Route> token_routes() { return routes; }

}  // namespace lockstep::rest
