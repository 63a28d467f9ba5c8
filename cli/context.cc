#include <CLI/CLI.hpp>

#include "cli/context.h"

namespace lockstep::cli {
namespace {

Code code_of(int status, std::uint32_t return_code) {
  constexpr std::uint32_t no_space = 40002, unreachable = 46001;
  if (return_code == unreachable) return Code::unreachable;
  if (return_code == no_space) return Code::no_space;
  return status == 404 ? Code::not_found : status == 401 || status == 403 ? Code::denied : Code::busy;
}

// The message; below it what to do next.
Error error_of(int status, const Json& body, const std::string& method, const std::string& path, Refused& refused) {
  refused = Refused{};
  std::string message = method + " " + path + ": status " + std::to_string(status), next = "See the log of the system.";
  if (body.contains("error")) {
    message = body["error"].value("message", message);
    for (const Json& info : body["error"].value("@Message.ExtendedInfo", Json::array())) {
      message = info.value("Message", message);
      next = info.value("Resolution", next);
      Json own = info.contains("Oem") ? info["Oem"].value("Lockstep", Json::object()) : Json::object();
      if (status != 404) refused.parameter = own.value("Parameter", "");   // with 404 it is the URL
      refused.return_code = own.value("ReturnCode", 0u);
      break;
    }
  }
  if (!refused.parameter.empty() && message.find(refused.parameter) == std::string::npos) message = refused.parameter + ": " + message;
  return Error{code_of(status, refused.return_code), message + "\n" + next};
}

}  // namespace

Result<Json> Context::call(const std::string& method, const std::string& path, const Json& body) {
  refused = Refused{};
  TRY(Response response, request(target, method, path, body.is_null() ? "" : body.dump()));
  last_status = response.status;
  Json answer = response.body.empty() ? Json() : Json::parse(response.body, nullptr, false);
  if (answer.is_discarded()) return fail(Code::unreachable, method + " " + path + ": the answer is not JSON; is this a Lockstep system?");
  if (response.status >= 400) return fail(error_of(response.status, answer, method, path, refused));
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

Told told(const Error& error) {
  const std::string& text = error.message;
  std::size_t at = text.find('\n');
  if (at != std::string::npos) return {text.substr(0, at), text.substr(at + 1)};
  at = text.rfind("; ");
  if (at == std::string::npos || at + 2 == text.size()) return {text, "`lockstep --help` shows what is offered."};
  std::string next = text.substr(at + 2);
  next.front() = static_cast<char>(std::toupper(static_cast<unsigned char>(next.front())));
  if (next.back() != '.' && next.back() != '?') next += '.';
  return {text.substr(0, at), std::move(next)};
}

CLI::App* add_verb(Context& context, CLI::App& noun, const std::string& name, const std::string& help, const std::string& example, std::function<Result<>()> run) {
  CLI::App* verb = noun.add_subcommand(name, help);
  verb->footer("Example:\n  lockstep " + example);
  verb->add_flag("--json", context.json, "Answer as JSON");
  verb->callback([&context, run = std::move(run)] { context.verb = run; });
  return verb;
}

}  // namespace lockstep::cli
