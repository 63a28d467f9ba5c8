// The configuration file: TOML, one key for each flag.
#include <toml++/toml.h>

#include <fstream>
#include <set>
#include <sstream>

#include "daemon/settings.h"

namespace lockstep::daemon {

namespace {

class ConfigReader {
 public:
  ConfigReader(const toml::table& table, const std::string& file) : table_(table), file_(file) {}

  void text(std::string_view key, std::string& into) {
    const toml::node* node = take(key);
    if (!node) return;
    if (auto value = node->value_exact<std::string>()) into = *value;
    else wrong(*node, key, "a text in quotes");
  }
  void addresses(std::string_view key, std::vector<os::Address>& into, std::uint16_t usual_port = 0) {
    const toml::node* node = take(key);
    if (!node) return;
    into.clear();
    const toml::array* list = node->as_array();
    if (!list) return address(*node, key, into, usual_port);
    for (const toml::node& item : *list) address(item, key, into, usual_port);
  }
  void size(std::string_view key, Bytes& into) {
    const toml::node* node = take(key);
    if (!node) return;
    if (auto number = node->value_exact<std::int64_t>(); number && *number > 0) into = Bytes{static_cast<std::uint64_t>(*number)};
    else if (auto text = node->value_exact<std::string>()) {
      Result<Bytes> parsed = parse_size(*text);
      if (parsed) into = *parsed;
      else wrong(*node, key, "a size: " + parsed.error().message);
    } else wrong(*node, key, "a size such as \"512M\"");
  }
  void number(std::string_view key, unsigned most, unsigned& into) {
    const toml::node* node = take(key);
    if (!node) return;
    auto value = node->value_exact<std::int64_t>();
    if (value && *value >= 0 && *value <= most) into = static_cast<unsigned>(*value);
    else wrong(*node, key, "a number from 0 to " + std::to_string(most));
  }
  template <class E>
  void word(std::string_view key, std::initializer_list<std::pair<std::string_view, E>> words, E& into) {
    const toml::node* node = take(key);
    if (!node) return;
    auto value = node->value_exact<std::string>();
    std::string known;
    for (const auto& [word, meaning] : words) {
      if (value && *value == word) {
        into = meaning;
        return;
      }
      known += (known.empty() ? "\"" : ", \"") + std::string(word) + "\"";
    }
    wrong(*node, key, "one of " + known);
  }
  std::vector<std::string> faults() {
    for (const auto& [key, node] : table_)
      if (!known_.contains(std::string(key.str()))) fault(node, "'" + std::string(key.str()) + "' is not known here; see lockstepd --help");
    return std::move(faults_);
  }

 private:
  const toml::node* take(std::string_view key) {
    known_.emplace(key);
    return table_.get(key);
  }
  void address(const toml::node& node, std::string_view key, std::vector<os::Address>& into, std::uint16_t usual_port) {
    auto value = node.value_exact<std::string>();
    if (!value) return wrong(node, key, "an address such as \"0.0.0.0:10809\" or \"unix:/run/x.sock\", or a list of them");
    Result<os::Address> parsed = parse_listen(*value, usual_port);
    if (parsed) into.push_back(*std::move(parsed));
    else wrong(node, key, "an address: " + parsed.error().message);
  }
  void wrong(const toml::node& node, std::string_view key, std::string wanted) { fault(node, "'" + std::string(key) + "' is to be " + std::move(wanted)); }
  void fault(const toml::node& node, std::string text) { faults_.push_back(file_ + ":" + std::to_string(node.source().begin.line) + ": " + std::move(text)); }

  const toml::table& table_;
  const std::string& file_;
  std::set<std::string> known_;
  std::vector<std::string> faults_;
};

}  // namespace

Checked<> read_config(std::string_view text, const std::string& file, Settings& settings) {
  toml::table table;
  try {
    table = toml::parse(text, file);
  } catch (const toml::parse_error& error) {
    return std::unexpected(std::vector{file + ":" + std::to_string(error.source().begin.line) + ": " + std::string(error.description())});
  }
  ConfigReader reader(table, file);
  reader.text("data", settings.data);
  reader.text("name", settings.name);
  reader.addresses("https", settings.https);
  reader.addresses("nbd", settings.nbd);
  reader.addresses("peer", settings.peer);
  reader.addresses("cim", settings.cim, cim_port);
  reader.addresses("cim-http", settings.cim_http, cim_http_port);
  reader.text("cim-listener-ca", settings.cim_listener_ca);
  reader.addresses("advertise", settings.advertise);
  reader.word<nbd::TlsPolicy>("nbd-tls", {{"off", nbd::TlsPolicy::off}, {"allow", nbd::TlsPolicy::allow}, {"require", nbd::TlsPolicy::require}}, settings.nbd_tls);
  reader.text("certificate", settings.certificate);
  reader.text("key", settings.key);
  reader.word<IoChoice>("io", {{"auto", IoChoice::automatic}, {"uring", IoChoice::uring}, {"threads", IoChoice::threads}}, settings.io);
  reader.number("workers", 256, settings.workers);
  unsigned busy_poll_us = 0;
  reader.number("busy-poll", 10000, busy_poll_us);
  if (busy_poll_us > 0) settings.busy_poll = std::chrono::microseconds(busy_poll_us);
  reader.size("memory", settings.memory);
  reader.size("journal-budget", settings.journal_budget);
  reader.word<std::string>("log-level", {{"debug", "debug"}, {"info", "info"}, {"warn", "warning"}, {"warning", "warning"}, {"error", "error"}}, settings.log_level);
  if (settings.certificate.empty() != settings.key.empty()) return std::unexpected(std::vector{file + ": 'certificate' and 'key' go together"});
  std::vector<std::string> faults = reader.faults();
  if (!faults.empty()) return std::unexpected(std::move(faults));
  return {};
}

Checked<> read_config_file(const std::string& file, Settings& settings) {
  std::ifstream in(file, std::ios::binary);
  std::ostringstream text;
  text << in.rdbuf();
  if (!in.is_open() || in.bad()) return std::unexpected(std::vector{file + ": cannot be read"});
  return read_config(text.str(), file, settings);
}

Result<os::Address> parse_listen(std::string_view text, std::uint16_t usual_port) {
  bool named = text.starts_with("unix:") || (text.find(':') != std::string_view::npos && !text.ends_with(']'));
  if (usual_port == 0 || named) return os::parse_address(text);
  return os::parse_address(std::string(text) + ":" + std::to_string(usual_port));
}

Result<Bytes> parse_size(std::string_view text) {
  std::uint64_t value = 0;
  std::size_t digits = 0;
  while (digits < text.size() && text[digits] >= '0' && text[digits] <= '9' && value < (std::uint64_t{1} << 50)) value = value * 10 + static_cast<unsigned>(text[digits++] - '0');
  std::string_view unit = text.substr(digits);
  if (unit.ends_with("iB")) unit.remove_suffix(2);
  else if (unit.ends_with("B")) unit.remove_suffix(1);
  int shift = unit.empty() ? 0 : unit == "K" || unit == "k" ? 10 : unit == "M" ? 20 : unit == "G" ? 30 : unit == "T" ? 40 : -1;
  if (digits == 0 || shift < 0 || value > (std::uint64_t{1} << (60 - shift))) return fail(Code::invalid, "'" + std::string(text) + "' is no size; write 512M or 8G");
  return Bytes{value << shift};
}

}  // namespace lockstep::daemon
