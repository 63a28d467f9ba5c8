#include <CLI/CLI.hpp>
#include <iostream>

#include "cli/context.h"

namespace lockstep::cli {
namespace {

struct Asked {
  std::uint64_t after = 0;
  std::size_t most = 100;
};

Json event_of(const Json& resource) {
  Json event;
  event["number"] = resource.value("Number", 0);
  event["time"] = resource.value("Time", "");
  event["severity"] = resource.value("Severity", "");
  event["kind"] = resource.value("Kind", "");
  event["object_type"] = resource.value("ObjectType", "");
  event["object"] = resource.value("Object", "");
  event["before"] = resource.value("Before", "");
  event["after"] = resource.value("After", "");
  event["cause"] = resource.value("Cause", "");
  return event;
}

void print(const Context& context, const Json& event) {
  if (context.json) {
    std::cout << event.dump() << std::endl;   // a line each, at once: others read along
    return;
  }
  auto text = [&](const char* key) { return event[key].get<std::string>(); };
  std::cout << event["number"].dump() << "  " << text("time") << "  " << text("severity") << "  " << text("object_type") << " " << text("object") << "  " << text("kind");
  if (!text("before").empty() || !text("after").empty()) std::cout << ": " << text("before") << " -> " << text("after");
  if (!text("cause").empty()) std::cout << "  (" << text("cause") << ")";
  std::cout << std::endl;
}

Result<Json> fetch(Context& context, std::uint64_t after, std::size_t most, unsigned wait_seconds) {
  return context.get(oem + "/Events?after=" + std::to_string(after) + "&most=" + std::to_string(most) + "&wait=" + std::to_string(wait_seconds));
}

Result<> list(Context& context, const Asked& asked) {
  TRY(Json answer, fetch(context, asked.after, asked.most, 0));
  Json all = Json::array();
  for (const Json& resource : answer["Events"]) all.push_back(event_of(resource));
  if (context.json) std::cout << all.dump(2) << '\n';
  else
    for (const Json& event : all) print(context, event);
  return {};
}

Result<> follow(Context& context, const Asked& asked) {
  std::uint64_t after = asked.after;
  for (;;) {
    TRY(Json answer, fetch(context, after, 1000, 30));
    for (const Json& resource : answer["Events"]) {
      print(context, event_of(resource));
      after = std::max(after, resource.value("Number", after));
    }
  }
}

}  // namespace

void add_event(CLI::App& app, Context& context) {
  auto asked = std::make_shared<Asked>();   // shared by the verbs of this noun, for the life of the parser
  CLI::App* noun = app.add_subcommand("event", "What happened, in order");
  noun->require_subcommand(1);
  auto* verb = add_verb(context, *noun, "list", "Events that are kept", "event list --after 120", [&context, asked] { return list(context, *asked); });
  verb->add_option("--after", asked->after, "Only those with a greater number");
  verb->add_option("--most", asked->most, "How many")->capture_default_str();
  verb = add_verb(context, *noun, "follow", "Print events as they come, until interrupted", "event follow", [&context, asked] { return follow(context, *asked); });
  verb->add_option("--after", asked->after, "Begin after this number");
}

}  // namespace lockstep::cli
