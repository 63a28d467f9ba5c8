#include "rest/rest.h"

#include <cstdio>
#include <utility>

#include "rest/call.h"

namespace lockstep::rest {

struct Service::State {
  manage::System& system;
  rt::Loop& loop;
  Options options;
  Sessions sessions;

  rt::Task<http::Response> answer(http::Request request);
  rt::Task<std::expected<manage::Caller, Reply>> caller_of(const http::Request* request);
  rt::Task<Reply> dispatch(Call* call, const Route* route);
  rt::Task<std::optional<Reply>> precondition(Call* call, const Route* route);
};

namespace {

std::string etag_of(const std::string& body) {
  char text[24];
  std::snprintf(text, sizeof text, "\"%016llx\"", static_cast<unsigned long long>(checksum_of(as_span(body)).value));
  return text;
}

bool names_etag(const std::string& field, const std::string& etag) { return field == "*" || field.find(etag) != std::string::npos; }

Reply unauthorized(std::string message) {
  Reply reply = base_error(401, "AccessUnauthorized", std::move(message), {}, "Give user and password, or the token of a session.");
  reply.fields.push_back({"WWW-Authenticate", "Basic realm=\"Lockstep\""});
  return reply;
}

// Query parameters that start with '$' and are not served must not be passed over.
std::optional<Reply> query_fault(const http::Request& request) {
  for (const auto& [key, value] : request.query)
    if (key.starts_with('$') && key != "$expand" && key != "$top" && key != "$skip")
      return base_error(501, "QueryParameterUnsupported", "query parameter " + key + " is not offered here", {key});
  return std::nullopt;
}

http::Response response_of(Reply reply, const Route* route, bool wants_etag, const http::Request& request) {
  if (reply.raw) {
    for (http::Field& field : reply.fields) reply.raw->fields.push_back(std::move(field));
    return std::move(*reply.raw);
  }
  http::Response response;
  response.status = reply.status;
  response.fields = std::move(reply.fields);
  response.set("OData-Version", "4.0");
  response.set("Cache-Control", "no-cache");
  if (const std::string* origin = request.field("Origin")) response.set("Access-Control-Allow-Origin", *origin);
  if (route) response.set("Allow", allowed_methods(*route));
  if (!reply.body.empty()) {
    if (const json::value* type = reply.body.if_contains("@odata.type"); type && type->is_string()) {
      std::string_view name = type->get_string();
      name.remove_prefix(name.starts_with('#') ? 1 : 0);
      std::string schema(name.substr(0, name.rfind('.')));
      std::string home = schema.starts_with("Lockstep") ? "/redfish/v1/JsonSchemas/" : "http://redfish.dmtf.org/schemas/v1/";
      response.set("Link", "<" + home + schema + ".json>; rel=describedby");
    }
    response.set("Content-Type", "application/json; charset=utf-8");
    response.body = text_of_json(reply.body) + "\n";
    if (wants_etag && reply.status == 200) {
      std::string etag = etag_of(response.body);
      if (const std::string* known = request.field("If-None-Match"); known && names_etag(*known, etag)) {
        response.status = 304;
        response.body.clear();
      }
      response.set("ETag", std::move(etag));
    }
  }
  return response;
}

}  // namespace

Service::Service(manage::System& system, rt::Loop& loop, Options options)
    : state_(new State{system, loop, options, Sessions(system, loop, options.session_idle, options.sessions_most)}) {}
Service::~Service() = default;

rt::Task<http::Response> Service::handle(http::Request request) { return state_->answer(std::move(request)); }

rt::Task<std::expected<manage::Caller, Reply>> Service::State::caller_of(const http::Request* request) {
  if (const std::string* token = request->field("X-Auth-Token")) {
    if (!request->secure) co_return std::unexpected(base_error(403, "InsufficientPrivilege", "tokens are not taken over a connection that others can read", {}, "Use HTTPS."));
    if (auto caller = sessions.caller_of(*token)) co_return *caller;
    co_return std::unexpected(unauthorized("the session is not there any more"));
  }
  if (const std::string* authorization = request->field("Authorization")) {
    if (!request->secure) co_return std::unexpected(base_error(403, "InsufficientPrivilege", "passwords are not taken over a connection that others can read", {}, "Use HTTPS."));
    std::optional<http::Credentials> given = http::basic_credentials(*authorization);
    if (!given) co_return std::unexpected(unauthorized("Authorization is not Basic with user and password"));
    manage::Answer<manage::Caller> known = co_await system.authenticate(given->user, given->password);
    if (!known) co_return std::unexpected(unauthorized(known.error().message));
    co_return *known;
  }
  if (request->uid && (*request->uid == 0 || *request->uid == options.own_uid)) {
    manage::Caller caller;
    caller.user = *request->uid == 0 ? "root" : "uid " + std::to_string(*request->uid);
    caller.role = manage::RoleName::administrator;
    co_return caller;
  }
  co_return std::unexpected(unauthorized("this needs credentials"));
}

rt::Task<http::Response> Service::State::answer(http::Request request) {
  bool reads = request.method == "GET" || request.method == "HEAD";
  if (request.segments.size() == 1 && request.segments[0] == "metrics") {
    auto caller = co_await caller_of(&request);
    if (!caller) co_return response_of(std::move(caller).error(), nullptr, false, request);
    http::Response response;
    if (!reads) {
      response.status = 405;
      response.set("Allow", "GET, HEAD");
      co_return response;
    }
    response.set("Content-Type", "text/plain; version=0.0.4; charset=utf-8");
    response.body = co_await system.metrics();
    co_return response;
  }
  if (request.segments.size() == 1 && request.segments[0] == "redfish" && reads) {
    json::object versions;
    versions["v1"] = "/redfish/v1/";
    co_return response_of(ok(std::move(versions)), nullptr, false, request);
  }
  Match match = find_route(request.segments);
  if (request.method == "POST" && !request.segments.empty() && request.segments.back() == "Members" && !(match.route && match.route->post)) {
    std::vector<std::string> shorter(request.segments.begin(), request.segments.end() - 1);   // the collection's other address
    match = find_route(shorter);
  }
  const Route* route = match.route;
  Call call{request, system, sessions, loop, options, {}, std::move(match.ids), {}, {}};
  bool open = route && ((reads && route->open) || (request.method == "POST" && route->open_post));
  if (!open) {
    auto caller = co_await caller_of(&request);
    if (!caller) co_return response_of(std::move(caller).error(), nullptr, false, request);
    call.caller = *std::move(caller);
  }
  if (!route) co_return response_of(no_such_resource(request.path), nullptr, false, request);
  Reply reply = co_await dispatch(&call, route);
  co_return response_of(std::move(reply), route, reads && route->get, request);
}

rt::Task<Reply> Service::State::dispatch(Call* call, const Route* route) {
  const http::Request& request = call->request;
  const std::string& method = request.method;
  Method run = method == "GET" || method == "HEAD" ? route->get : method == "POST" ? route->post : method == "PATCH" ? route->patch : method == "DELETE" ? route->remove : nullptr;
  if (method == "OPTIONS") co_return no_content();
  if (!run) co_return base_error(405, "OperationNotAllowed", method + " is not offered at " + request.path, {method}, "Use one of: " + allowed_methods(*route) + ".");
  if (auto fault = query_fault(request)) co_return std::move(*fault);
  if (const std::string* version = request.field("OData-Version"); version && *version != "4.0") co_return base_error(412, "PreconditionFailed", "OData-Version 4.0 is spoken here", {"OData-Version"});
  if (method == "POST" || method == "PATCH") {
    auto body = parse_body(request);
    if (!body) co_return std::move(body).error();
    call->body = *std::move(body);
    if (method == "PATCH") {
      bool any = false;
      for (const auto& property : call->body) any = any || !std::string_view(property.key()).starts_with('@');
      if (!any) co_return base_error(400, "NoOperation", "the body changes nothing");
    }
  }
  if (method == "PATCH" || method == "DELETE")
    if (auto fault = co_await precondition(call, route)) co_return std::move(*fault);
  co_return co_await run(*call);
}

rt::Task<std::optional<Reply>> Service::State::precondition(Call* call, const Route* route) {
  const std::string* wanted = call->request.field("If-Match");
  if (!wanted || !route->get) co_return std::nullopt;
  Reply present = co_await route->get(*call);
  if (present.status != 200) co_return std::optional<Reply>(std::move(present));
  std::string body = text_of_json(present.body) + "\n";
  if (names_etag(*wanted, etag_of(body))) co_return std::nullopt;
  co_return std::optional<Reply>(base_error(412, "PreconditionFailed", "the resource changed since it was read", {"If-Match"}, "Read it again, then repeat the request."));
}

}  // namespace lockstep::rest
