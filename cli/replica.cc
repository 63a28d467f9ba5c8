#include <CLI/CLI.hpp>
#include <iostream>

#include "cli/context.h"
#include "cli/task.h"
#include "cli/text.h"

namespace lockstep::cli {
namespace {

struct Asked {
  std::string name, group, type, to, pool, target_group, mode, rpo, policy, action, limit, schedule, compress, bound, budget, user, supplier, thin;
  std::vector<std::string> volumes, target_volumes;
  bool dry_run = false, no_wait = false, seeded = false;
};

const std::string relationships = oem + "/Relationships";

std::string url_of(const Asked& asked) { return relationships + "/" + id_in_url(asked.name); }

// "sync" -> "Synchronous"; what is not known goes out as it is: the system refuses it and says what it knows.
std::string model_name(const std::string& word) {
  static const std::vector<std::pair<std::string, std::string>> names{{"mirror", "Mirror"}, {"snapshot", "Snapshot"}, {"clone", "Clone"}, {"tokenized-clone", "TokenizedClone"}, {"sync", "Synchronous"},
                                                                      {"async", "Asynchronous"}, {"adaptive", "Adaptive"}, {"continue", "Continue"}, {"stop", "Stop"}, {"alert", "Alert"}, {"pace", "Pace"}};
  for (const auto& [ours, theirs] : names)
    if (word == ours) return theirs;
  return word;
}

// A number stays a number, so that the model's own numbers can be given too.
Json word_or_number(const std::string& word) {
  bool number = !word.empty() && word.find_first_not_of("0123456789") == std::string::npos;
  return number ? Json(std::stoull(word.substr(0, 18))) : Json(model_name(word));
}

Result<> settings(const Asked& asked, Json& body, const char* rpo_key) {
  if (!asked.mode.empty()) body["Mode"] = word_or_number(asked.mode);
  if (!asked.rpo.empty()) {
    TRY(std::uint64_t seconds, parse_seconds(asked.rpo));
    body[rpo_key] = seconds;
  }
  if (!asked.policy.empty()) body["OnLinkLoss"] = model_name(asked.policy);
  if (!asked.action.empty()) body["OnRecoveryPointExceeded"] = model_name(asked.action);
  if (!asked.limit.empty()) {
    TRY(Bytes limit, parse_size(asked.limit));
    body["LimitBytesPerSecond"] = limit.value;
  }
  if (!asked.schedule.empty()) body["LimitSchedule"] = asked.schedule == "none" ? "" : asked.schedule;
  if (!asked.compress.empty()) {
    if (asked.compress != "on" && asked.compress != "off") return fail(Code::invalid, "--compress: '" + asked.compress + "' is neither; say on or off");
    body["Compress"] = asked.compress == "on";
  }
  if (!asked.bound.empty()) {
    TRY(std::uint64_t ms, parse_milliseconds(asked.bound));
    body["AdaptiveBoundMilliseconds"] = ms;
  }
  return {};
}

std::string to_send(const Json& forecast) {
  if (!forecast["bytes"].is_null()) return size_text(forecast["bytes"]) + " to send";
  const Json& most = forecast["bytes_at_most"];
  return "how much to send is not known" + (most.is_null() ? std::string() : ": the ends will be compared, at most " + size_text(most));
}

Result<> print_forecast(const Context& context, const Json& forecast) {
  auto figure = [&forecast](const char* name) { return forecast.value(name, Json()); };   // null: not known
  Json answer{{"direction", forecast.value("Direction", "")}, {"bytes", figure("Bytes")}, {"bytes_at_most", figure("BytesAtMost")}, {"overwritten_bytes", figure("OverwrittenBytes")},
              {"steps", forecast.value("Steps", Json::array())}, {"warnings", forecast.value("Warnings", Json::array())}};
  if (context.json) {
    std::cout << answer.dump(2) << '\n';
    return {};
  }
  std::cout << "Would do (nothing was changed):\n  " << answer["direction"].get<std::string>() << ", " << to_send(answer);
  const Json& overwritten = answer["overwritten_bytes"];
  if (overwritten.is_null()) std::cout << "; what is overwritten is kept as a snapshot";
  else if (overwritten != 0) std::cout << ", " << size_text(overwritten) << " overwritten (kept as a snapshot)";
  std::cout << '\n';
  for (const Json& step : answer["steps"]) std::cout << "  - " << step.get<std::string>() << '\n';
  for (const Json& warning : answer["warnings"]) std::cout << "  ! " << warning.get<std::string>() << '\n';
  return {};
}

Result<> print_now(Context& context, const std::string& name, const std::string& said) {
  auto resource = context.get(relationships + "/" + id_in_url(name));
  if (!resource && resource.error().code == Code::not_found) {   // clones end by themselves
    std::cout << (context.json ? "{}\n" : said + "\n");
    return {};
  }
  TRY(Json found, std::move(resource));
  Json now = relationship_of(found);
  std::cout << (context.json ? now.dump(2) + "\n" : said + "; it is " + now["copy_state"].get<std::string>() + "\n");
  return {};
}

Result<> journal_budget(const Asked& asked, Json& body) {
  if (asked.budget.empty()) return {};
  TRY(Bytes bytes, parse_size(asked.budget));
  body["JournalBudgetBytes"] = bytes.value;
  return {};
}

Result<> create(Context& context, const Asked& asked) {
  Json body;
  if (asked.volumes.empty()) {
    body["Group"] = asked.group;
  } else {
    body["Volumes"] = asked.volumes;
    body["GroupName"] = asked.group;
  }
  if (!asked.target_volumes.empty()) body["TargetVolumes"] = asked.target_volumes;
  body["SyncType"] = word_or_number(asked.type);
  if (!asked.name.empty()) body["RelationshipName"] = asked.name;
  if (!asked.to.empty()) body["TargetStorageSystem"] = asked.to;
  if (!asked.pool.empty()) body["TargetStoragePool"] = asked.pool;
  if (!asked.target_group.empty()) body["TargetGroup"] = asked.target_group;
  if (asked.seeded) body["Seeded"] = true;
  if (!asked.user.empty()) {
    body["UserName"] = asked.user;
    body["Password"] = context.target.password;
  }
  if (!asked.supplier.empty()) body["ReplicationSettings"]["TargetElementSupplier"] = word_or_number(asked.supplier);
  if (!asked.thin.empty()) body["ReplicationSettings"]["ThinProvisioningPolicy"] = word_or_number(asked.thin);
  TRY_VOID(settings(asked, body, "RecoveryPointObjective"));
  TRY_VOID(journal_budget(asked, body));
  if (asked.dry_run) {
    body["DryRun"] = true;
    TRY(Json forecast, context.post(relationships, body));
    return print_forecast(context, forecast);
  }
  TRY(Json answer, context.post(relationships + "?wait=1", body));   // longer than that is watched as a job
  std::string name = answer.is_object() ? answer.value("Name", "") : asked.name;
  if (context.last_status == 202) {
    Json job = job_of(answer);
    name = job["object"].get<std::string>();
    if (asked.no_wait) {
      std::cout << (context.json ? job.dump(2) + "\n" : "relationship " + name + " is being made by job " + job["id"].get<std::string>() + "\n");
      return {};
    }
    TRY_VOID(finish(context, answer, Waiting{}));
  }
  bool mirror = model_name(asked.type) == "Mirror" || asked.type == "6";
  return print_now(context, name, mirror ? "relationship " + name + " keeps " + asked.group + " in step" : asked.type + " of " + asked.group + " is complete");
}

Result<> set(Context& context, const Asked& asked) {
  Json body = Json::object();
  TRY_VOID(settings(asked, body, "RecoveryPointObjectiveSeconds"));
  TRY_VOID(journal_budget(asked, body));
  if (body.empty()) return fail(Code::invalid, "replica set: nothing to change is named; say --mode, --rpo, --policy, --action, --limit, --schedule, --compress, --bound or --journal-budget");
  TRY_VOID(context.patch(url_of(asked), body));
  return print_now(context, asked.name, "relationship " + asked.name + " is changed");
}

Result<> operate(Context& context, const Asked& asked, const std::string& operation) {
  const std::string url = url_of(asked) + "/Actions/LockstepRelationship." + operation;
  if (asked.dry_run) {
    TRY(Json forecast, context.post(url, Json{{"DryRun", true}}));
    return print_forecast(context, forecast);
  }
  Json body = Json::object();
  if (!asked.volumes.empty()) body["Volumes"] = asked.volumes;
  TRY(Json answer, context.post(url, body));
  if (context.last_status == 202 && asked.no_wait) {
    std::cout << (context.json ? job_of(answer).dump(2) + "\n" : operation + " of " + asked.name + " goes on as job " + answer.value("Id", "") + "\n");
    return {};
  }
  TRY_VOID(finish(context, answer, Waiting{.wait = !asked.no_wait}));
  return print_now(context, asked.name, operation + " of " + asked.name + " is done");
}

std::string lag_text(const Json& relationship) {
  if (!relationship["lag_seconds"].is_number()) return "?";
  return seconds_text(relationship["lag_seconds"].get<double>());
}

Result<> list(Context& context) {
  TRY(auto resources, context.members(relationships));
  Json all = Json::array();
  std::vector<std::vector<std::string>> rows{{"NAME", "ROLE", "TYPE", "MODE", "STATE", "LAG"}};
  for (const Json& resource : resources) {
    Json r = relationship_of(resource);
    rows.push_back({r["name"], r["role"], r["sync_type"], r["mode"], r["copy_state"], lag_text(r)});
    all.push_back(std::move(r));
  }
  std::cout << (context.json ? all.dump(2) + "\n" : table(rows));
  return {};
}

Result<> show(Context& context, const Asked& asked) {
  TRY(Json resource, context.get(url_of(asked)));
  Json r = relationship_of(resource);
  if (context.json) {
    std::cout << r.dump(2) << '\n';
    return {};
  }
  std::vector<std::vector<std::string>> rows;
  for (const auto& [key, value] : r.items()) {
    if (value.is_null() || (value.is_string() && value.get<std::string>().empty())) continue;
    std::string text = value.is_string() ? value.get<std::string>() : value.dump();
    if (key.ends_with("_bytes") && value.is_number()) text = size_text(value);
    if (key == "source" || key == "target") text = value["system"].get<std::string>() + " " + value["pool"].get<std::string>() + "/" + value["group"].get<std::string>();
    rows.push_back({key, text});
  }
  std::cout << table(rows);
  return {};
}

std::string since_text(const Json& seconds) { return seconds.is_number() ? seconds_text(seconds.get<double>()) : std::string("not known"); }

Result<> print_drill(Context& context, const Json& found) {
  Json volumes = Json::array();
  std::vector<std::vector<std::string>> rows{{"VOLUME", "SIZE", "DATA", "CHECKSUM", "READ"}};
  bool good = true;
  const bool read = found.value("Read", false);
  for (const Json& check : found["Checks"]) {
    const std::string damage = check["Damage"].is_string() ? check["Damage"].get<std::string>() : "";
    good = good && damage.empty();
    volumes.push_back(Json{{"name", check["Volume"]}, {"size_bytes", check["CapacityBytes"]}, {"data_bytes", check["DataBytes"]}, {"checksum", check["Checksum"]}, {"damage", check["Damage"]}});
    rows.push_back({check["Volume"], size_text(check["CapacityBytes"]), size_text(check["DataBytes"]), check["Checksum"], !damage.empty() ? damage : read ? "good" : "-"});
  }
  if (context.json) {
    Json answer{{"group", found["Group"]}, {"relationship", found["Relationship"]}, {"position", found["Position"]}, {"time", found["Time"]}, {"open_seconds", found["OpenSeconds"]},
                {"recovery_point_seconds", found["RecoveryPointSeconds"]}, {"check_seconds", found["CheckSeconds"]}, {"read", read}, {"good", good}, {"volumes", volumes}};
    std::cout << answer.dump(2) << '\n';
    return {};
  }
  std::cout << "drill " << found["Group"].get<std::string>() << " opened in " << since_text(found["OpenSeconds"]) << "; a failover then would have lost " << since_text(found["RecoveryPointSeconds"]) << " of writes\n"
            << "position " << found["Position"].get<std::string>() << ", checked in " << since_text(found["CheckSeconds"]) << (read ? " by reading every block" : " by the checksums of its map; --read reads every block") << '\n'
            << table(rows) << "end it with --end\n";
  return {};
}

Result<> drill(Context& context, const Asked& asked, bool end, bool read) {
  const std::string url = url_of(asked) + "/Actions/LockstepRelationship." + (end ? "EndDrill" : "Drill");
  Json body{{"Name", asked.target_group}};
  if (read) body["Read"] = true;
  TRY(Json answer, context.post(url, body));
  if (end) {
    std::cout << (context.json ? "{}\n" : "drill " + asked.target_group + " is over; its volumes are gone\n");
    return {};
  }
  if (context.last_status == 202) {
    TRY(Json task, finish(context, answer, Waiting{}));
    TRY(answer, context.get(oem + "/Drills/" + id_in_url(job_of(task)["result"].get<std::string>())));
  }
  return print_drill(context, answer);
}

struct Verb {
  const char* name;
  const char* operation;
  const char* help;
};
constexpr Verb verbs[] = {
    {"failover", "Failover", "Serve from the target: planned (drained first) while the source is reachable, else at once"},
    {"failback", "Failback", "After a failover: bring the target's changes home and serve from the source again"},
    {"reverse", "ReverseRoles", "The target becomes the source, and the source its target"},
    {"split", "Split", "Stop at one consistent point; the target may be written"},
    {"fracture", "Fracture", "Stop now; the target may be written"},
    {"suspend", "Suspend", "Stop sending; what changes is remembered"},
    {"resume", "Resume", "Go on after suspend or reverse"},
    {"resync", "ResyncReplica", "Bring a split, fractured or broken target back in step; what only it has is kept as a snapshot"},
    {"restore", "RestoreFromReplica", "Bring the source to what the target holds; what only the source has is kept as a snapshot"},
    {"activate", "Activate", "Begin or go on with an inactive relationship"},
    {"deactivate", "Deactivate", "Stop; the source no longer sends"},
    {"abort", "Abort", "Give up a copy that is under way"},
    {"prepare", "Prepare", "Set up again and stop before any data flows"},
    {"detach", "Detach", "End the relationship; both ends keep their data"},
    {"dissolve", "Dissolve", "End the relationship; the target goes on by itself"},
    {"return", "ReturnToResourcePool", "Snapshot: end the relationship and delete the target with its volumes"},
};

constexpr Verb pair_verbs[] = {
    {"add-pair", "AddSyncPair", "Bring the pairs of other relationships between the same two systems into this one, at one point; each has to be Synchronized"},
    {"remove-pair", "RemoveSyncPair", "Pairs leave the relationship; each goes on in one of its own, and only what differs travels"},
    {"detach-pair", "Detach", "Pairs leave the relationship; the volumes at both ends are on their own"},
};

void add_settings(CLI::App* verb, const std::shared_ptr<Asked>& asked) {
  verb->add_option("--mode", asked->mode, "sync, async or adaptive");
  verb->add_option("--rpo", asked->rpo, "Recovery point objective, like 30s");
  verb->add_option("--policy", asked->policy, "Synchronous, when the link is lost: continue or stop");
  verb->add_option("--action", asked->action, "When the RPO is exceeded: alert or pace");
  verb->add_option("--limit", asked->limit, "Most bytes a second on the link, like 50M; 0: no limit");
  verb->add_option("--schedule", asked->schedule, "Limits by the time of the day (UTC), like 22:00-06:00=unlimited,12:00-13:00=5M; none: none");
  verb->add_option("--compress", asked->compress, "zstd on the wire, where it pays: on or off");
  verb->add_option("--bound", asked->bound, "Adaptive: the longest that a write waits for the target, like 100ms");
  verb->add_option("--journal-budget", asked->budget, "Most journal kept for a target that is away, like 4G; beyond it a change map is kept");
}

}  // namespace

void add_replica(CLI::App& app, Context& context) {
  auto asked = std::make_shared<Asked>();   // shared by the verbs of this noun, for the life of the parser
  CLI::App* noun = app.add_subcommand("replica", "Relationships between groups");
  noun->require_subcommand(1);

  auto* verb = add_verb(context, *noun, "create", "Replicate a group; waits until it is synchronized or complete", "replica create db --type mirror --to b --mode sync --name db-to-b",
                        [&context, asked] { return create(context, *asked); });
  verb->add_option("group", asked->group, "Source group; with --volume, the name of the one that is made")->required();
  verb->add_option("--volume", asked->volumes, "Make the source group of these volumes, in this order");
  verb->add_option("--target-volume", asked->target_volumes, "On this system: the targets, as many and in the same order; what they hold is kept as a snapshot");
  verb->add_option("--type", asked->type, "mirror, snapshot, clone or tokenized-clone")->required();
  verb->add_option("--to", asked->to, "Peer system (default: this system)");
  verb->add_option("--pool", asked->pool, "Pool there");
  verb->add_option("--group", asked->target_group, "Name of the group made there (default: the source group's)");
  verb->add_option("--name", asked->name, "Name of the relationship");
  verb->add_option("--element-supplier", asked->supplier, "TargetElementSupplier, 1 to 5");
  verb->add_option("--thin-policy", asked->thin, "ThinProvisioningPolicy, 2 to 7");
  verb->add_option("--as", asked->user, "Account whose rights are checked (password: LOCKSTEP_PASSWORD)");
  verb->add_flag("--seeded", asked->seeded, "--group holds a copy made elsewhere: only what differs travels; what it holds is kept as a snapshot");
  add_settings(verb, asked);
  verb->add_flag("--no-wait", asked->no_wait, "Hand back the job at once");
  verb->add_flag("--dry-run", asked->dry_run, "Say what would be done, and how many bytes would travel");

  verb = add_verb(context, *noun, "set", "Change settings while data flows", "replica set db-to-b --mode async --rpo 1m", [&context, asked] { return set(context, *asked); });
  verb->add_option("name", asked->name, "Relationship")->required();
  add_settings(verb, asked);

  add_verb(context, *noun, "list", "All relationships", "replica list", [&context] { return list(context); });
  add_verb(context, *noun, "show", "One relationship", "replica show db-to-b", [&context, asked] { return show(context, *asked); })->add_option("name", asked->name, "Relationship")->required();

  add_verb(context, *noun, "watch", "One relationship, redrawn every second until interrupted", "replica watch db-to-b", [&context, asked] { return watch_relationship(context, asked->name); })
      ->add_option("name", asked->name, "Relationship")
      ->required();

  for (const Verb& known : verbs) {
    std::string operation = known.operation;
    verb = add_verb(context, *noun, known.name, known.help, std::string("replica ") + known.name + " db-to-b", [&context, asked, operation] { return operate(context, *asked, operation); });
    verb->add_option("name", asked->name, "Relationship")->required();
    verb->add_flag("--dry-run", asked->dry_run, "Say what would be done, in which direction, and how many bytes would travel");
    verb->add_flag("--no-wait", asked->no_wait, "Hand back the job at once");
  }

  for (const Verb& known : pair_verbs) {
    std::string operation = known.operation;
    verb = add_verb(context, *noun, known.name, known.help, std::string("replica ") + known.name + " db-to-b p/log", [&context, asked, operation] { return operate(context, *asked, operation); });
    verb->add_option("name", asked->name, "Relationship")->required();
    verb->add_option("volume", asked->volumes, "Volumes of the pairs at the source")->required();
    verb->add_flag("--no-wait", asked->no_wait, "Hand back the job at once");
  }
  for (const auto& [name, operation, help] : {Verb{"activate-consistency", "ActivateConsistency", "The group's consistency is asked for (as it is from the start)"},
                                              Verb{"deactivate-consistency", "DeactivateConsistency", "The group's consistency is not asked for any more; writes keep their order all the same"}}) {
    std::string wanted = operation;
    verb = add_verb(context, *noun, name, help, std::string("replica ") + name + " db-to-b", [&context, asked, wanted] { return operate(context, *asked, wanted); });
    verb->add_option("name", asked->name, "Relationship")->required();
  }

  add_verify(*noun, context);

  auto end = std::make_shared<bool>(false);
  auto read = std::make_shared<bool>(false);
  verb = add_verb(context, *noun, "drill", "Open writable clones of the target without touching the relationship, and check them", "replica drill db-to-b --as test", [&context, asked, end, read] { return drill(context, *asked, *end, *read); });
  verb->add_option("name", asked->name, "Relationship")->required();
  verb->add_option("--as", asked->target_group, "Name of the drill")->required();
  verb->add_flag("--end", *end, "Throw the drill away");
  verb->add_flag("--read", *read, "Read every block of it; with progress, as a job");
}

}  // namespace lockstep::cli
