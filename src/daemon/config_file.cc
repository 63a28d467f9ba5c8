// The configuration file: every key must be known and of its type; all that is wrong is said at once.
#include <functional>
#include <map>
#include <sstream>
#define TOML_EXCEPTIONS 0
#include <toml++/toml.h>

#include "daemon/options.h"

namespace lockstep::daemon {
namespace {

std::string take(const toml::node& node, std::string& into) {
  auto text = node.value_exact<std::string>();
  if (!text) return "expected text in quotes";
  into = *text;
  return {};
}

std::string take(const toml::node& node, std::vector<std::string>& into) {
  into.clear();
  if (auto one = node.value_exact<std::string>()) {
    into.push_back(*one);
    return {};
  }
  const toml::array* list = node.as_array();
  if (list == nullptr) return "expected text, or a list of texts";
  for (const toml::node& item : *list) {
    auto one = item.value_exact<std::string>();
    if (!one) return "expected a list of texts";
    into.push_back(*one);
  }
  return {};
}

}  // namespace

std::vector<std::string> read_file(const std::string& path, Options& into) {
  auto parsed = toml::parse_file(path);
  if (!parsed) {
    std::ostringstream said;
    said << parsed.error().description() << " at " << parsed.error().source().begin;
    return {said.str()};
  }
  const std::map<std::string_view, std::function<std::string(const toml::node&)>> keys{
      {"data", [&](const toml::node& n) { return take(n, into.data); }},
      {"name", [&](const toml::node& n) { return take(n, into.name); }},
      {"https", [&](const toml::node& n) { return take(n, into.https); }},
      {"nbd", [&](const toml::node& n) { return take(n, into.nbd); }},
      {"nbd-tls", [&](const toml::node& n) { return take(n, into.nbd_tls); }},
      {"peer", [&](const toml::node& n) { return take(n, into.peer); }},
      {"advertise", [&](const toml::node& n) { return take(n, into.advertise); }},
      {"io", [&](const toml::node& n) { return take(n, into.io); }},
      {"memory", [&](const toml::node& n) { return take(n, into.memory); }},
      {"journal-budget", [&](const toml::node& n) { return take(n, into.journal_budget); }},
      {"log-level", [&](const toml::node& n) { return take(n, into.log_level); }},
  };
  std::vector<std::string> wrong;
  for (const auto& [key, node] : parsed.table()) {
    auto known = keys.find(key.str());
    if (known == keys.end()) {
      std::string names;
      for (const auto& [name, read] : keys) names += (names.empty() ? "" : ", ") + std::string(name);
      wrong.push_back("unknown key '" + std::string(key.str()) + "'; known are " + names);
    } else if (std::string said = known->second(node); !said.empty()) {
      wrong.push_back(std::string(key.str()) + ": " + said);
    }
  }
  return wrong;
}

}  // namespace lockstep::daemon
