#include <CLI/CLI.hpp>
#include <chrono>
#include <iostream>

#include "cli/context.h"
#include "cli/task.h"
#include "cli/text.h"

namespace lockstep::cli {
namespace {

struct Asked {
  std::string name, snapshot, to, made, window, bytes;
  std::vector<std::string> volumes;
  bool dry_run = false, no_wait = false;
};

Json group_of(const Json& resource) {
  const Json own = resource["Oem"]["Lockstep"];
  Json group;
  group["name"] = resource.value("Name", "");
  group["pool"] = own.value("Pool", "");
  group["id"] = own.value("GroupId", "");
  group["role"] = own.value("Role", "");
  group["volumes"] = own.value("VolumeNames", Json::array());
  group["relationships"] = own.value("Relationships", Json::array());
  group["was_synchronized"] = own.value("WasSynchronized", false);
  group["rewind_window_seconds"] = own.value("RewindWindowSeconds", std::uint64_t{0});
  group["rewind_bytes"] = own.value("RewindBytes", std::uint64_t{0});
  return group;
}

std::string joined(const Json& names) {
  std::string text;
  for (const Json& name : names) text += (text.empty() ? "" : ", ") + name.get<std::string>();
  return text;
}

std::string url_of(const Asked& asked) { return storage + "/ConsistencyGroups/" + id_in_url(asked.name); }

std::string window_text(const Json& group) {
  auto seconds = group["rewind_window_seconds"].get<std::uint64_t>();
  auto bytes = group["rewind_bytes"].get<std::uint64_t>();
  if (seconds == 0) return "none";
  return seconds_text(static_cast<double>(seconds)) + (bytes == 0 ? "" : ", at most " + size_text(bytes));
}

Result<> print(Context& context, const Json& resource, const std::string& said) {
  std::cout << (context.json ? group_of(resource).dump(2) + "\n" : said + "\n");
  return {};
}

Result<> create(Context& context, const Asked& asked) {
  TRY(Json made, context.post(storage + "/ConsistencyGroups", Json{{"Name", asked.name}, {"Volumes", asked.volumes}}));
  return print(context, made, "group " + asked.name + ": one order for all writes to " + joined(group_of(made)["volumes"]));
}

Result<> change(Context& context, const Asked& asked, const std::string& action) {
  TRY_VOID(context.post(url_of(asked) + "/Actions/Oem/Lockstep." + action, Json{{"Volumes", asked.volumes}}));
  TRY(Json now, context.get(url_of(asked)));
  return print(context, now, "group " + asked.name + ": " + joined(group_of(now)["volumes"]));
}

Result<> list(Context& context) {
  TRY(auto resources, context.members(storage + "/ConsistencyGroups"));
  Json all = Json::array();
  std::vector<std::vector<std::string>> rows{{"NAME", "POOL", "ROLE", "VOLUMES", "RELATIONSHIPS"}};
  for (const Json& resource : resources) {
    Json group = group_of(resource);
    rows.push_back({group["name"], group["pool"], group["role"], joined(group["volumes"]), joined(group["relationships"])});
    all.push_back(std::move(group));
  }
  std::cout << (context.json ? all.dump(2) + "\n" : table(rows));
  return {};
}

Result<> show(Context& context, const Asked& asked) {
  TRY(Json resource, context.get(url_of(asked)));
  Json group = group_of(resource);
  return print(context, resource, table({{"group", group["name"]}, {"pool", group["pool"]}, {"role", group["role"]}, {"volumes", joined(group["volumes"])}, {"relationships", joined(group["relationships"])}, {"rewind window", window_text(group)}}));
}

Result<> remove(Context& context, const Asked& asked) {
  TRY_VOID(context.remove(url_of(asked)));
  std::cout << (context.json ? "{}\n" : "group " + asked.name + " is gone; its volumes stay\n");
  return {};
}

Result<> snapshot(Context& context, const Asked& asked) {
  auto before = std::chrono::steady_clock::now();
  TRY(Json made, context.post(oem + "/Snapshots", Json{{"Group", asked.name}, {"Name", asked.snapshot}}));
  double milliseconds = std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - before).count();
  Json answer;
  answer["name"] = asked.snapshot;
  answer["group"] = made.value("Group", asked.name);
  answer["id"] = made.value("SnapshotId", "");
  answer["time"] = made.value("Time", Json());
  answer["milliseconds"] = milliseconds;
  std::cout << (context.json ? answer.dump(2) + "\n" : "snapshot " + asked.snapshot + " of group " + asked.name + "\n");
  return {};
}

Result<> set(Context& context, const Asked& asked) {
  Json own = Json::object();
  if (!asked.window.empty()) {
    TRY(std::uint64_t seconds, parse_seconds(asked.window));
    own["RewindWindowSeconds"] = seconds;
  }
  if (!asked.bytes.empty()) {
    TRY(Bytes bytes, parse_size(asked.bytes));
    own["RewindBytes"] = bytes.value;
  }
  if (own.empty()) return fail(Code::invalid, "group set: nothing to change is named; say --rewind-window or --rewind-bytes");
  TRY(Json now, context.patch(url_of(asked), Json{{"Oem", {{"Lockstep", own}}}}));
  return print(context, now, "group " + asked.name + ": rewind window " + window_text(group_of(now)));
}

Result<> recovery_points(Context& context, const Asked& asked) {
  TRY(Json found, context.get(oem + "/RecoveryPoints/" + id_in_url(asked.name)));
  Json range = Json(nullptr);
  if (found["Range"].is_object()) {
    const Json& known = found["Range"];
    range = Json{{"from", known["From"]}, {"to", known["To"]}, {"from_position", known["FromPosition"]}, {"to_position", known["ToPosition"]}};
  }
  Json points = Json::array();
  std::vector<std::vector<std::string>> rows{{"TIME", "POSITION", "SNAPSHOT", "KEPT FOR"}};
  for (const Json& point : found["Points"]) {
    points.push_back(Json{{"time", point["Time"]}, {"position", point["Position"]}, {"name", point["Name"]}, {"held", point["Held"]}});
    rows.push_back({point["Time"].is_string() ? point["Time"].get<std::string>() : "", point["Position"], point["Name"], point["Held"].get<bool>() ? "rewind" : ""});
  }
  if (context.json) {
    Json all{{"group", found["Group"]}, {"pool", found["Pool"]}, {"rewind_window_seconds", found["RewindWindowSeconds"]}, {"rewind_bytes", found["RewindBytes"]}, {"held_bytes", found["HeldBytes"]}, {"range", range}, {"points", points}};
    std::cout << all.dump(2) << '\n';
    return {};
  }
  if (range.is_object())
    std::cout << "any point from " << range["from"].get<std::string>() << " (" << range["from_position"].get<std::string>() << ") to " << range["to"].get<std::string>() << " (" << range["to_position"].get<std::string>() << "), "
              << size_text(found["HeldBytes"]) << " kept\n";
  else std::cout << "no rewind window; only its snapshots\n";
  std::cout << table(rows);
  return {};
}

Result<> forecast(Context& context, const Json& found) {
  Json answer{{"time", found["Time"]}, {"position", found["Position"]}, {"snapshot", found["Snapshot"]}, {"snapshot_time", found["SnapshotTime"]}, {"replay_bytes", found["ReplayBytes"]}, {"records", found["Records"]}, {"volumes", found["Volumes"]}};
  if (context.json) {
    std::cout << answer.dump(2) << '\n';
    return {};
  }
  std::cout << "Would do (nothing was changed):\n  the state at " << answer["position"].get<std::string>() << ", last written " << (answer["time"].is_string() ? answer["time"].get<std::string>() : "at a time that is not known")
            << "\n  - clone snapshot " << answer["snapshot"].get<std::string>() << "\n  - replay " << answer["records"] << " records, " << size_text(answer["replay_bytes"]) << "\n  - as " << joined(answer["volumes"]) << '\n';
  return {};
}

Result<> rewind(Context& context, const Asked& asked) {
  Json body{{"To", asked.to}};
  if (!asked.made.empty()) body["Name"] = asked.made;
  if (asked.dry_run) body["DryRun"] = true;
  TRY(Json answer, context.post(url_of(asked) + "/Actions/Oem/Lockstep.Rewind", body));
  if (asked.dry_run) return forecast(context, answer);
  std::string made = answer.value("Group", "");
  if (context.last_status == 202) {
    if (asked.no_wait) {
      Json job = job_of(answer);
      std::cout << (context.json ? job.dump(2) + "\n" : "group " + asked.name + " is being opened by job " + job["id"].get<std::string>() + "\n");
      return {};
    }
    TRY(Json task, finish(context, answer, Waiting{}));
    made = job_of(task)["result"].get<std::string>();
  }
  TRY(Json now, context.get(storage + "/ConsistencyGroups/" + id_in_url(made)));
  return print(context, now, "group " + made + " holds what " + asked.name + " held at " + asked.to + ": " + joined(group_of(now)["volumes"]));
}

}  // namespace

