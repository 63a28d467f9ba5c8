#include <CLI/CLI.hpp>
#include <chrono>
#include <iostream>

#include "cli/context.h"
#include "cli/text.h"

namespace lockstep::cli {
namespace {

struct Asked {
  std::string name, snapshot;
  std::vector<std::string> volumes;
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
  return group;
}

std::string joined(const Json& names) {
  std::string text;
  for (const Json& name : names) text += (text.empty() ? "" : ", ") + name.get<std::string>();
  return text;
}

std::string url_of(const Asked& asked) { return storage + "/ConsistencyGroups/" + id_in_url(asked.name); }

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
  return print(context, resource, table({{"group", group["name"]}, {"pool", group["pool"]}, {"role", group["role"]}, {"volumes", joined(group["volumes"])}, {"relationships", joined(group["relationships"])}}));
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
}

}  // namespace lockstep::cli
