#include "cli/cli.h"

#include <CLI/CLI.hpp>
#include <cstdio>
#include <cstdlib>

#include "cli/context.h"

namespace lockstep::cli {
namespace {

constexpr int exit_refused = 1, exit_usage = 2, exit_unreachable = 3;

std::string from_environment(const char* name, const char* otherwise) {
  const char* value = std::getenv(name);
  return value ? value : otherwise;
}

int exit_code_of(Code code) {
  switch (code) {
    case Code::unreachable: return exit_unreachable;
    case Code::invalid: return exit_usage;
    default: return exit_refused;
  }
}

// One shape for all that goes wrong, on standard error; standard output holds nothing but answers.
int give_up(const Error& error, const Refused& refused, bool json) {
  const int exit_code = exit_code_of(error.code);
  const Told words = told(error);
  if (json) {
    Json body{{"message", words.message}, {"next_step", words.next_step}, {"kind", name_of(error.code)}, {"return_code", refused.return_code ? Json(refused.return_code) : Json()},
              {"parameter", refused.parameter.empty() ? Json() : Json(refused.parameter)}, {"exit_code", exit_code}};
    std::fprintf(stderr, "%s\n", Json{{"error", std::move(body)}}.dump(2, ' ', false, Json::error_handler_t::replace).c_str());
    return exit_code;
  }
  const std::string code = refused.return_code ? " (code " + std::to_string(refused.return_code) + ")" : "";
  std::fprintf(stderr, "lockstep: %s%s\n%s\n", words.message.c_str(), code.c_str(), words.next_step.c_str());
  return exit_code;
}

// What the parser understood as far as it got: "lockstep replica".
Error usage_error(const CLI::App& app, const CLI::ParseError& error) {
  const CLI::App* at = &app;
  std::string path = "lockstep";
  for (auto below = at->get_subcommands(); !below.empty(); below = at->get_subcommands()) {
    at = below.front();
    path += " " + at->get_name();
  }
  std::string verbs;
  for (const CLI::App* verb : at->get_subcommands([](const CLI::App*) { return true; })) verbs += (verbs.empty() ? "" : ", ") + verb->get_name();
  if (verbs.empty()) return Error{Code::invalid, path + ": " + error.what() + "\n`" + path + " --help` shows how, with an example."};
  std::vector<std::string> rest = app.remaining(true);
  std::erase_if(rest, [](const std::string& word) { return word.starts_with("-"); });
  std::string what = rest.empty() ? "`" + path + "` does nothing by itself" : "`" + path + "` knows no '" + rest.front() + "'";
  return Error{Code::invalid, what + "\nIt knows: " + verbs + ". `" + path + " --help` says what each does."};
}

bool asks_for_json(int argc, char** argv) {
  for (int i = 1; i < argc; ++i)
    if (std::string_view(argv[i]) == "--json") return true;
  return false;
}

}  // namespace

int run(int argc, char** argv) {
  Context context;
  context.target.socket = from_environment("LOCKSTEP_SOCKET", "/var/lib/lockstep/control.sock");
  context.target.password = from_environment("LOCKSTEP_PASSWORD", "");

  CLI::App app("Keeps groups of volumes in step between storage systems.", "lockstep");
  app.set_version_flag("--version", std::string("lockstep ") + LOCKSTEP_VERSION);
  app.add_option("--socket", context.target.socket, "The system's DATA/control.sock (or LOCKSTEP_SOCKET)")->capture_default_str();
  app.add_option("--url", context.target.url, "https://HOST:PORT of a system, instead of --socket (or LOCKSTEP_URL)")->envname("LOCKSTEP_URL");
  app.add_option("--user", context.target.user, "Account, with --url (or LOCKSTEP_USER; password: LOCKSTEP_PASSWORD)")->envname("LOCKSTEP_USER");
  app.add_option("--ca", context.target.certificate, "PEM file of the certificate to trust, with --url: DATA/certificate.pem of that system");
  app.require_subcommand(1);
  app.footer("Exit codes: 0 done, 1 refused, 2 usage, 3 unreachable. `lockstep NOUN VERB --help` shows an example.");
  add_status(app, context);
  add_pool(app, context);
  add_volume(app, context);
  add_group(app, context);
  add_snapshot(app, context);
  add_peer(app, context);
  add_replica(app, context);
  add_token(app, context);
  add_job(app, context);
  add_event(app, context);
  add_user(app, context);
  add_config(app, context);

  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) return app.exit(error);   // help, version
    return give_up(usage_error(app, error), Refused{}, asks_for_json(argc, argv));
  }
  Result<> done = context.verb();
  return done ? 0 : give_up(done.error(), context.refused, context.json);
}

}  // namespace lockstep::cli
