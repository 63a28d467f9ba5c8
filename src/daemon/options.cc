#include "daemon/options.h"

#include <CLI/CLI.hpp>
#include <cstdio>

#include "os/os.h"

namespace lockstep::daemon {

Result<Bytes> parse_bytes(const std::string& text) {
  std::size_t end = 0;
  unsigned long long number = 0;
  while (end < text.size() && text[end] >= '0' && text[end] <= '9' && number < (1ull << 50)) number = number * 10 + static_cast<unsigned>(text[end++] - '0');
  std::string unit = text.substr(end);
  int shift = unit.empty() ? 0 : unit == "K" ? 10 : unit == "M" ? 20 : unit == "G" ? 30 : unit == "T" ? 40 : -1;
  if (end == 0 || shift < 0 || number >> (63 - shift)) return fail(Code::invalid, "'" + text + "' is not a size; write it like 512M or 8G");
  return Bytes{number << shift};
}

std::vector<std::string> check(const Options& options) {
  std::vector<std::string> wrong;
  auto address = [&](const char* key, const std::string& text) {
    if (auto parsed = os::parse_address(text); !parsed) wrong.push_back(std::string(key) + ": " + parsed.error().message);
  };
  auto word = [&](const char* key, const std::string& text, std::initializer_list<const char*> known) {
    std::string list;
    for (const char* one : known) {
      if (text == one) return;
      list += (list.empty() ? "" : ", ") + std::string(one);
    }
    wrong.push_back(std::string(key) + ": '" + text + "' is not one of " + list);
  };
  auto size = [&](const char* key, const std::string& text, Bytes least) {
    auto parsed = parse_bytes(text);
    if (!parsed) wrong.push_back(std::string(key) + ": " + parsed.error().message);
    else if (*parsed < least) wrong.push_back(std::string(key) + ": " + text + " is too little; at least " + std::to_string(least.value >> 20) + "M");
  };
  if (!options.https.empty()) address("https", options.https);
  for (const auto& one : options.nbd) address("nbd", one);
  for (const auto& one : options.peer) address("peer", one);
  for (const auto& one : options.advertise) address("advertise", one);
  word("nbd-tls", options.nbd_tls, {"off", "allow", "require"});
  word("io", options.io, {"auto", "uring", "threads"});
  word("log-level", options.log_level, {"debug", "info", "warn", "error"});
  size("memory", options.memory, 64_MiB);
  size("journal-budget", options.journal_budget, 1_MiB);
  return wrong;
}

namespace {

int check_file(const std::string& path) {
  Options options;
  std::vector<std::string> wrong = read_file(path, options);
  for (std::string& one : check(options)) wrong.push_back(std::move(one));
  for (const std::string& one : wrong) std::fprintf(stderr, "%s: %s\n", path.c_str(), one.c_str());
  if (wrong.empty()) std::printf("%s: nothing wrong\n", path.c_str());
  return wrong.empty() ? 0 : 1;
}

}  // namespace

Parsed parse(int argc, char** argv) {
  Parsed parsed;
  Options given;
  std::string config, to_check;
  CLI::App app("One Lockstep storage system: volumes over NBD, replicated in groups.", "lockstepd");
  app.set_version_flag("--version", std::string("lockstepd ") + LOCKSTEP_VERSION);
  auto* data = app.add_option("--data", given.data, "Folder of everything this system keeps; made when missing");
  auto* name = app.add_option("--name", given.name, "Name of the system, at its first start");
  app.add_option("--config", config, "TOML file with these same names");
  auto* https = app.add_option("--https", given.https, "ADDR of REST over HTTPS (ADDR: host:port or unix:PATH)");
  auto* nbd = app.add_option("--nbd", given.nbd, "ADDR of NBD beside DATA/nbd.sock; may be given again")->take_all();
  auto* nbd_tls = app.add_option("--nbd-tls", given.nbd_tls, "TLS on TCP addresses of NBD: off, allow or require")->capture_default_str();
  auto* peer = app.add_option("--peer", given.peer, "ADDR where other systems reach this one; may be given again")->take_all();
  auto* advertise = app.add_option("--advertise", given.advertise, "ADDR that invitations name (default: those of --peer)")->take_all();
  auto* io = app.add_option("--io", given.io, "auto, uring or threads")->capture_default_str();
  auto* memory = app.add_option("--memory", given.memory, "Memory of each pool, beyond the page cache")->capture_default_str();
  auto* budget = app.add_option("--journal-budget", given.journal_budget, "Journal kept for a target that is away, each")->capture_default_str();
  auto* level = app.add_option("--log-level", given.log_level, "debug, info, warn or error")->capture_default_str();
  app.add_option("--check-config", to_check, "Say what is wrong with a configuration file, and end");
  app.footer("Example:\n  lockstepd --data /var/lib/lockstep --name a --peer 0.0.0.0:7000 --advertise a.example:7000");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    parsed.exit_code = app.exit(error) == 0 ? 0 : 2;
    return parsed;
  }
  if (!to_check.empty()) {
    parsed.exit_code = check_file(to_check);
    return parsed;
  }
  Options& options = parsed.options;
  std::vector<std::string> wrong;
  if (!config.empty())
    for (std::string& one : read_file(config, options)) wrong.push_back(config + ": " + one);
  if (data->count()) options.data = given.data;
  if (name->count()) options.name = given.name;
  if (https->count()) options.https = given.https;
  if (nbd->count()) options.nbd = given.nbd;
  if (nbd_tls->count()) options.nbd_tls = given.nbd_tls;
  if (peer->count()) options.peer = given.peer;
  if (advertise->count()) options.advertise = given.advertise;
  if (io->count()) options.io = given.io;
  if (memory->count()) options.memory = given.memory;
  if (budget->count()) options.journal_budget = given.journal_budget;
  if (level->count()) options.log_level = given.log_level;
  if (options.data.empty()) wrong.push_back("--data is missing: the folder of everything this system keeps");
  for (std::string& one : check(options)) wrong.push_back(std::move(one));
  for (const std::string& one : wrong) std::fprintf(stderr, "lockstepd: %s\n", one.c_str());
  if (!wrong.empty()) parsed.exit_code = 2;
  return parsed;
}

}  // namespace lockstep::daemon
