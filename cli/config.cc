#include <sys/wait.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <array>
#include <cstdio>
#include <filesystem>
#include <iostream>

#include "cli/context.h"

namespace lockstep::cli {
namespace {

// What a program says on both its outputs, and its exit code; 127: it could not be run.
std::pair<int, std::string> output_of(const std::string& program, const char* option, const std::string& file) {
  std::array<int, 2> pipe_ends{};
  if (pipe(pipe_ends.data()) != 0) return {127, ""};
  pid_t child = fork();
  if (child == 0) {
    dup2(pipe_ends[1], STDOUT_FILENO);
    dup2(pipe_ends[1], STDERR_FILENO);
    execlp(program.c_str(), program.c_str(), option, file.c_str(), nullptr);
    _exit(127);
  }
  close(pipe_ends[1]);
  std::string said;
  std::array<char, 4096> some{};
  for (ssize_t got = 0; (got = read(pipe_ends[0], some.data(), some.size())) > 0;) said.append(some.data(), static_cast<std::size_t>(got));
  close(pipe_ends[0]);
  int status = 0;
  if (child < 0 || waitpid(child, &status, 0) != child || !WIFEXITED(status)) return {127, said};
  while (!said.empty() && said.back() == '\n') said.pop_back();
  return {WEXITSTATUS(status), said};
}

// The daemon knows its own configuration best: it is asked to check the file.
Result<> check(const Context& context, const std::string& file) {
  std::error_code error;
  auto daemon = std::filesystem::read_symlink("/proc/self/exe", error).parent_path() / "lockstepd";
  std::string program = std::filesystem::exists(daemon) ? daemon.string() : "lockstepd";
  auto [exit_code, said] = output_of(program, "--check-config", file);
  if (exit_code == 127) return fail(Code::not_found, program + " could not be run, and it checks its own configuration; install it beside this command");
  for (char& c : said)
    if (c == '\n') c = ' ';
  if (exit_code != 0) return fail(Code::corrupt, said + "\nCorrect the file; `lockstepd --help` lists what can be set.");
  std::cout << (context.json ? Json{{"file", file}, {"good", true}}.dump(2) : said.empty() ? file + " is good" : said) << '\n';
  return {};
}

}  // namespace

void add_config(CLI::App& app, Context& context) {
  auto file = std::make_shared<std::string>();
  CLI::App* noun = app.add_subcommand("config", "lockstepd's configuration file");
  noun->require_subcommand(1);
  add_verb(context, *noun, "check", "Say what is wrong with a configuration file", "config check /etc/lockstep/lockstepd.toml", [&context, file] { return check(context, *file); })
      ->add_option("file", *file, "TOML file")->required();
}

}  // namespace lockstep::cli
