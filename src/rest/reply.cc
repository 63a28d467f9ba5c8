#include "rest/reply.h"

namespace lockstep::rest {

namespace {

json::object error_body(json::object message) {
  json::object error;
  error["code"] = message.at("MessageId");
  error["message"] = message.at("Message");
  error["@Message.ExtendedInfo"] = json::array{std::move(message)};
  json::object body;
  body["error"] = std::move(error);
  return body;
}

}  // namespace

Reply ok(json::object body) {
  Reply reply;
  reply.body = std::move(body);
  return reply;
}

Reply created(std::string location, json::object body) {
  Reply reply;
  reply.status = 201;
  reply.body = std::move(body);
  reply.fields.push_back({"Location", std::move(location)});
  return reply;
}

Reply no_content() {
  Reply reply;
  reply.status = 204;
  return reply;
}

std::string_view message_key_of(const manage::Refusal& refusal) noexcept {
  using manage::ReturnCode;
  if (refusal.kind == Code::exists) return "AlreadyExists";
  switch (refusal.code) {
    case ReturnCode::completed:
    case ReturnCode::job_started: return "Success";
    case ReturnCode::not_supported:
    case ReturnCode::property_not_supported: return "NotSupported";
    case ReturnCode::unspecified_error: return "InternalError";
    case ReturnCode::timeout: return "Timeout";
    case ReturnCode::failed: return "WrongState";
    case ReturnCode::invalid_parameter: return "InvalidParameter";
    case ReturnCode::not_found: return "NotFound";
    case ReturnCode::access_denied: return "AccessDenied";
    case ReturnCode::insufficient_resources: return "InsufficientResources";
    case ReturnCode::cache_out_of_date: return "ChangedMeanwhile";
    case ReturnCode::unreachable: return "Unreachable";
    case ReturnCode::contains_replicas: return "ContainsReplicas";
  }
  return "InternalError";
}

unsigned status_of(const manage::Refusal& refusal, Named named) noexcept {
  using manage::ReturnCode;
  if (refusal.kind == Code::exists) return 409;
  switch (refusal.code) {
    case ReturnCode::completed: return 200;
    case ReturnCode::job_started: return 202;
    case ReturnCode::not_supported:
    case ReturnCode::property_not_supported:
    case ReturnCode::invalid_parameter: return 400;
    case ReturnCode::unspecified_error: return 500;
    case ReturnCode::timeout: return 504;
    case ReturnCode::failed:
    case ReturnCode::contains_replicas: return 409;
    case ReturnCode::not_found: return named == Named::by_url ? 404 : 400;
    case ReturnCode::access_denied: return 403;
    case ReturnCode::insufficient_resources: return 507;
    case ReturnCode::cache_out_of_date:
    case ReturnCode::unreachable: return 503;
  }
  return 500;
}

json::object message_of(const manage::Refusal& refusal) {
  json::object message;
  message["@odata.type"] = "#Message.v1_1_2.Message";
  message["MessageId"] = "Lockstep.1.0." + std::string(message_key_of(refusal));
  message["Message"] = refusal.message;
  message["MessageArgs"] = json::array{json::value(refusal.parameter), json::value(refusal.message)};
  message["MessageSeverity"] = status_of(refusal, Named::by_body) >= 500 ? "Critical" : "Warning";
  message["Resolution"] = refusal.next_step.empty() ? "Correct the request and send it again." : refusal.next_step;
  json::object lockstep;
  lockstep["ReturnCode"] = static_cast<std::uint32_t>(refusal.code);
  lockstep["Parameter"] = refusal.parameter;
  message["Oem"] = json::object{{"Lockstep", std::move(lockstep)}};
  return message;
}

Reply refused(const manage::Refusal& refusal, Named named) {
  Reply reply;
  reply.status = status_of(refusal, named);
  reply.body = error_body(message_of(refusal));
  if (reply.status == 503) reply.fields.push_back({"Retry-After", "1"});
  return reply;
}

Reply base_error(unsigned status, std::string_view key, std::string text, std::vector<std::string> args, std::string_view resolution) {
  json::object message;
  message["@odata.type"] = "#Message.v1_1_2.Message";
  message["MessageId"] = "Base.1.22." + std::string(key);
  message["Message"] = std::move(text);
  json::array list;
  for (const std::string& arg : args) list.emplace_back(arg);
  message["MessageArgs"] = std::move(list);
  message["MessageSeverity"] = status >= 500 ? "Critical" : "Warning";
  message["Resolution"] = resolution.empty() ? "Correct the request and send it again." : resolution;
  json::object lockstep;
  std::uint32_t code = status == 401 || status == 403 ? 40001 : status == 404 ? 8 : status == 412 ? 40003 : status >= 500 ? 1 : 5;
  lockstep["ReturnCode"] = code;
  lockstep["Parameter"] = args.empty() ? "" : args.front();
  message["Oem"] = json::object{{"Lockstep", std::move(lockstep)}};
  Reply reply;
  reply.status = status;
  reply.body = error_body(std::move(message));
  return reply;
}

Reply no_such_resource(std::string_view path) {
  return base_error(404, "ResourceMissingAtURI", "there is nothing at " + std::string(path), {std::string(path)}, "Begin at /redfish/v1 and follow its links.");
}

}  // namespace lockstep::rest
