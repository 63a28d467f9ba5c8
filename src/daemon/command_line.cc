#include <CLI/CLI.hpp>
#include <iostream>

#include "daemon/settings.h"

namespace lockstep::daemon {

namespace {

struct Flags {
  std::optional<std::string> data, name, config, check, nbd_tls, certificate, key, io, memory, journal_budget, log_level, cim_listener_ca;
  std::vector<std::string> https, nbd, peer, cim, cim_http, advertise;
  std::optional<unsigned> workers, busy_poll;
};

void declare(CLI::App& app, Flags& flags) {
  app.add_option("--data", flags.data, "directory of this system; made when missing")->type_name("DIR");
  app.add_option("--name", flags.name, "name of this system; kept from the first start on")->type_name("NAME");
  app.add_option("--config", flags.config, "read settings from this file (TOML, keys as the flags); flags win")->type_name("FILE");
  app.add_option("--check-config", flags.check, "check that file, say what is wrong with it, and end")->type_name("FILE");
  app.add_option("--https", flags.https, "serve REST there; DATA/control.sock is served always")->type_name("ADDR");
  app.add_option("--nbd", flags.nbd, "serve NBD there; DATA/nbd.sock is served always")->type_name("ADDR");
  app.add_option("--nbd-tls", flags.nbd_tls, "TLS on TCP listeners of NBD (default require)")->check(CLI::IsMember({"off", "allow", "require"}));
  app.add_option("--peer", flags.peer, "listen for other systems there; DATA/peer.sock is served always")->type_name("ADDR");
  app.add_option("--advertise", flags.advertise, "address under which other systems reach this one, if it is not that of --peer")->type_name("ADDR");
  app.add_option("--cim", flags.cim, "serve CIM-XML over TLS there (port 5989 where ADDR has none)")->type_name("ADDR");
  app.add_option("--cim-http", flags.cim_http, "serve CIM-XML without TLS there (port 5988); passwords can be read on the way")->type_name("ADDR");
  app.add_option("--cim-listener-ca", flags.cim_listener_ca, "who signs the certificates of listeners for CIM indications (PEM); default: whom this machine trusts")->type_name("FILE");
  app.add_option("--certificate", flags.certificate, "certificate for HTTPS, NBD and CIM (PEM), instead of the one made at the first start")->type_name("FILE");
  app.add_option("--key", flags.key, "its key (PEM)")->type_name("FILE");
  app.add_option("--io", flags.io, "how to wait for the kernel (default auto)")->check(CLI::IsMember({"auto", "uring", "threads"}));
  app.add_option("--workers", flags.workers, "threads for what blocks")->check(CLI::Range(0u, 256u));
  app.add_option("--busy-poll", flags.busy_poll, "microseconds that an idle loop looks around before it sleeps (default 0)")->check(CLI::Range(0u, 10000u));
  app.add_option("--memory", flags.memory, "memory of each pool (default 512M)")->type_name("SIZE");
  app.add_option("--journal-budget", flags.journal_budget, "journal that each relationship may hold (default 4G)")->type_name("SIZE");
  app.add_option("--log-level", flags.log_level, "least that is logged (default info)")->check(CLI::IsMember({"debug", "info", "warn", "warning", "error"}));
  app.set_version_flag("--version", "lockstepd " LOCKSTEP_VERSION);
  app.footer("ADDR is host:port, [v6]:port or unix:PATH, and may be given several times.");
}

void addresses_into(std::vector<std::string>& faults, const char* flag, const std::vector<std::string>& texts, std::vector<os::Address>& into, std::uint16_t usual_port = 0) {
  if (texts.empty()) return;
  into.clear();
  for (const std::string& text : texts) {
    Result<os::Address> address = parse_listen(text, usual_port);
    if (address) into.push_back(*std::move(address));
    else faults.push_back(std::string(flag) + ": " + address.error().message);
  }
}

void size_into(std::vector<std::string>& faults, const char* flag, const std::optional<std::string>& text, Bytes& into) {
  if (!text) return;
  Result<Bytes> size = parse_size(*text);
  if (size) into = *size;
  else faults.push_back(std::string(flag) + ": " + size.error().message);
}

std::vector<std::string> apply(const Flags& flags, Settings& settings) {
  std::vector<std::string> faults;
  if (flags.data) settings.data = *flags.data;
  if (flags.name) settings.name = *flags.name;
  if (flags.certificate) settings.certificate = *flags.certificate;
  if (flags.key) settings.key = *flags.key;
  if (flags.cim_listener_ca) settings.cim_listener_ca = *flags.cim_listener_ca;
  if (flags.log_level) settings.log_level = *flags.log_level;
  if (flags.workers) settings.workers = *flags.workers;
  if (flags.busy_poll) settings.busy_poll = std::chrono::microseconds(*flags.busy_poll);
  if (flags.nbd_tls) settings.nbd_tls = *flags.nbd_tls == "off" ? nbd::TlsPolicy::off : *flags.nbd_tls == "allow" ? nbd::TlsPolicy::allow : nbd::TlsPolicy::require;
  if (flags.io) settings.io = *flags.io == "uring" ? IoChoice::uring : *flags.io == "threads" ? IoChoice::threads : IoChoice::automatic;
  addresses_into(faults, "--https", flags.https, settings.https);
  addresses_into(faults, "--nbd", flags.nbd, settings.nbd);
  addresses_into(faults, "--peer", flags.peer, settings.peer);
  addresses_into(faults, "--cim", flags.cim, settings.cim, cim_port);
  addresses_into(faults, "--cim-http", flags.cim_http, settings.cim_http, cim_http_port);
  addresses_into(faults, "--advertise", flags.advertise, settings.advertise);
  size_into(faults, "--memory", flags.memory, settings.memory);
  size_into(faults, "--journal-budget", flags.journal_budget, settings.journal_budget);
  if (settings.memory < 64_MiB) faults.push_back("--memory: a pool needs at least 64M");
  if (settings.data.empty()) faults.push_back("--data DIR is missing: where is this system to keep what it has?");
  if (settings.certificate.empty() != settings.key.empty()) faults.push_back("--certificate and --key go together");
  return faults;
}

}  // namespace

CommandLine parse_command_line(int argc, char** argv) {
  CommandLine out;
  CLI::App app("lockstepd: a storage system that replicates groups of block volumes", "lockstepd");
  Flags flags;
  declare(app, flags);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    out.exit_now = app.exit(error) == 0 ? 0 : 2;
    return out;
  }
  if (flags.check) {
    out.check_config = flags.check;
    return out;
  }
  std::vector<std::string> faults;
  if (flags.config) {
    Checked<> read = read_config_file(*flags.config, out.settings);
    if (!read) faults = read.error();
  }
  if (faults.empty()) faults = apply(flags, out.settings);
  for (const std::string& fault : faults) std::cerr << "lockstepd: " << fault << "\n";
  if (!faults.empty()) out.exit_now = 2;
  return out;
}

}  // namespace lockstep::daemon
