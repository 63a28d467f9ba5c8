// Call: one request on its way to one resource; Route: which resource is where. Private to rest.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "manage/manage.h"
#include "rest/body.h"
#include "rest/names.h"
#include "rest/reply.h"
#include "rest/rest.h"
#include "rest/sessions.h"

namespace lockstep::rest {

struct Call {
  const http::Request& request;
  manage::System& system;
  Sessions& sessions;
  rt::Loop& loop;
  const Options& options;
  manage::Caller caller;
  std::vector<std::string> ids;      // what stands for each "*" of the pattern, decoded
  json::object body;
  Names names;                       // empty until read
};

using Method = rt::Task<Reply> (*)(Call& call);

// A pattern's segments below /redfish/v1; "*" is an id.
struct Route {
  std::string_view pattern;
  Method get = nullptr;
  Method post = nullptr;
  Method patch = nullptr;
  Method remove = nullptr;
  bool open = false;                  // GET without credentials
  bool open_post = false;             // POST without credentials: making a session
  bool hide_post = false;             // POST works and is not listed in Allow: the schema says that the collection is not insertable
};

// In one table: routes.cc.
[[nodiscard]] std::span<const Route> host_routes();
[[nodiscard]] std::span<const Route> root_routes();
[[nodiscard]] std::span<const Route> storage_routes();
[[nodiscard]] std::span<const Route> pool_routes();
[[nodiscard]] std::span<const Route> volume_routes();
[[nodiscard]] std::span<const Route> group_routes();
[[nodiscard]] std::span<const Route> replica_action_routes();
[[nodiscard]] std::span<const Route> snapshot_routes();
[[nodiscard]] std::span<const Route> recovery_routes();
[[nodiscard]] std::span<const Route> relationship_routes();
[[nodiscard]] std::span<const Route> token_routes();
[[nodiscard]] std::span<const Route> peer_routes();
[[nodiscard]] std::span<const Route> account_routes();
[[nodiscard]] std::span<const Route> session_routes();
[[nodiscard]] std::span<const Route> task_routes();
[[nodiscard]] std::span<const Route> event_routes();
[[nodiscard]] std::span<const Route> registry_routes();

struct Match {
  const Route* route = nullptr;       // none: nothing there
  std::vector<std::string> ids;
};
[[nodiscard]] Match find_route(const std::vector<std::string>& segments);   // of the whole path
[[nodiscard]] std::string allowed_methods(const Route& route);

// A collection out of whole members: links to them, or, with $expand, themselves; $top and $skip cut it.
[[nodiscard]] Reply collection(const Call& call, std::string_view type, std::string_view name, std::string path, std::vector<json::object> members);

// What the URL names is not there: 404, with its kind and name, and where those that are there are listed.
[[nodiscard]] Reply no_such_object(const Call& call);

[[nodiscard]] json::object drill_body(const manage::Drill& drill);

// The seconds of ?wait=, at most 60.
[[nodiscard]] Duration wait_of(const http::Request& request);

// 202 with the task, 201 or what `done` says when there is no job.
[[nodiscard]] Reply outcome_reply(Call& call, const manage::Outcome& outcome, Reply done);

}  // namespace lockstep::rest
