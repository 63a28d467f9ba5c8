#include <CLI/CLI.hpp>
#include <chrono>
#include <iostream>
#include <thread>

#include "cli/context.h"
#include "cli/text.h"

namespace lockstep::cli {
namespace {

std::string place(const Json& end) { return end["system"].get<std::string>() + ":" + end["pool"].get<std::string>() + "/" + end["group"].get<std::string>(); }

std::string lag_against_rpo(const Json& r) {
  std::string lag = r["lag_seconds"].is_number() ? seconds_text(r["lag_seconds"].get<double>()) : "?";
  std::string rpo = r["rpo_seconds"].is_number() ? seconds_text(r["rpo_seconds"].get<double>()) : "-";
  return lag + " / " + rpo + (r["rpo_exceeded"].get<bool>() ? " OVER" : "");
}

std::string copy_text(const Json& r) {
  if (r["copy_state"] != "Unsynchronized" || !r["percent_synced"].is_number()) return "";
  double percent = r["percent_synced"].get<double>();
  return bar(percent, 12) + " " + std::to_string(static_cast<int>(percent)) + " %";
}

std::string left_text(const Json& r) {
  bool behind = r["backlog_bytes"].is_number() && r["backlog_bytes"].get<double>() > 0;
  if (!behind) return "-";
  return r["seconds_left"].is_number() ? seconds_text(r["seconds_left"].get<double>()) : "?";
}

// "Adaptive (Asynchronous)", "Asynchronous, hosts paced"
std::string mode_text(const Json& r) {
  std::string text = r["mode"].get<std::string>();
  if (r["mode_in_force"].is_string() && r["mode_in_force"] != r["mode"]) text += " (" + r["mode_in_force"].get<std::string>() + ")";
  return text + (r["pacing"].get<bool>() ? ", hosts paced" : "");
}

Result<Json> gather(Context& context) {
  TRY(Json self, context.get(oem));
  TRY(auto pools, context.members(storage + "/StoragePools"));
  TRY(auto resources, context.members(oem + "/Relationships"));
  Json status;
  status["system"] = self.value("SystemName", "");
  status["version"] = self.value("Version", "");
  status["health"] = self.value("Health", Json());
  status["pools"] = Json::array();
  for (const Json& pool : pools) {
    const Json own = pool["Oem"]["Lockstep"];
    status["pools"].push_back(Json{{"name", pool["Id"]}, {"free_bytes", own.value("FreeBytes", std::uint64_t{0})}, {"nearly_full", own.value("NearlyFull", false)}, {"error", own.value("Error", Json())}, {"damage", own.value("Damage", Json())}});
  }
  status["relationships"] = Json::array();
  for (const Json& resource : resources) status["relationships"].push_back(relationship_of(resource));
  return status;
}

std::string picture(const Json& status) {
  std::string text = "system " + status["system"].get<std::string>() + (status["health"].is_string() ? ", " + status["health"].get<std::string>() : "") + "\n";
  for (const Json& pool : status["pools"]) {
    text += "pool " + pool["name"].get<std::string>() + ", " + size_text(pool["free_bytes"]) + " free";
    if (pool["error"].is_string()) text += "  NOT OPEN: " + pool["error"].get<std::string>();
    if (pool["damage"].is_string()) text += "  READ-ONLY: " + pool["damage"].get<std::string>();
    if (pool["nearly_full"].get<bool>()) text += "  NEARLY FULL: no snapshots, clones and points in time are made";
    text += "\n";
  }
  std::vector<std::vector<std::string>> rows{{"RELATIONSHIP", "DIRECTION", "STATE", "MODE (IN FORCE)", "LAG / RPO", "BACKLOG", "RATE", "ETA", "COPY"}};
  std::string causes;
  for (const Json& r : status["relationships"]) {
    rows.push_back({r["name"], place(r["source"]) + " -> " + place(r["target"]), r["copy_state"], mode_text(r), lag_against_rpo(r), size_text(r["backlog_bytes"]),
                    size_text(r["bytes_per_second"]) + "/s", left_text(r), copy_text(r)});
    if (r["cause"].is_string() && !r["cause"].get<std::string>().empty()) causes += "  " + r["name"].get<std::string>() + ": " + r["cause"].get<std::string>() + "\n";
    if (r["conflict"].is_string() && !r["conflict"].get<std::string>().empty()) causes += "  " + r["name"].get<std::string>() + ": CONFLICT: " + r["conflict"].get<std::string>() + "\n";
  }
  return text + "\n" + (rows.size() > 1 ? table(rows) : "no relationships: `lockstep replica create --help` shows how to make one\n") + causes;
}

// One relationship, with what it was told to keep to.
std::string portrait(const Json& r) {
  std::vector<std::vector<std::string>> rows{{r["name"], r["copy_state"]}};
  rows.push_back({"direction", place(r["source"]) + " -> " + place(r["target"])});
  rows.push_back({"mode (in force)", mode_text(r)});
  rows.push_back({"lag / RPO", lag_against_rpo(r)});
  rows.push_back({"backlog", size_text(r["backlog_bytes"])});
  rows.push_back({"rate", size_text(r["bytes_per_second"]) + "/s"});
  rows.push_back({"ETA", left_text(r)});
  std::string copy = copy_text(r);
  if (!copy.empty()) rows.push_back({"copy", copy});
  std::string schedule = r["limit_schedule"].is_string() ? r["limit_schedule"].get<std::string>() : "";
  std::uint64_t limit = r["limit_bytes_per_second"].is_number() ? r["limit_bytes_per_second"].get<std::uint64_t>() : 0;
  if (limit > 0 || !schedule.empty()) rows.push_back({"limit", (limit > 0 ? size_text(limit) + "/s" : "none") + (schedule.empty() ? "" : "; " + schedule + " (UTC)")});
  rows.push_back({"other system", r["reachable"].get<bool>() ? "reachable" : "out of reach"});
  for (const char* key : {"cause", "conflict"})
    if (r[key].is_string() && !r[key].get<std::string>().empty()) rows.push_back({key, r[key]});
  return table(rows);
}

Result<> draw(const std::string& text, bool clears) {
  std::cout << (clears ? "\033[H\033[2J" : "") << text << std::flush;
  return {};
}

Result<> show(Context& context, bool watch) {
  for (;;) {
    TRY(Json status, gather(context));
    std::string text = context.json ? status.dump(watch ? -1 : 2) + "\n" : picture(status);
    TRY_VOID(draw(text, watch && !context.json && to_terminal()));
    if (!watch) return {};
    std::this_thread::sleep_for(std::chrono::seconds(1));
  }
}

}  // namespace

Result<> watch_relationship(Context& context, const std::string& name) {
  for (;;) {
    TRY(Json resource, context.get(oem + "/Relationships/" + id_in_url(name)));
    Json r = relationship_of(resource);
    TRY_VOID(draw(context.json ? r.dump() + "\n" : portrait(r), !context.json && to_terminal()));
    std::this_thread::sleep_for(std::chrono::seconds(1));
  }
}

void add_status(CLI::App& app, Context& context) {
  auto watch = std::make_shared<bool>(false);
  auto* verb = add_verb(context, app, "status", "Everything that matters, in one look", "status --watch", [&context, watch] { return show(context, *watch); });
  verb->add_flag("--watch", *watch, "Redraw every second, until interrupted");
}

}  // namespace lockstep::cli
