#include <CLI/CLI.hpp>
#include <iostream>

#include "cli/context.h"
#include "cli/task.h"
#include "cli/text.h"

namespace lockstep::cli {
namespace {

struct Asked {
  std::string group, id, token, valid = "24h", name, pool, target_group, mode;
  bool reusable = false, force = false, no_wait = false;
};

const std::string tokens = oem + "/Tokens";

Result<> create(Context& context, const Asked& asked) {
  TRY(std::uint64_t seconds, parse_seconds(asked.valid));
  TRY(Json made, context.post(tokens, Json{{"Group", asked.group}, {"ValidSeconds", seconds}, {"Reusable", asked.reusable}}));
  if (context.json) {
    std::cout << Json{{"token", made.value("Token", "")}, {"valid_seconds", seconds}, {"reusable", asked.reusable}}.dump(2) << '\n';
    return {};
  }
  std::cout << "A copy of " << asked.group << " as it is now, for whoever has this token within " << asked.valid << (asked.reusable ? "" : ", once")
            << ": lockstep token use TOKEN\n" << made.value("Token", "") << '\n';
  return {};
}

Json token_of(const Json& resource) {
  Json token;
  token["id"] = resource.value("Id", "");
  token["pool"] = resource.value("Pool", "");
  token["group"] = resource.value("Group", "");
  token["point_in_time"] = resource.value("PointInTime", Json());
  token["expires"] = resource.value("Expires", Json());
  token["reusable"] = resource.value("Reusable", false);
  token["relationships"] = resource.value("Relationships", Json::array());
  return token;
}

Result<> list(Context& context) {
  TRY(auto resources, context.members(tokens));
  Json all = Json::array();
  std::vector<std::vector<std::string>> rows{{"ID", "GROUP", "POINT IN TIME", "EXPIRES", "GOOD FOR", "COPIES NOW"}};
  for (const Json& resource : resources) {
    Json token = token_of(resource);
    auto text = [](const Json& value) { return value.is_string() ? value.get<std::string>() : std::string(); };
    std::string users;
    for (const Json& user : token["relationships"]) users += (users.empty() ? "" : ", ") + user.get<std::string>();
    rows.push_back({token["id"], token["pool"].get<std::string>() + "/" + token["group"].get<std::string>(), text(token["point_in_time"]), text(token["expires"]), token["reusable"] ? "many" : "one", users});
    all.push_back(std::move(token));
  }
  std::cout << (context.json ? all.dump(2) + "\n" : table(rows));
  return {};
}

Result<> revoke(Context& context, const Asked& asked) {
  TRY_VOID(context.remove(tokens + "/" + id_in_url(asked.id) + (asked.force ? "?force=true" : "")));
  std::cout << (context.json ? "{}\n" : "token " + asked.id + " is good for nothing any more\n");
  return {};
}

Result<> use(Context& context, const Asked& asked) {
  Json body{{"Token", asked.token}};
  if (!asked.name.empty()) body["RelationshipName"] = asked.name;
  if (!asked.pool.empty()) body["TargetStoragePool"] = asked.pool;
  if (!asked.target_group.empty()) body["TargetGroup"] = asked.target_group;
  if (asked.mode == "sync") body["Mode"] = "Synchronous";
  else if (asked.mode == "async") body["Mode"] = "Asynchronous";
  else if (asked.mode == "adaptive") body["Mode"] = "Adaptive";
  else if (!asked.mode.empty()) return fail(Code::invalid, "--mode: '" + asked.mode + "' is no mode; say sync, async or adaptive");
  TRY(Json answer, context.post(oem + "/Actions/LockstepService.UseToken?wait=1", body));
  if (context.last_status == 202 && asked.no_wait) {
    std::cout << (context.json ? job_of(answer).dump(2) + "\n" : "the copy goes on as job " + answer.value("Id", "") + "\n");
    return {};
  }
  TRY_VOID(finish(context, answer, Waiting{.wait = !asked.no_wait}));
  std::cout << (context.json ? "{}\n" : "the copy is complete\n");
  return {};
}

}  // namespace

void add_token(CLI::App& app, Context& context) {
  auto asked = std::make_shared<Asked>();   // shared by the verbs of this noun, for the life of the parser
  CLI::App* noun = app.add_subcommand("token", "Rights to copy a group as it is at one instant");
  noun->require_subcommand(1);
  auto* verb = add_verb(context, *noun, "create", "Hold the group as it is now, for whoever brings the token; shown once, as the last line", "token create db --valid 2h", [&context, asked] { return create(context, *asked); });
  verb->add_option("group", asked->group, "Group")->required();
  verb->add_option("--valid", asked->valid, "For how long (default: 24h)");
  verb->add_flag("--reusable", asked->reusable, "Good for any number of copies");
  add_verb(context, *noun, "list", "Tokens of this system's groups", "token list", [&context] { return list(context); });
  verb = add_verb(context, *noun, "revoke", "The token is good for nothing any more", "token revoke 0f1e…", [&context, asked] { return revoke(context, *asked); });
  verb->add_option("id", asked->id, "Id, as `token list` shows it")->required();
  verb->add_flag("--force", asked->force, "End copies that run from it");
  verb = add_verb(context, *noun, "use", "Copy what the token names to this system, where it can be used at once; waits until it is complete", "token use TOKEN --pool p --group copy", [&context, asked] { return use(context, *asked); });
  verb->add_option("token", asked->token, "As `token create` printed it")->required();
  verb->add_option("--name", asked->name, "Name of the relationship while it lasts");
  verb->add_option("--pool", asked->pool, "Pool here");
  verb->add_option("--group", asked->target_group, "Group here: a new one, or one that is there");
  verb->add_option("--mode", asked->mode, "What the call waits for: sync, async or adaptive");
  verb->add_flag("--no-wait", asked->no_wait, "Hand back the job at once");
}

}  // namespace lockstep::cli