void add_group(CLI::App& app, Context& context) {
  auto asked = std::make_shared<Asked>();   // shared by the verbs of this noun, for the life of the parser
  CLI::App* noun = app.add_subcommand("group", "Volumes whose writes keep one order");
  noun->require_subcommand(1);
  auto named = [asked](CLI::App* verb) {
    verb->add_option("group", asked->name, "NAME, or POOL/NAME")->required();
    return verb;
  };
  auto with_volumes = [asked](CLI::App* verb) { verb->add_option("volumes", asked->volumes, "POOL/NAME of each volume, in order")->required(); };
  with_volumes(named(add_verb(context, *noun, "create", "Make a group of volumes of one pool", "group create db fast/data fast/wal", [&context, asked] { return create(context, *asked); })));
  with_volumes(named(add_verb(context, *noun, "add", "Add volumes to a group", "group add db fast/more", [&context, asked] { return change(context, *asked, "AddMembers"); })));
  with_volumes(named(add_verb(context, *noun, "remove", "Take volumes out of a group", "group remove db fast/more", [&context, asked] { return change(context, *asked, "RemoveMembers"); })));
  add_verb(context, *noun, "list", "All groups", "group list", [&context] { return list(context); });
  named(add_verb(context, *noun, "show", "One group", "group show db", [&context, asked] { return show(context, *asked); }));
  named(add_verb(context, *noun, "delete", "Delete a group; its volumes stay", "group delete db", [&context, asked] { return remove(context, *asked); }));
  named(add_verb(context, *noun, "snapshot", "Take a snapshot of all volumes at one point", "group snapshot db --name monday", [&context, asked] { return snapshot(context, *asked); }))
      ->add_option("--name", asked->snapshot, "Name of the snapshot")->required();
  CLI::App* verb = named(add_verb(context, *noun, "set", "Keep a group's history for a while, so that any point of it can be opened", "group set db --rewind-window 2h --rewind-bytes 20G", [&context, asked] { return set(context, *asked); }));
  verb->add_option("--rewind-window", asked->window, "How long, like 2h; 0: not at all");
  verb->add_option("--rewind-bytes", asked->bytes, "At most so much, like 20G; 0: what the pool keeps for anybody (the window is shorter then)");
  named(add_verb(context, *noun, "recovery-points", "Which points of a group's history can be opened", "group recovery-points db", [&context, asked] { return recovery_points(context, *asked); }));
  verb = named(add_verb(context, *noun, "rewind", "Open a group as it was at a point of its history, as a group of new volumes beside it", "group rewind db --to \"10m ago\" --name db-before", [&context, asked] { return rewind(context, *asked); }));
  verb->add_option("--to", asked->to, "A time (2026-01-31T12:00:00Z), an age (10m ago), a position (@1a2b3c4d:77), or latest")->required();
  verb->add_option("--name", asked->made, "Name of the new group; its volumes are called NAME-VOLUME (default: made up)");
  verb->add_flag("--dry-run", asked->dry_run, "Say what would be done");
  verb->add_flag("--no-wait", asked->no_wait, "Hand back the job at once");
}

}  // namespace lockstep::cli
