#include <CLI/CLI.hpp>
#include <iostream>

#include "cli/context.h"
#include "cli/text.h"

namespace lockstep::cli {
namespace {

const std::string accounts = "/redfish/v1/AccountService/Accounts";

struct Asked {
  std::string name, role;
  bool enable = false, disable = false, password = false;
};

Json user_of(const Json& resource) {
  return Json{{"name", resource.value("UserName", "")}, {"role", resource.value("RoleId", "")}, {"enabled", resource.value("Enabled", true)}};
}

// From standard input, so that no password stands in a command line.
Result<std::string> read_password() {
  std::string line;
  std::cerr << "Password (from standard input): " << std::flush;
  if (!std::getline(std::cin, line) || line.empty()) return fail(Code::invalid, "no password came; write it to standard input, one line");
  return line;
}

Result<> add(Context& context, const Asked& asked) {
  TRY(std::string password, read_password());
  TRY(Json made, context.post(accounts, Json{{"UserName", asked.name}, {"Password", password}, {"RoleId", asked.role}}));
  std::cout << (context.json ? user_of(made).dump(2) + "\n" : "user " + asked.name + " is " + asked.role + "\n");
  return {};
}

Result<> list(Context& context) {
  TRY(auto resources, context.members(accounts));
  Json all = Json::array();
  std::vector<std::vector<std::string>> rows{{"NAME", "ROLE", "ENABLED"}};
  for (const Json& resource : resources) {
    Json user = user_of(resource);
    rows.push_back({user["name"], user["role"], user["enabled"] ? "yes" : "no"});
    all.push_back(std::move(user));
  }
  std::cout << (context.json ? all.dump(2) + "\n" : table(rows));
  return {};
}

Result<> set(Context& context, const Asked& asked) {
  Json body = Json::object();
  if (!asked.role.empty()) body["RoleId"] = asked.role;
  if (asked.enable != asked.disable) body["Enabled"] = asked.enable;
  if (asked.password) {
    TRY(std::string password, read_password());
    body["Password"] = password;
  }
  if (body.empty()) return fail(Code::invalid, "user set: nothing to change is named; say --role, --enable, --disable or --password");
  TRY_VOID(context.patch(accounts + "/" + id_in_url(asked.name), body));
  std::cout << (context.json ? "{}\n" : "user " + asked.name + " is changed\n");
  return {};
}

Result<> remove(Context& context, const Asked& asked) {
  TRY_VOID(context.remove(accounts + "/" + id_in_url(asked.name)));
  std::cout << (context.json ? "{}\n" : "user " + asked.name + " is gone\n");
  return {};
}

}  // namespace

void add_user(CLI::App& app, Context& context) {
  auto asked = std::make_shared<Asked>();   // shared by the verbs of this noun, for the life of the parser
  CLI::App* noun = app.add_subcommand("user", "Accounts for REST and WBEM");
  noun->require_subcommand(1);
  auto roles = CLI::IsMember({"Administrator", "Operator", "ReadOnly"});
  auto* verb = add_verb(context, *noun, "add", "Make an account; its password is read from standard input", "user add anna --role Operator", [&context, asked] { return add(context, *asked); });
  verb->add_option("name", asked->name, "User")->required();
  verb->add_option("--role", asked->role, "Administrator, Operator or ReadOnly")->required()->check(roles);
  add_verb(context, *noun, "list", "All accounts", "user list", [&context] { return list(context); });
  verb = add_verb(context, *noun, "set", "Change an account", "user set anna --role ReadOnly", [&context, asked] { return set(context, *asked); });
  verb->add_option("name", asked->name, "User")->required();
  verb->add_option("--role", asked->role, "Administrator, Operator or ReadOnly")->check(roles);
  verb->add_flag("--enable", asked->enable, "Let in again");
  verb->add_flag("--disable", asked->disable, "Keep out");
  verb->add_flag("--password", asked->password, "Read a new password from standard input");
  add_verb(context, *noun, "remove", "Delete an account", "user remove anna", [&context, asked] { return remove(context, *asked); })->add_option("name", asked->name, "User")->required();
}

}  // namespace lockstep::cli
