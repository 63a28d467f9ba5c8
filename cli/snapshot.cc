#include <CLI/CLI.hpp>
#include <iostream>

#include "cli/context.h"
#include "cli/text.h"

namespace lockstep::cli {
namespace {

struct Asked {
  std::string group, name, prefix, keep_as;
};

Json snapshot_of(const Json& resource) {
  Json snapshot;
  snapshot["name"] = resource.value("Name", "");
  snapshot["group"] = resource.value("Group", "");
  snapshot["pool"] = resource.value("Pool", "");
  snapshot["time"] = resource.value("Time", Json());
  snapshot["volumes"] = resource.value("Volumes", Json::array());
  snapshot["position"] = resource.value("Position", "");
  snapshot["held"] = resource.value("Held", false);
  snapshot["purpose"] = resource.value("Purpose", Json());
  return snapshot;
}

// Snapshots are found by group and name; their URL also names the pool, which the group knows.
Result<std::string> url_of(Context& context, const Asked& asked) {
  TRY(Json group, context.get(storage + "/ConsistencyGroups/" + id_in_url(asked.group)));
  return oem + "/Snapshots/" + id_in_url(group["Oem"]["Lockstep"].value("Pool", "") + "/" + group.value("Name", "") + "/" + asked.name);
}

Result<> list(Context& context) {
  TRY(auto resources, context.members(oem + "/Snapshots"));
  Json all = Json::array();
  std::vector<std::vector<std::string>> rows{{"GROUP", "NAME", "TIME", "HELD FOR"}};
  for (const Json& resource : resources) {
    Json snapshot = snapshot_of(resource);
    auto text = [](const Json& value) { return value.is_string() ? value.get<std::string>() : std::string(); };
    rows.push_back({snapshot["group"], snapshot["name"], text(snapshot["time"]), snapshot["held"] ? text(snapshot["purpose"]) : ""});
    all.push_back(std::move(snapshot));
  }
  std::cout << (context.json ? all.dump(2) + "\n" : table(rows));
  return {};
}

Result<> clone(Context& context, const Asked& asked) {
  TRY(std::string url, url_of(context, asked));
  TRY(Json made, context.post(url + "/Actions/LockstepSnapshot.Clone", Json{{"Prefix", asked.prefix}}));
  if (context.json) {
    std::cout << Json{{"volumes", made.value("Volumes", Json::array())}}.dump(2) << '\n';
    return {};
  }
  for (const Json& volume : made.value("Volumes", Json::array())) std::cout << "volume " << volume.get<std::string>() << " starts as the snapshot's\n";
  return {};
}

Result<> revert(Context& context, const Asked& asked) {
  TRY(std::string url, url_of(context, asked));
  TRY(Json answer, context.post(url + "/Actions/LockstepSnapshot.Revert", Json{{"KeepAs", asked.keep_as}}));
  std::cout << (context.json ? answer.dump(2) + "\n" : "group " + asked.group + " is at snapshot " + asked.name + "; what it held is kept as snapshot " + asked.keep_as + "\n");
  return {};
}

Result<> remove(Context& context, const Asked& asked) {
  TRY(std::string url, url_of(context, asked));
  TRY_VOID(context.remove(url));
  std::cout << (context.json ? "{}\n" : "snapshot " + asked.name + " of group " + asked.group + " is gone\n");
  return {};
}

}  // namespace

void add_snapshot(CLI::App& app, Context& context) {
  auto asked = std::make_shared<Asked>();   // shared by the verbs of this noun, for the life of the parser
  CLI::App* noun = app.add_subcommand("snapshot", "Points in time of groups");
  noun->require_subcommand(1);
  auto named = [asked](CLI::App* verb) {
    verb->add_option("group", asked->group, "Group")->required();
    verb->add_option("name", asked->name, "Snapshot")->required();
    return verb;
  };
  add_verb(context, *noun, "list", "All snapshots", "snapshot list", [&context] { return list(context); });
  named(add_verb(context, *noun, "clone", "Writable volumes that start as a snapshot's", "snapshot clone db monday --prefix test-", [&context, asked] { return clone(context, *asked); }))
      ->add_option("--prefix", asked->prefix, "Put before each volume's name")->required();
  named(add_verb(context, *noun, "revert", "Put a group back to a snapshot; what it held is kept", "snapshot revert db monday --keep-as tuesday", [&context, asked] { return revert(context, *asked); }))
      ->add_option("--keep-as", asked->keep_as, "Name of the snapshot that keeps the present content")->required();
  named(add_verb(context, *noun, "delete", "Delete a snapshot", "snapshot delete db monday", [&context, asked] { return remove(context, *asked); }));
}

}  // namespace lockstep::cli
