#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <filesystem>

#include "cli/context.h"

namespace lockstep::cli {
namespace {

// The daemon knows its own configuration best: it is asked to check the file and ends.
Result<> check(const std::string& file) {
  std::error_code error;
  auto daemon = std::filesystem::read_symlink("/proc/self/exe", error).parent_path() / "lockstepd";
  std::string program = std::filesystem::exists(daemon) ? daemon.string() : "lockstepd";
  execlp(program.c_str(), program.c_str(), "--check-config", file.c_str(), nullptr);
  return fail(Code::not_found, program + " could not be run; it checks its own configuration");
}

}  // namespace

void add_config(CLI::App& app, Context& context) {
  auto file = std::make_shared<std::string>();
  CLI::App* noun = app.add_subcommand("config", "lockstepd's configuration file");
  noun->require_subcommand(1);
  add_verb(context, *noun, "check", "Say what is wrong with a configuration file", "config check /etc/lockstep/lockstepd.toml", [file] { return check(*file); })
      ->add_option("file", *file, "TOML file")->required();
}

}  // namespace lockstep::cli
