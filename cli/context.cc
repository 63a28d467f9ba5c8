#include <CLI/CLI.hpp>

#include "cli/context.h"

namespace lockstep::cli {
namespace {

// What people are told: the message, then what to do next.
Error error_of(int status, const Json& body, const std::string& method, const std::string& path) {
  Code code = status == 404 ? Code::not_found : status == 401 || status == 403 ? Code::denied : status == 503 ? Code::unreachable : Code::busy;
  std::string message = method + " " + path + ": status " + std::to_string(status), next;
  if (body.contains("error")) {
    message = body["error"].value("message", message);
    for (const Json& info : body["error"].value("@Message.ExtendedInfo", Json::array())) {
      message = info.value("Message", message);
      next = info.value("Resolution", "");
      if (info.contains("Oem")) {
        Json own = info["Oem"].value("Lockstep", Json::object());
        std::string parameter = own.value("Parameter", "");
        if (!parameter.empty() && message.find(parameter) == std::string::npos) message = parameter + ": " + message;
        if (own.contains("ReturnCode")) message += " (code " + own["ReturnCode"].dump() + ")";
      }
      break;
    }
  }
  return Error{code, next.empty() || next == "None." ? message : message + "\n" + next};
}

}  // namespace

Result<Json> Context::call(const std::string& method, const std::string& path, const Json& body) {
  TRY(Response response, request(target, method, path, body.is_null() ? "" : body.dump()));
  last_status = response.status;
  Json answer = response.body.empty() ? Json() : Json::parse(response.body, nullptr, false);
  if (answer.is_discarded()) return fail(Code::unreachable, method + " " + path + ": the answer is not JSON; is this a Lockstep system?");
  if (response.status >= 400) return fail(error_of(response.status, answer, method, path));
  return answer;
}

Result<std::vector<Json>> Context::members(const std::string& path) {
  TRY(Json collection, get(path + "?$expand=."));
  std::vector<Json> all;
  for (Json& member : collection["Members"]) all.push_back(std::move(member));
  return all;
}

std::string id_in_url(const std::string& name) {
  static constexpr std::string_view plain = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~:";
  std::string id;
  for (char c : name) {
    char in_url = c == '/' ? ':' : c;
    if (plain.find(in_url) != std::string_view::npos) id += in_url;
    else id += "%" + hex_of(as_span(std::string_view(&in_url, 1)));
  }
  return id;
}

CLI::App* add_verb(Context& context, CLI::App& noun, const std::string& name, const std::string& help, const std::string& example, std::function<Result<>()> run) {
  CLI::App* verb = noun.add_subcommand(name, help);
  verb->footer("Example:\n  lockstep " + example);
  verb->add_flag("--json", context.json, "Answer as JSON");
  verb->callback([&context, run = std::move(run)] { context.verb = run; });
  return verb;
}

}  // namespace lockstep::cli
