#include <CLI/CLI.hpp>
#include <iostream>

#include "cli/context.h"
#include "cli/text.h"

namespace lockstep::cli {
namespace {

struct Asked {
  std::string name, path, rbd, capacity = "0";
};

Json pool_of(const Json& resource) {
  const Json own = resource["Oem"]["Lockstep"];
  const Json data = resource["Capacity"]["Data"];
  Json pool;
  pool["name"] = resource["Id"];
  pool["id"] = own.value("PoolId", "");
  pool["path"] = own.value("Path", "");
  pool["total_bytes"] = data.value("AllocatedBytes", std::uint64_t{0});
  pool["used_bytes"] = data.value("ConsumedBytes", std::uint64_t{0});
  pool["free_bytes"] = own.value("FreeBytes", std::uint64_t{0});
  pool["nearly_full"] = own.value("NearlyFull", false);
  pool["journal_bytes"] = own.value("JournalBytes", std::uint64_t{0});
  pool["overlay_bytes"] = own.value("OverlayBytes", std::uint64_t{0});
  pool["volumes"] = own.value("Volumes", Json(0));
  pool["groups"] = own.value("Groups", Json(0));
  pool["error"] = own.value("Error", Json());
  pool["damage"] = own.value("Damage", Json());
  return pool;
}

std::string state_of(const Json& pool) {
  if (pool["error"].is_string()) return "not open: " + pool["error"].get<std::string>();
  if (pool["damage"].is_string()) return "read-only: " + pool["damage"].get<std::string>();
  return pool["nearly_full"].get<bool>() ? "nearly full: no snapshots, clones and points in time are made" : "ok";
}

Result<> create(Context& context, const Asked& asked) {
  TRY(Bytes capacity, parse_size(asked.capacity));
  if (!asked.rbd.empty()) return fail(Code::invalid, "--rbd: Ceph pools are not offered by this version; give --path DIR");
  Json body;
  body["Name"] = asked.name;
  if (!asked.path.empty()) body["Oem"]["Lockstep"]["Path"] = asked.path;
  if (capacity.value) body["Oem"]["Lockstep"]["CapacityBytes"] = capacity.value;
  TRY(Json made, context.post(storage + "/StoragePools", body));
  if (context.json) std::cout << pool_of(made).dump(2) << '\n';
  else std::cout << "pool " << asked.name << " is ready\n";
  return {};
}

Result<> list(Context& context) {
  TRY(auto resources, context.members(storage + "/StoragePools"));
  Json all = Json::array();
  std::vector<std::vector<std::string>> rows{{"NAME", "USED", "TOTAL", "VOLUMES", "GROUPS", "STATE"}};
  for (const Json& resource : resources) {
    Json pool = pool_of(resource);
    rows.push_back({pool["name"], size_text(pool["used_bytes"]), size_text(pool["total_bytes"]), pool["volumes"].dump(), pool["groups"].dump(), state_of(pool)});
    all.push_back(std::move(pool));
  }
  std::cout << (context.json ? all.dump(2) + "\n" : table(rows));
  return {};
}

Result<> show(Context& context, const Asked& asked) {
  TRY(Json resource, context.get(storage + "/StoragePools/" + id_in_url(asked.name)));
  Json pool = pool_of(resource);
  if (context.json) {
    std::cout << pool.dump(2) << '\n';
    return {};
  }
  std::cout << table({{"pool", pool["name"]},
                      {"state", state_of(pool)},
                      {"path", pool["path"]},
                      {"used", size_text(pool["used_bytes"]) + " of " + size_text(pool["total_bytes"])},
                      {"free", size_text(pool["free_bytes"])},
                      {"journal", size_text(pool["journal_bytes"])},
                      {"in memory", size_text(pool["overlay_bytes"])},
                      {"volumes", pool["volumes"].dump()},
                      {"groups", pool["groups"].dump()}});
  return {};
}

Result<> remove(Context& context, const Asked& asked) {
  TRY_VOID(context.remove(storage + "/StoragePools/" + id_in_url(asked.name)));
  std::cout << (context.json ? "{}\n" : "pool " + asked.name + " is gone\n");
  return {};
}

}  // namespace

void add_pool(CLI::App& app, Context& context) {
  auto asked = std::make_shared<Asked>();   // shared by the verbs of this noun, for the life of the parser
  CLI::App* noun = app.add_subcommand("pool", "Capacity that volumes live in");
  noun->require_subcommand(1);
  auto* verb = add_verb(context, *noun, "create", "Make a pool in a directory, an image file or on a block device", "pool create fast --path /srv/lockstep/fast", [&context, asked] { return create(context, *asked); });
  verb->add_option("name", asked->name, "Name")->required();
  auto* path = verb->add_option("--path", asked->path, "Directory, made when missing (default: DATA/pools/NAME); or a block device or image file that is empty");
  verb->add_option("--rbd", asked->rbd, "Ceph pool")->excludes(path);
  verb->add_option("--capacity", asked->capacity, "Most that data may take, like 500G (default: all there is)");
  add_verb(context, *noun, "list", "All pools", "pool list", [&context] { return list(context); });
  verb = add_verb(context, *noun, "show", "One pool", "pool show fast", [&context, asked] { return show(context, *asked); });
  verb->add_option("name", asked->name, "Name")->required();
  verb = add_verb(context, *noun, "delete", "Delete an empty pool", "pool delete fast", [&context, asked] { return remove(context, *asked); });
  verb->add_option("name", asked->name, "Name")->required();
}

}  // namespace lockstep::cli
