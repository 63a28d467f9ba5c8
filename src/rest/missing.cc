// What a URL names and is not there.
#include "rest/call.h"

namespace lockstep::rest {

namespace {

struct Kind {
  std::string_view collection, what;
};
// In the order in which a path is looked through: what lies deeper comes first.
constexpr Kind kinds[] = {
    {"Snapshots", "snapshot"}, {"Drills", "drill"},     {"RecoveryPoints", "group"},   {"Relationships", "relationship"}, {"Tokens", "token"},  {"Peers", "peer"},       {"Volumes", "volume"},
    {"ConsistencyGroups", "group"}, {"StoragePools", "pool"}, {"Tasks", "job"}, {"TaskMonitors", "job"}, {"Accounts", "account"}, {"Roles", "role"}, {"Sessions", "session"}, {"Registries", "registry"},
};

// The collection whose member the first id of the path is.
std::string_view kind_at(std::string_view path) {
  for (const Kind& kind : kinds)
    if (path.find("/" + std::string(kind.collection) + "/") != std::string_view::npos) return kind.what;
  return {};
}

}  // namespace

Reply no_such_object(const Call& call) {
  const std::string_view what = kind_at(call.request.path);
  if (what.empty() || call.ids.empty()) return no_such_resource(call.request.path);
  std::string name = name_of_id(call.ids[0]);
  std::string message = "there is no " + std::string(what) + " '" + name + "'";
  return base_error(404, "ResourceMissingAtURI", std::move(message), {call.request.path}, manage::where_listed(what));
}

}  // namespace lockstep::rest
