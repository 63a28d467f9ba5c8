#include "rest/call.h"

namespace lockstep::rest {

namespace {

constexpr std::string_view accounts_path = "/redfish/v1/AccountService/Accounts";
constexpr std::string_view roles_path = "/redfish/v1/AccountService/Roles";

json::object account_body(const manage::Account& account) {
  json::object body;
  body["@odata.id"] = std::string(accounts_path) + "/" + http::percent_encoded(account.user);
  body["@odata.type"] = "#ManagerAccount.v1_12_0.ManagerAccount";
  body["Id"] = account.user;
  body["Name"] = account.user;
  body["UserName"] = account.user;
  body["Password"] = nullptr;
  body["RoleId"] = manage::name_of(account.role);
  body["Enabled"] = account.enabled;
  body["Locked"] = false;
  body["AccountTypes"] = json::array{"Redfish"};
  body["Links"] = {{"Role", link(std::string(roles_path) + "/" + std::string(manage::name_of(account.role)))}};
  return body;
}

json::object role_body(manage::RoleName role) {
  json::object body;
  body["@odata.id"] = std::string(roles_path) + "/" + std::string(manage::name_of(role));
  body["@odata.type"] = "#Role.v1_3_1.Role";
  body["Id"] = manage::name_of(role);
  body["Name"] = manage::name_of(role);
  body["RoleId"] = manage::name_of(role);
  body["IsPredefined"] = true;
  json::array privileges{"Login", "ConfigureSelf"};
  if (role >= manage::RoleName::operate) privileges.emplace_back("ConfigureComponents");
  if (role == manage::RoleName::administrator) {
    privileges.emplace_back("ConfigureManager");
    privileges.emplace_back("ConfigureUsers");
  }
  body["AssignedPrivileges"] = std::move(privileges);
  return body;
}

// Administrators see all, everybody else himself.
std::vector<manage::Account> visible(Call& call) {
  std::vector<manage::Account> out;
  for (manage::Account& account : call.system.accounts())
    if (call.caller.role == manage::RoleName::administrator || account.user == call.caller.user) out.push_back(std::move(account));
  return out;
}

std::optional<manage::Account> find(Call& call, const std::string& user) {
  for (manage::Account& account : visible(call))
    if (account.user == user) return std::move(account);
  return std::nullopt;
}

std::optional<manage::RoleName> role_in(Body& body) {
  std::optional<std::string> text = body.text("RoleId");
  if (!text) return std::nullopt;
  std::optional<manage::RoleName> role = manage::parse_role(*text);
  if (!role) body.refuse_value("RoleId", "RoleId '" + *text + "' is not one of Administrator, Operator, ReadOnly");
  return role;
}

rt::Task<Reply> get_service(Call&) {
  json::object body;
  body["@odata.id"] = "/redfish/v1/AccountService";
  body["@odata.type"] = "#AccountService.v1_15_0.AccountService";
  body["Id"] = "AccountService";
  body["Name"] = "Accounts";
  body["ServiceEnabled"] = true;
  body["MinPasswordLength"] = 8;
  body["MaxPasswordLength"] = 256;
  body["HTTPBasicAuth"] = "Enabled";
  body["Status"] = {{"State", "Enabled"}, {"Health", "OK"}};
  body["Accounts"] = link(std::string(accounts_path));
  body["Roles"] = link(std::string(roles_path));
  co_return ok(std::move(body));
}

rt::Task<Reply> get_accounts(Call& call) {
  std::vector<json::object> members;
  for (const manage::Account& account : visible(call)) members.push_back(account_body(account));
  co_return collection(call, "ManagerAccountCollection", "Accounts", std::string(accounts_path), std::move(members));
}

rt::Task<Reply> get_account(Call& call) {
  std::optional<manage::Account> account = find(call, call.ids[0]);
  if (!account) co_return no_such_object(call);
  co_return ok(account_body(*account));
}

rt::Task<Reply> post_account(Call& call) {
  Body body(call.body);
  std::string user = body.required_text("UserName");
  std::string password = body.required_text("Password");
  body.required_text("RoleId");
  std::optional<manage::RoleName> role = role_in(body);
  std::optional<bool> enabled = body.boolean("Enabled");
  if (auto fault = body.fault()) co_return std::move(*fault);
  manage::Answer<> made = co_await call.system.add_account(call.caller, user, password, role.value_or(manage::RoleName::read_only));
  if (!made) co_return refused(made.error());
  if (enabled && !*enabled) {
    manage::Answer<> done = co_await call.system.change_account(call.caller, user, std::nullopt, std::nullopt, enabled);
    if (!done) co_return refused(done.error());
  }
  std::optional<manage::Account> account = find(call, user);
  co_return created(std::string(accounts_path) + "/" + http::percent_encoded(user), account ? account_body(*account) : json::object{});
}

rt::Task<Reply> patch_account(Call& call) {
  Body body(call.body);
  std::optional<std::string> password = body.text("Password");
  std::optional<manage::RoleName> role = role_in(body);
  std::optional<bool> enabled = body.boolean("Enabled");
  for (std::string_view key : {"Id", "Name", "UserName", "AccountTypes"}) body.not_writable(key);
  if (auto fault = body.fault()) co_return std::move(*fault);
  manage::Answer<> done = co_await call.system.change_account(call.caller, call.ids[0], password, role, enabled);
  if (!done) co_return refused(done.error(), done.error().parameter == "UserName" ? Named::by_url : Named::by_body);
  std::optional<manage::Account> account = find(call, call.ids[0]);
  if (!account) co_return no_content();
  co_return ok(account_body(*account));
}

rt::Task<Reply> delete_account(Call& call) {
  manage::Answer<> done = co_await call.system.remove_account(call.caller, call.ids[0]);
  if (!done) co_return refused(done.error(), Named::by_url);
  co_return no_content();
}

rt::Task<Reply> get_roles(Call& call) {
  std::vector<json::object> members;
  for (manage::RoleName role : {manage::RoleName::administrator, manage::RoleName::operate, manage::RoleName::read_only}) members.push_back(role_body(role));
  co_return collection(call, "RoleCollection", "Roles", std::string(roles_path), std::move(members));
}

rt::Task<Reply> get_role(Call& call) {
  std::optional<manage::RoleName> role = manage::parse_role(call.ids[0]);
  if (!role) co_return no_such_object(call);
  co_return ok(role_body(*role));
}

constexpr Route routes[] = {
    {.pattern = "AccountService", .get = get_service},
    {.pattern = "AccountService/Accounts", .get = get_accounts, .post = post_account},
    {.pattern = "AccountService/Accounts/*", .get = get_account, .patch = patch_account, .remove = delete_account},
    {.pattern = "AccountService/Roles", .get = get_roles},
    {.pattern = "AccountService/Roles/*", .get = get_role},
};

}  // namespace

std::span<const Route> account_routes() { return routes; }

}  // namespace lockstep::rest
