#include "rest/call.h"

namespace lockstep::rest {

namespace {

constexpr std::string_view sessions_path = "/redfish/v1/SessionService/Sessions";

json::object session_body(const Sessions::Session& session) {
  json::object body;
  body["@odata.id"] = std::string(sessions_path) + "/" + session.id;
  body["@odata.type"] = "#Session.v1_7_0.Session";
  body["Id"] = session.id;
  body["Name"] = "Session of " + session.user;
  body["UserName"] = session.user;
  body["Password"] = nullptr;
  body["SessionType"] = "Redfish";
  body["CreatedTime"] = time_text(session.created);
  body["ClientOriginIPAddress"] = text_or_null(session.peer);
  return body;
}

bool may_see(const Call& call, const Sessions::Session& session) { return call.caller.role == manage::RoleName::administrator || session.user == call.caller.user; }

rt::Task<Reply> get_service(Call& call) {
  json::object body;
  body["@odata.id"] = "/redfish/v1/SessionService";
  body["@odata.type"] = "#SessionService.v1_1_9.SessionService";
  body["Id"] = "SessionService";
  body["Name"] = "Sessions";
  body["ServiceEnabled"] = true;
  body["SessionTimeout"] = std::chrono::duration_cast<std::chrono::seconds>(call.options.session_idle).count();
  body["Status"] = {{"State", "Enabled"}, {"Health", "OK"}};
  body["Sessions"] = link(std::string(sessions_path));
  co_return ok(std::move(body));
}

rt::Task<Reply> get_sessions(Call& call) {
  std::vector<json::object> members;
  for (const Sessions::Session& session : call.sessions.list())
    if (may_see(call, session)) members.push_back(session_body(session));
  co_return collection(call, "SessionCollection", "Sessions", std::string(sessions_path), std::move(members));
}

rt::Task<Reply> get_session(Call& call) {
  std::optional<Sessions::Session> session = call.sessions.find(call.ids[0]);
  if (!session || !may_see(call, *session)) co_return no_such_object(call);
  co_return ok(session_body(*session));
}

rt::Task<Reply> post_session(Call& call) {
  if (!call.request.secure) co_return base_error(403, "InsufficientPrivilege", "sessions are not made over a connection that others can read", {}, "Use HTTPS.");
  Body body(call.body);
  std::string user = body.required_text("UserName");
  std::string password = body.required_text("Password");
  if (auto fault = body.fault()) co_return std::move(*fault);
  manage::Answer<manage::Caller> known = co_await call.system.authenticate(user, password);
  if (!known) co_return base_error(401, "ResourceAtUriUnauthorized", known.error().message, {}, "Check user and password.");
  std::optional<Sessions::Session> session = call.sessions.add(known->user, call.request.peer);
  if (!session) co_return base_error(503, "SessionLimitExceeded", "there are too many sessions", {}, "End sessions that are not needed, or wait until they time out.");
  Reply reply = created(std::string(sessions_path) + "/" + session->id, session_body(*session));
  reply.fields.push_back({"X-Auth-Token", session->token});
  co_return reply;
}

rt::Task<Reply> delete_session(Call& call) {
  std::optional<Sessions::Session> session = call.sessions.find(call.ids[0]);
  if (!session || !may_see(call, *session)) co_return no_such_object(call);
  call.sessions.remove(session->id);
  co_return no_content();
}

constexpr Route routes[] = {
    {.pattern = "SessionService", .get = get_service},
    {.pattern = "SessionService/Sessions", .get = get_sessions, .post = post_session, .open_post = true},
    {.pattern = "SessionService/Sessions/*", .get = get_session, .remove = delete_session},
};

}  // namespace

std::span<const Route> session_routes() { return routes; }

}  // namespace lockstep::rest
