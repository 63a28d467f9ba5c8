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
    return app.exit(error) == 0 ? 0 : exit_usage;
  }
  if (!context.verb) {
    std::fputs(app.help("", CLI::AppFormatMode::All).c_str(), stderr);
    return exit_usage;
  }
  Result<> done = context.verb();
  if (done) return 0;
  std::fprintf(stderr, "lockstep: %s\n", done.error().message.c_str());
  return exit_code_of(done.error().code);
}

}  // namespace lockstep::cli
