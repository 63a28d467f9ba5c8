// Options: what lockstepd is told, by flags and by a TOML file with the same names. Flags win.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/base.h"

namespace lockstep::daemon {

struct Options {
  std::string data;                       // folder of everything this system keeps
  std::string name;                       // of the system, from its first start on
  std::string https;                      // ADDR of REST over HTTPS; empty: only the control socket
  std::vector<std::string> nbd;           // ADDRs of NBD beside DATA/nbd.sock
  std::string nbd_tls = "require";        // off | allow | require, on TCP addresses
  std::vector<std::string> peer;          // ADDRs where other systems reach this one, beside DATA/peer.sock
  std::vector<std::string> advertise;     // ADDRs that an invitation names; default: those of peer
  std::string io = "auto";                // auto | uring | threads
  std::string memory = "512M";            // each pool's, beyond the page cache
  std::string journal_budget = "4G";      // retained for a target that is away, each
  std::string log_level = "info";         // debug | info | warn | error
};

struct Parsed {
  Options options;
  std::optional<int> exit_code;           // help, version or usage: the program ends with it; everything is said already
};
[[nodiscard]] Parsed parse(int argc, char** argv);

// What is wrong with the file, a line each, naming the key. Empty: nothing.
[[nodiscard]] std::vector<std::string> read_file(const std::string& path, Options& into);
// What is wrong with values, wherever they came from.
[[nodiscard]] std::vector<std::string> check(const Options& options);

[[nodiscard]] Result<Bytes> parse_bytes(const std::string& text);   // 512M, 8G; powers of 1024

}  // namespace lockstep::daemon
