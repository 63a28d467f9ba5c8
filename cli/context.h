// Context: what every verb is handed: the connection, what was asked for, and how to answer.
#pragma once

#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "base/base.h"
#include "cli/client.h"

namespace CLI {
class App;
}

namespace lockstep::cli {

using Json = nlohmann::ordered_json;

// What the system said about the last call that it refused.
struct Refused {
  std::uint32_t return_code = 0;    // of the SM model; 0: it was not the system that refused
  std::string parameter;
};

struct Context {
  Target target;
  bool json = false;
  std::function<Result<>()> verb;   // set by the verb that was named

  // The answer's body. A refusal of the system becomes an Error whose message is for people.
  Result<Json> get(const std::string& path) { return call("GET", path, nullptr); }
  Result<Json> post(const std::string& path, const Json& body) { return call("POST", path, body); }
  Result<Json> patch(const std::string& path, const Json& body) { return call("PATCH", path, body); }
  Result<Json> remove(const std::string& path) { return call("DELETE", path, nullptr); }
  // The resources of a collection.
  Result<std::vector<Json>> members(const std::string& path);

  Result<Json> call(const std::string& method, const std::string& path, const Json& body);
  int last_status = 0;              // of the last call
  Refused refused;                  // by the last call
};

inline const std::string storage = "/redfish/v1/Storage/Lockstep";
inline const std::string oem = "/redfish/v1/Oem/Lockstep";

[[nodiscard]] std::string id_in_url(const std::string& name);             // "p/data" -> "p:data", escaped

// An error for people: what and why, then what to do. The two are apart by a line's end, or else by the last "; ".
struct Told {
  std::string message, next_step;
};
[[nodiscard]] Told told(const Error& error);

// Adds a verb with its help and an example; `run` is what it does.
CLI::App* add_verb(Context& context, CLI::App& noun, const std::string& name, const std::string& help, const std::string& example, std::function<Result<>()> run);

void add_pool(CLI::App& app, Context& context);
void add_volume(CLI::App& app, Context& context);
void add_group(CLI::App& app, Context& context);
void add_snapshot(CLI::App& app, Context& context);
void add_peer(CLI::App& app, Context& context);
void add_replica(CLI::App& app, Context& context);
void add_verify(CLI::App& noun, Context& context);   // a verb of replica
void add_token(CLI::App& app, Context& context);
void add_job(CLI::App& app, Context& context);
void add_event(CLI::App& app, Context& context);
void add_status(CLI::App& app, Context& context);
void add_user(CLI::App& app, Context& context);
void add_config(CLI::App& app, Context& context);

// Shows it until interrupted.
[[nodiscard]] Result<> watch_relationship(Context& context, const std::string& name);

// A relationship as this command shows it.
[[nodiscard]] Json relationship_of(const Json& resource);
[[nodiscard]] Json verification_of(const Json& verification);   // null: there was none

}  // namespace lockstep::cli
