#include <CLI/CLI.hpp>
#include <iostream>

#include "cli/context.h"
#include "cli/text.h"

namespace lockstep::cli {
namespace {

struct Asked {
  std::string name, token, valid = "1h";
};

Json peer_of(const Json& resource) {
  Json peer;
  peer["name"] = resource.value("Name", "");
  peer["id"] = resource.value("SystemId", "");
  peer["addresses"] = resource.value("Addresses", Json::array());
  peer["fingerprint"] = resource.value("Fingerprint", "");
  peer["reachable"] = resource.value("Reachable", false);
  peer["last_contact"] = resource.value("LastContact", Json());
  peer["cause"] = resource.value("Cause", Json());
  peer["pools"] = resource.value("Pools", Json::array());
  return peer;
}

Result<> invite(Context& context, const Asked& asked) {
  TRY(std::uint64_t seconds, parse_seconds(asked.valid));
  TRY(Json answer, context.post(oem + "/Actions/LockstepService.Invite", Json{{"ValidSeconds", seconds}}));
  std::string token = answer.value("Token", "");
  if (context.json) std::cout << Json{{"token", token}, {"valid_seconds", seconds}}.dump(2) << '\n';
  else std::cout << "On the other system, within " << seconds_text(static_cast<double>(seconds)) << ", run: lockstep peer join TOKEN\nThe token is good once:\n" << token << '\n';
  return {};
}

Result<> join(Context& context, const Asked& asked) {
  TRY(Json made, context.post(oem + "/Actions/LockstepService.Join", Json{{"Token", asked.token}}));
  Json peer = peer_of(made);
  std::cout << (context.json ? peer.dump(2) + "\n" : "system " + peer["name"].get<std::string>() + " is a peer; both certificates are pinned\n");
  return {};
}

Result<> list(Context& context) {
  TRY(auto resources, context.members(oem + "/Peers"));
  Json all = Json::array();
  std::vector<std::vector<std::string>> rows{{"NAME", "ADDRESS", "REACHABLE", "LAST CONTACT"}};
  for (const Json& resource : resources) {
    Json peer = peer_of(resource);
    std::string address = peer["addresses"].empty() ? "" : peer["addresses"][0].get<std::string>();
    rows.push_back({peer["name"], address, peer["reachable"] ? "yes" : "no", peer["last_contact"].is_string() ? peer["last_contact"].get<std::string>() : "never"});
    all.push_back(std::move(peer));
  }
  std::cout << (context.json ? all.dump(2) + "\n" : table(rows));
  return {};
}

Result<> show(Context& context, const Asked& asked) {
  TRY(Json resource, context.get(oem + "/Peers/" + id_in_url(asked.name)));
  Json peer = peer_of(resource);
  if (context.json) {
    std::cout << peer.dump(2) << '\n';
    return {};
  }
  std::vector<std::vector<std::string>> rows{{"peer", peer["name"]}, {"id", peer["id"]}, {"fingerprint", peer["fingerprint"]}, {"reachable", peer["reachable"] ? "yes" : "no"}};
  if (peer["cause"].is_string()) rows.push_back({"cause", peer["cause"]});
  for (const Json& address : peer["addresses"]) rows.push_back({"address", address});
  for (const Json& pool : peer["pools"]) rows.push_back({"pool", pool.value("Name", "") + ", " + size_text(pool.value("FreeBytes", std::uint64_t{0})) + " free"});
  std::cout << table(rows);
  return {};
}

Result<> remove(Context& context, const Asked& asked) {
  TRY_VOID(context.remove(oem + "/Peers/" + id_in_url(asked.name)));
  std::cout << (context.json ? "{}\n" : "system " + asked.name + " is no peer any more\n");
  return {};
}

}  // namespace

void add_peer(CLI::App& app, Context& context) {
  auto asked = std::make_shared<Asked>();   // shared by the verbs of this noun, for the life of the parser
  CLI::App* noun = app.add_subcommand("peer", "Other systems that may hold targets");
  noun->require_subcommand(1);
  add_verb(context, *noun, "invite", "Print a token that lets one other system join", "peer invite", [&context, asked] { return invite(context, *asked); })
      ->add_option("--valid", asked->valid, "How long the token is good, like 10m")->capture_default_str();
  add_verb(context, *noun, "join", "Become peers with the system that printed the token", "peer join eyJhZGRyZXNz...", [&context, asked] { return join(context, *asked); })
      ->add_option("token", asked->token, "What `peer invite` printed last")->required();
  add_verb(context, *noun, "list", "All peers", "peer list", [&context] { return list(context); });
  add_verb(context, *noun, "show", "One peer and its pools", "peer show b", [&context, asked] { return show(context, *asked); })->add_option("name", asked->name, "Peer")->required();
  add_verb(context, *noun, "remove", "Forget a peer", "peer remove b", [&context, asked] { return remove(context, *asked); })->add_option("name", asked->name, "Peer")->required();
}

}  // namespace lockstep::cli
