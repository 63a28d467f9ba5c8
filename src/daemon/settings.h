// Settings: what the command line and the configuration file say. The same keys in both; the command line wins.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/base.h"
#include "nbd/nbd.h"
#include "os/os.h"

namespace lockstep::daemon {

enum class IoChoice { automatic, uring, threads };

struct Settings {
  std::string data;                       // directory; the only thing that must be given
  std::string name;
  std::vector<os::Address> https;
  std::vector<os::Address> nbd;
  std::vector<os::Address> peer;
  std::vector<os::Address> cim;           // CIM-XML over TLS; port 5989 where none is given
  std::vector<os::Address> cim_http;      // and without; 5988
  std::string cim_listener_ca;            // file in PEM: who signs the certificates of listeners; empty: whom this machine trusts
  std::vector<os::Address> advertise;     // for peers, instead of what `peer` says
  nbd::TlsPolicy nbd_tls = nbd::TlsPolicy::require;   // on TCP listeners
  std::string certificate, key;           // files in PEM; empty: made at the first start
  IoChoice io = IoChoice::automatic;
  unsigned workers = 0;                   // threads for what blocks; 0: by the machine
  Duration busy_poll{0};
  Bytes memory = 512_MiB;                 // of each pool
  Bytes journal_budget = 4_GiB;           // of each relationship
  std::string log_level = "info";
};

// One line each: what was wrong, where, and what is right instead.
template <class T = void>
using Checked = std::expected<T, std::vector<std::string>>;

// Every key that `text` (TOML) has, into `settings`. `file` is for messages.
[[nodiscard]] Checked<> read_config(std::string_view text, const std::string& file, Settings& settings);
[[nodiscard]] Checked<> read_config_file(const std::string& file, Settings& settings);

struct CommandLine {
  Settings settings;
  std::optional<std::string> check_config;   // only that file is to be checked
  std::optional<int> exit_now;               // help or version were printed, or the flags are wrong: with this status
};
[[nodiscard]] CommandLine parse_command_line(int argc, char** argv);

inline constexpr std::uint16_t cim_port = 5989, cim_http_port = 5988;
// An address whose port may be left out where there is a usual one (not 0).
[[nodiscard]] Result<os::Address> parse_listen(std::string_view text, std::uint16_t usual_port);

// "512M", "8G", "4096"
[[nodiscard]] Result<Bytes> parse_size(std::string_view text);

}  // namespace lockstep::daemon
