#include <algorithm>

#include "rest/relationship.h"

namespace lockstep::rest {

namespace {

std::optional<replica::Schedule> schedule_in(Body& body) {
  std::optional<std::string> text = body.text("LimitSchedule");
  if (!text) return std::nullopt;
  Result<replica::Schedule> schedule = replica::parse_schedule(*text);
  if (schedule) return *schedule;
  body.refuse_value("LimitSchedule", schedule.error().message);
  return std::nullopt;
}

std::optional<replica::LinkLoss> link_loss_in(Body& body) {
  std::optional<std::string> text = body.text("OnLinkLoss");
  if (!text) return std::nullopt;
  if (*text == "Stop") return replica::LinkLoss::stop;
  if (*text != "Continue") body.refuse_value("OnLinkLoss", "OnLinkLoss '" + *text + "' is not one of Continue, Stop");
  return replica::LinkLoss::go_on;
}

std::optional<replica::RpoAction> rpo_action_in(Body& body) {
  std::optional<std::string> text = body.text("OnRecoveryPointExceeded");
  if (!text) return std::nullopt;
  if (*text == "Pace") return replica::RpoAction::pace;
  if (*text != "Alert") body.refuse_value("OnRecoveryPointExceeded", "OnRecoveryPointExceeded '" + *text + "' is not one of Alert, Pace");
  return replica::RpoAction::alert;
}

std::optional<std::uint32_t> seconds_in(Body& body, std::string_view key) {
  std::optional<std::uint64_t> number = body.number(key);
  if (number && *number > 0xFFFFFFFF) body.refuse_value(key, std::string(key) + " " + std::to_string(*number) + " is too large");
  return number ? std::optional(static_cast<std::uint32_t>(*number)) : std::nullopt;
}

manage::CreateReplica request_in(Body& body) {
  manage::CreateReplica request;
  request.relationship_name = body.text("RelationshipName");
  request.sync_type = body.word_or_number("SyncType", sync_type_words);
  request.mode = body.word_or_number("Mode", mode_words);
  request.rpo_seconds = seconds_in(body, "RecoveryPointObjective");
  request.target_system = body.name("TargetStorageSystem");
  request.target_pool = body.name("TargetStoragePool");
  request.target_group = body.name("TargetGroup");
  Body& settings = body.inner("ReplicationSettings");
  request.target_element_supplier = settings.word_or_number("TargetElementSupplier", {});
  request.thin_provisioning_policy = settings.word_or_number("ThinProvisioningPolicy", {});
  request.user = body.text("UserName");
  request.password = body.text("Password");
  request.on_link_loss = link_loss_in(body);
  request.on_rpo = rpo_action_in(body);
  if (auto limit = body.number("LimitBytesPerSecond")) request.limit_per_second = Bytes{*limit};
  if (auto budget = body.number("JournalBudgetBytes")) request.journal_budget = Bytes{*budget};
  request.schedule = schedule_in(body);
  request.compress = body.boolean("Compress");
  request.adaptive_bound_ms = seconds_in(body, "AdaptiveBoundMilliseconds");
  request.seeded = body.boolean("Seeded").value_or(false);
  return request;
}

Reply refused_create(const manage::Refusal& refusal) { return refused(refusal, refusal.parameter == "this" ? Named::by_url : Named::by_body); }

rt::Task<Reply> get_relationships(Call& call) {
  co_await call.names.read(call.system);
  std::vector<json::object> members;
  for (const replica::Report& report : relationships_once(call)) members.push_back(relationship_body(call, report));
  co_return collection(call, "LockstepRelationshipCollection", "Relationships", std::string(oem_path) + "/Relationships", std::move(members));
}

rt::Task<Reply> get_relationship(Call& call) {
  co_await call.names.read(call.system);
  std::optional<replica::Report> report = find_relationship(call, call.ids[0]);
  if (!report) co_return no_such_object(call);
  co_return ok(relationship_body(call, *report));
}

rt::Task<Reply> post_relationship(Call& call) { return post_create_replica(call, ""); }

rt::Task<Reply> patch_relationship(Call& call) {
  std::optional<replica::Report> report = find_relationship(call, call.ids[0]);
  if (!report) co_return no_such_object(call);
  Body body(call.body);
  replica::Settings settings = report->relationship.settings;
  bool mode_given = body.has("Mode");
  bool rpo_given = body.has("RecoveryPointObjectiveSeconds");
  if (auto mode = body.word_or_number("Mode", mode_words)) {
    if (*mode < 2 || *mode > 4) body.refuse_value("Mode", "Mode " + std::to_string(*mode) + " is not one of 2, 3, 4");
    settings.mode = static_cast<replica::Mode>(*mode);
  }
  if (auto rpo = seconds_in(body, "RecoveryPointObjectiveSeconds")) settings.rpo_seconds = *rpo;
  if (mode_given && !rpo_given && settings.mode == replica::Mode::synchronous) settings.rpo_seconds = 0;
  if (auto policy = link_loss_in(body)) settings.on_link_loss = *policy;
  if (auto action = rpo_action_in(body)) settings.on_rpo = *action;
  if (auto limit = body.number("LimitBytesPerSecond")) settings.limit_per_second = Bytes{*limit};
  if (auto schedule = schedule_in(body)) settings.schedule = *schedule;
  if (auto compress = body.boolean("Compress")) settings.compress = *compress;
  if (auto budget = body.number("JournalBudgetBytes")) settings.journal_budget = Bytes{*budget};
  if (auto bound = seconds_in(body, "AdaptiveBoundMilliseconds")) settings.adaptive_bound_ms = *bound;
  for (std::string_view key : {"Id", "Name", "SyncType", "CopyState", "Source", "Target"}) body.not_writable(key);
  if (auto fault = body.fault()) co_return std::move(*fault);
  manage::Answer<> done = co_await call.system.change_settings(call.caller, call.ids[0], settings);
  if (!done) co_return refused(done.error());
  co_return co_await get_relationship(call);
}

rt::Task<Reply> delete_relationship(Call& call) {
  if (!find_relationship(call, call.ids[0])) co_return no_such_object(call);
  co_return co_await operate_reply(call, call.ids[0], static_cast<std::uint16_t>(replica::Operation::detach), false);
}

rt::Task<Reply> drill(Call& call, bool begin) {
  Body body(call.body);
  std::string name = begin ? body.text("Name").value_or("") : body.required_text("Name");
  bool read = begin && body.boolean("Read").value_or(false);
  if (auto fault = body.fault()) co_return std::move(*fault);
  auto named = [](const manage::Refusal& refusal) { return refusal.parameter == "Synchronization" ? Named::by_url : Named::by_body; };
  if (!begin) {
    manage::Answer<> done = co_await call.system.end_drill(call.caller, call.ids[0], name);
    if (!done) co_return refused(done.error(), named(done.error()));
    co_return no_content();
  }
  manage::Answer<manage::Drill> opened = co_await call.system.drill(call.caller, call.ids[0], name);
  if (!opened) co_return refused(opened.error(), named(opened.error()));
  Reply done = created(group_path(opened->pool, opened->group), drill_body(*opened));
  if (!read) co_return done;
  manage::Answer<manage::Outcome> outcome = co_await call.system.read_drill(call.caller, opened->pool + "/" + opened->group);
  if (!outcome) co_return refused(outcome.error());
  std::vector<manage::Drill> drills = co_await call.system.drills();
  for (const manage::Drill& drill : drills)
    if (drill.pool == opened->pool && drill.group == opened->group) done = created(group_path(drill.pool, drill.group), drill_body(drill));
  co_return outcome_reply(call, *outcome, std::move(done));
}

rt::Task<Reply> verify(Call& call) {
  Body body(call.body);
  replica::VerifyRequest request;
  request.read = body.boolean("Read").value_or(false);
  request.repair = body.boolean("Repair").value_or(false);
  if (auto fault = body.fault()) co_return std::move(*fault);
  manage::Answer<manage::Outcome> outcome = co_await call.system.verify(call.caller, call.ids[0], request);
  if (!outcome) co_return refused(outcome.error(), outcome.error().parameter == "Synchronization" ? Named::by_url : Named::by_body);
  std::optional<replica::Report> report = find_relationship(call, call.ids[0]);
  bool done = report && report->verified;
  co_return outcome_reply(call, *outcome, done ? ok(verification_body(*report->verified)) : no_content());
}

// LockstepRelationship.{Operation}
rt::Task<Reply> act(Call& call) {
  constexpr std::string_view prefix = "LockstepRelationship.";
  std::string name = call.ids[1];
  if (!name.starts_with(prefix)) co_return no_such_resource(call.request.path);
  name.erase(0, prefix.size());
  if (name == "Drill" || name == "EndDrill") co_return co_await drill(call, name == "Drill");
  if (name == "Verify") co_return co_await verify(call);
  std::optional<replica::Report> report = find_relationship(call, call.ids[0]);
  if (!report) co_return no_such_object(call);
  Body body(call.body);
  bool dry_run = body.boolean("DryRun").value_or(false);
  std::optional<std::vector<std::string>> volumes = body.names("Volumes");
  std::uint64_t number = 0;
  if (name == "SetReplicationRelationship") number = body.required_number("Operation");
  for (std::uint16_t candidate = 2; candidate <= 25; ++candidate)
    if (name == replica::name_of(static_cast<replica::Operation>(candidate))) number = candidate;
  if (auto fault = body.fault()) co_return std::move(*fault);
  if (number == 0 && name != "SetReplicationRelationship") co_return no_such_resource(call.request.path);
  auto operation = static_cast<std::uint16_t>(std::min<std::uint64_t>(number, 65535));
  if (!volumes) co_return co_await operate_reply(call, call.ids[0], operation, dry_run);
  if (dry_run) body.refuse_value("DryRun", "DryRun is for operations of the whole relationship");
  if (auto fault = body.fault()) co_return std::move(*fault);
  manage::Answer<manage::Outcome> outcome = co_await call.system.set_pairs(call.caller, call.ids[0], operation, *volumes);
  if (!outcome) {
    if (outcome.error().parameter == "SyncPairs") outcome.error().parameter = "Volumes";
    co_return refused(outcome.error(), outcome.error().parameter == "Synchronization" ? Named::by_url : Named::by_body);
  }
  co_return outcome_reply(call, *outcome, no_content());
}

constexpr Route routes[] = {
    {.pattern = "Oem/Lockstep/Relationships", .get = get_relationships, .post = post_relationship},
    {.pattern = "Oem/Lockstep/Relationships/*", .get = get_relationship, .patch = patch_relationship, .remove = delete_relationship},
    {.pattern = "Oem/Lockstep/Relationships/*/Actions/*", .post = act},
};

}  // namespace

std::span<const Route> relationship_routes() { return routes; }

namespace {

// CreateReplicationRelationship: the volumes are given, and the groups are made of them.
rt::Task<Reply> create_relationship(Call& call, Body& body, manage::CreateRelationship wanted, bool dry_run) {
  if (dry_run) body.refuse_value("DryRun", "DryRun forecasts the replica of a group that is there: make the group first");
  if (auto fault = body.fault()) co_return std::move(*fault);
  manage::Answer<manage::Outcome> outcome = co_await call.system.create_relationship(call.caller, std::move(wanted));
  if (!outcome) {
    std::string& parameter = outcome.error().parameter;
    for (auto [model, ours] : {std::pair("SourceStorageElements", "Volumes"), std::pair("SourceReplicationGroupFriendlyName", "GroupName"), std::pair("TargetStorageElements", "TargetVolumes"),
                               std::pair("TargetReplicationGroupFriendlyName", "TargetGroup"), std::pair("SourceGroup", "Group")})
      if (parameter == model) parameter = ours;
  }
  co_return co_await made_replica_reply(call, std::move(outcome));
}

}  // namespace

rt::Task<Reply> post_create_replica(Call& call, std::string group) {
  Body body(call.body);
  manage::CreateRelationship related;
  bool makes_groups = group.empty() && (body.has("Volumes") || body.has("TargetVolumes"));
  if (makes_groups) {
    related.source.volumes = body.names("Volumes").value_or(std::vector<std::string>{});
    related.source.group = body.name("Group");
    related.source.name = body.text("GroupName");
    related.target.volumes = body.names("TargetVolumes").value_or(std::vector<std::string>{});
  } else if (group.empty()) {
    group = body.required_name("Group");
  }
  bool dry_run = body.boolean("DryRun").value_or(false);
  manage::CreateReplica request = request_in(body);
  if (call.request.parameter("wait") != nullptr) request.wait_at_most = wait_of(call.request);
  if (makes_groups) {
    related.target.name = std::exchange(request.target_group, std::nullopt);
    related.replica = std::move(request);
    co_return co_await create_relationship(call, body, std::move(related), dry_run);
  }
  if (auto fault = body.fault()) co_return std::move(*fault);
  manage::PoolAndName name = manage::split_name(group);
  request.pool = std::move(name.pool);
  request.group = std::move(name.name);
  if (!dry_run) co_return co_await create_replica_reply(call, std::move(request));
  manage::Answer<replica::Forecast> forecast = co_await call.system.forecast_replica(call.caller, std::move(request));
  if (!forecast) co_return refused_create(forecast.error());
  co_return ok(forecast_body(*forecast));
}

rt::Task<Reply> create_replica_reply(Call& call, manage::CreateReplica request) {
  manage::Answer<manage::Outcome> outcome = co_await call.system.create_replica(call.caller, std::move(request));
  co_return co_await made_replica_reply(call, std::move(outcome));
}

rt::Task<Reply> made_replica_reply(Call& call, manage::Answer<manage::Outcome> outcome) {
  if (!outcome) co_return refused_create(outcome.error());
  co_await call.names.read(call.system);
  std::optional<replica::Report> report = find_relationship(call, outcome->object);
  // A clone that is complete has let go of its source already: there is no relationship to show.
  Reply done = report ? created(relationship_path(outcome->object), relationship_body(call, *report)) : ok(json::object{{"Name", outcome->object}, {"Complete", true}});
  co_return outcome_reply(call, *outcome, std::move(done));
}

rt::Task<Reply> operate_reply(Call& call, std::string relationship, std::uint16_t operation, bool dry_run) {
  if (dry_run) {
    manage::Answer<replica::Forecast> forecast = co_await call.system.forecast_operation(call.caller, relationship, operation);
    if (!forecast) co_return refused(forecast.error());
    co_return ok(forecast_body(*forecast));
  }
  manage::Answer<manage::Outcome> outcome = co_await call.system.set_relationship(call.caller, relationship, operation);
  if (!outcome) co_return refused(outcome.error(), outcome.error().parameter == "Synchronization" ? Named::by_url : Named::by_body);
  co_return outcome_reply(call, *outcome, no_content());
}

}  // namespace lockstep::rest
