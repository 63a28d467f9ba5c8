// Relationships, tasks and events over REST.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "rest/rest_testing.h"

namespace lockstep::rest {
namespace {

using ::testing::HasSubstr;
using replica::CopyState;
using testing::Got;
using testing::L;
using testing::S;
using testing::TestRest;

struct Replication : ::testing::Test {
  Replication() { t.make_objects(); }
  std::string relationships = L + "/Relationships";
  std::string r = L + "/Relationships/r";
  Got make(std::string more = {}) { return t.post(relationships, R"({"Group": "db", "SyncType": "Mirror", "RelationshipName": "r")" + more + "}"); }
  Got act(std::string operation, std::string body = "{}") { return t.post(r + "/Actions/LockstepRelationship." + operation, std::move(body)); }
  TestRest t;
};

TEST_F(Replication, WhatIsDoneAtOnceIsCreated) {
  Got made = make();
  EXPECT_EQ(made.status, 201u);
  EXPECT_EQ(made.field("Location"), r);
  EXPECT_EQ(made.body.at("CopyState").as_string(), "Synchronized");
  EXPECT_EQ(made.body.at("Source").at("Group").as_string(), "db");
  EXPECT_EQ(made.body.at("Source").at("System").as_string(), "a");
  EXPECT_EQ(made.body.at("RecoveryPointObjectiveSeconds").to_number<int>(), 30);
  EXPECT_EQ(t.get(r).body.at("RelationshipId"), made.body.at("RelationshipId"));
  EXPECT_EQ(t.get(relationships + "/" + std::string(made.body.at("RelationshipId").as_string())).status, 200u);
}

TEST_F(Replication, WhatTakesLongerIsATaskThatEndsAsTheCallWouldHave) {
  t.engine->new_state = CopyState::unsynchronized;
  Got accepted = make();
  ASSERT_EQ(accepted.status, 202u) << accepted.text;
  std::string monitor = accepted.field("Location");
  EXPECT_THAT(monitor, HasSubstr("/TaskMonitors/"));
  EXPECT_FALSE(accepted.field("Retry-After").empty());
  EXPECT_EQ(accepted.body.at("TaskState").as_string(), "Running");
  EXPECT_EQ(accepted.body.at("Oem").at("Lockstep").at("Object").as_string(), "r");
  std::string task(accepted.body.at("@odata.id").as_string());
  EXPECT_EQ(t.get(monitor).status, 202u);
  Instant before = t.world.now();
  EXPECT_EQ(t.get(task + "?wait=5").status, 200u);
  EXPECT_GE(t.world.now() - before, std::chrono::seconds(5));
  t.engine->set_state("r", CopyState::synchronized);
  Got done = t.get(task + "?wait=60");
  EXPECT_EQ(done.body.at("TaskState").as_string(), "Completed");
  EXPECT_EQ(done.body.at("PercentComplete").to_number<int>(), 100);
  Got answer = t.get(monitor);
  EXPECT_EQ(answer.status, 201u);
  EXPECT_EQ(answer.field("Location"), r);
}

TEST_F(Replication, ACancelledTaskSaysSo) {
  t.engine->new_state = CopyState::unsynchronized;
  Got accepted = make();
  std::string task(accepted.body.at("@odata.id").as_string());
  EXPECT_EQ(t.ask("DELETE", task).status, 202u);
  Got cancelled = t.get(task + "?wait=10");
  EXPECT_EQ(cancelled.body.at("TaskState").as_string(), "Cancelled");
  EXPECT_FALSE(cancelled.body.at("Messages").as_array().empty());
  EXPECT_EQ(t.ask("DELETE", task).status, 409u);
}

TEST_F(Replication, ParametersAreTakenAsWordsAndNumbers) {
  Got made = t.post(relationships, R"({"Group": {"@odata.id": "/redfish/v1/Storage/Lockstep/ConsistencyGroups/p:db"}, "SyncType": 6, "Mode": "Adaptive", "RecoveryPointObjective": 7,
    "RelationshipName": "r", "OnLinkLoss": "Stop", "OnRecoveryPointExceeded": "Pace", "LimitBytesPerSecond": 1000, "ReplicationSettings": {"TargetElementSupplier": 4, "ThinProvisioningPolicy": 7}})");
  ASSERT_EQ(made.status, 201u) << made.text;
  const replica::Settings& settings = t.engine->created.front().settings;
  EXPECT_EQ(settings.mode, replica::Mode::adaptive);
  EXPECT_EQ(settings.rpo_seconds, 7u);
  EXPECT_EQ(settings.on_link_loss, replica::LinkLoss::stop);
  EXPECT_EQ(settings.on_rpo, replica::RpoAction::pace);
  EXPECT_EQ(settings.limit_per_second, 1000_B);
}

TEST_F(Replication, EachBrokenRuleIsAnAnswer) {
  EXPECT_EQ(make(R"(, "Mode": "Quantum")").refusal(), "PropertyValueNotInList 5 Mode");
  EXPECT_EQ(make(R"(, "Mode": 9)").refusal(), "InvalidParameter 5 Mode");
  EXPECT_EQ(make(R"(, "Mode": "Synchronous", "RecoveryPointObjective": 5)").refusal(), "InvalidParameter 5 RecoveryPointObjective");
  EXPECT_EQ(make(R"(, "TargetStorageSystem": "b")").refusal(), "NotFound 8 TargetStorageSystem");
  EXPECT_EQ(make(R"(, "TargetStoragePool": "q")").refusal(), "NotFound 8 TargetStoragePool");
  EXPECT_EQ(make(R"(, "UserName": "admin", "Password": "wrong")").status, 403u);
  EXPECT_EQ(t.post(relationships, R"({"Group": "db"})").refusal(), "InvalidParameter 5 SyncType");
  EXPECT_EQ(t.post(relationships, R"({"SyncType": "Mirror"})").refusal(), "PropertyMissing 5 Group");
  EXPECT_EQ(t.post(S + "/ConsistencyGroups/p:none/Actions/Oem/Lockstep.CreateReplica", R"({"SyncType": "Mirror"})").status, 404u);
  t.engine->create_fails = Error{Code::no_space, "no space there"};
  Got full = make();
  EXPECT_EQ(full.status, 507u);
  EXPECT_EQ(full.refusal(), "InsufficientResources 40002 r");
  EXPECT_TRUE(t.engine->reports().empty());
}

TEST_F(Replication, ADryRunMakesNothing) {
  t.engine->next_forecast.direction = "a/db -> a/t";
  t.engine->next_forecast.bytes = 77_B;
  t.engine->next_forecast.steps = {"copy"};
  Got forecast = make(R"(, "DryRun": true)");
  EXPECT_EQ(forecast.status, 200u);
  EXPECT_EQ(forecast.body.at("Bytes").to_number<int>(), 77);
  EXPECT_EQ(forecast.body.at("BytesAtMost").to_number<int>(), 77);
  EXPECT_EQ(forecast.body.at("Steps").at(0).as_string(), "copy");
  EXPECT_TRUE(t.engine->created.empty());
  make();
  EXPECT_EQ(act("Failover", R"({"DryRun": true})").status, 200u);
  t.engine->next_forecast.bytes.reset();
  t.engine->next_forecast.overwritten.reset();
  t.engine->next_forecast.bytes_at_most = 900_B;
  Got unknown = act("ResyncReplica", R"({"DryRun": true})");
  EXPECT_TRUE(unknown.body.at("Bytes").is_null());
  EXPECT_TRUE(unknown.body.at("OverwrittenBytes").is_null());
  EXPECT_EQ(unknown.body.at("BytesAtMost").to_number<int>(), 900);
  EXPECT_TRUE(t.engine->operated.empty());
}

TEST_F(Replication, OperationsAreActionsAndFollowTheStates) {
  make();
  EXPECT_EQ(act("Suspend").status, 204u);
  EXPECT_EQ(t.get(r).body.at("CopyState").as_string(), "Suspended");
  EXPECT_EQ(act("Suspend").status, 204u);
  Got wrong = act("Failback");
  EXPECT_EQ(wrong.status, 409u);
  EXPECT_THAT(wrong.refusal(), HasSubstr("WrongState 4"));
  EXPECT_EQ(act("ReturnToResourcePool").status, 400u);
  EXPECT_EQ(act("Explode").status, 404u);
  EXPECT_EQ(act("SetReplicationRelationship", R"({"Operation": 16})").status, 204u);
  EXPECT_EQ(act("SetReplicationRelationship", R"({"Operation": 26})").refusal(), "InvalidParameter 5 Operation");
  EXPECT_EQ(act("SetReplicationRelationship").refusal(), "PropertyMissing 5 Operation");
  EXPECT_EQ(t.ask("DELETE", r).status, 204u);
  EXPECT_EQ(t.ask("DELETE", r).status, 404u);
}

TEST_F(Replication, AnOperationThatTakesItsTimeIsATask) {
  make();
  t.engine->operations_wait = true;
  Got accepted = act("Failover");
  ASSERT_EQ(accepted.status, 202u);
  t.engine->set_state("r", CopyState::failedover);
  EXPECT_EQ(t.get(accepted.field("Location") + "?wait=5").status, 204u);
}

TEST_F(Replication, SettingsArePatched) {
  make();
  Got patched = t.ask("PATCH", r, R"({"Mode": "Synchronous", "OnLinkLoss": "Stop", "LimitBytesPerSecond": 5})");
  EXPECT_EQ(patched.status, 200u) << patched.text;
  EXPECT_EQ(patched.body.at("Mode").as_string(), "Synchronous");
  EXPECT_EQ(patched.body.at("RecoveryPointObjectiveSeconds").to_number<int>(), 0);
  EXPECT_EQ(patched.body.at("OnLinkLoss").as_string(), "Stop");
  EXPECT_EQ(t.ask("PATCH", r, R"({"RecoveryPointObjectiveSeconds": 5})").refusal(), "InvalidParameter 5 RecoveryPointObjective");
  EXPECT_EQ(t.ask("PATCH", r, R"({"CopyState": "Broken"})").refusal(), "PropertyNotWritable 5 CopyState");
}

TEST_F(Replication, SwordfishActionsOnAGroup) {
  std::string group = S + "/ConsistencyGroups/p:db/Actions/ConsistencyGroup.";
  std::string pool = R"("TargetStoragePool": {"@odata.id": "/redfish/v1/Storage/Lockstep/StoragePools/p"})";
  Got made = t.post(group + "CreateReplicaTarget", R"({"ReplicaType": "Mirror", "ReplicaUpdateMode": "Asynchronous", "ConsistencyGroupName": "copy", )" + pool + "}");
  ASSERT_EQ(made.status, 201u) << made.text;
  EXPECT_EQ(t.engine->created.front().target_group, "copy");
  EXPECT_EQ(t.engine->created.front().target_pool, "p");
  std::string target = R"({"TargetConsistencyGroup": {"@odata.id": "/redfish/v1/Storage/Lockstep/ConsistencyGroups/p:copy"}})";
  EXPECT_EQ(t.post(group + "SuspendReplication", target).status, 204u);
  EXPECT_EQ(t.post(group + "ResumeReplication", target).status, 204u);
  EXPECT_EQ(t.post(group + "SplitReplication", R"({"TargetConsistencyGroup": "p/none"})").refusal(), "NotFound 8 TargetConsistencyGroup");
  EXPECT_EQ(t.post(group + "CreateReplicaTarget", R"({"ReplicaType": "Mirror"})").refusal(), "PropertyMissing 5 ReplicaUpdateMode");
  EXPECT_EQ(t.post(group + "RemoveReplicaRelationship", target).status, 204u);
}

TEST_F(Replication, AVolumeInAGroupWithOthersIsReplicatedWithThem) {
  Got refused = t.post(S + "/Volumes/p:data/Actions/Volume.CreateReplicaTarget", R"({"ReplicaType": "Mirror", "ReplicaUpdateMode": "Asynchronous", "TargetStoragePool": "p"})");
  EXPECT_EQ(refused.status, 409u);
  t.post(S + "/Volumes", R"({"Name": "p/alone", "CapacityBytes": 4096})");
  EXPECT_EQ(t.post(S + "/Volumes/p:alone/Actions/Volume.CreateReplicaTarget", R"({"ReplicaType": "Snapshot", "ReplicaUpdateMode": "Synchronous", "TargetStoragePool": "p"})").status, 201u);
  EXPECT_EQ(t.get(S + "/ConsistencyGroups/p:alone").status, 200u);
}

TEST_F(Replication, EventsAreReadWaitedForAndStreamed) {
  make();
  t.pass(std::chrono::seconds(2));
  Got all = t.get(L + "/Events?after=0&most=2");
  EXPECT_EQ(all.body.at("Events").as_array().size(), 2u);
  EXPECT_EQ(all.body.at("Last").to_number<int>(), 2);
  std::uint64_t last = t.system->last_event();
  http::Request wait = testing::request_for("GET", L + "/Events?wait=30&after=" + std::to_string(last));
  wait.uid = 0;
  auto waiting = t.world.start(t.host.loop(), t.service->handle(wait));
  t.pass(std::chrono::seconds(1));
  EXPECT_FALSE(waiting->has_value());
  t.engine->set_state("r", CopyState::broken, "the link is down");
  t.pass(std::chrono::seconds(1));
  ASSERT_TRUE(waiting->has_value());
  EXPECT_THAT((*waiting)->body, HasSubstr("\"After\":\"Broken\""));

  http::Request sse = testing::request_for("GET", "/redfish/v1/EventService/SSE");
  sse.uid = 0;
  sse.fields.push_back({"Last-Event-ID", std::to_string(last)});
  Got stream = t.ask(sse);
  EXPECT_EQ(stream.field("Content-Type"), "text/event-stream");
  ASSERT_NE(t.pieces, nullptr);
  rt::Stop stop;
  EXPECT_THAT(*t.run(t.pieces->next(stop)), HasSubstr(":"));
  std::string piece = *t.run(t.pieces->next(stop));
  EXPECT_THAT(piece, HasSubstr("id: " + std::to_string(last + 1) + "\ndata: {"));
  EXPECT_THAT(piece, HasSubstr("\"OriginOfCondition\":{\"@odata.id\":\"/redfish/v1/Oem/Lockstep/Relationships/r\"}"));
  auto next = t.world.start(t.host.loop(), t.pieces->next(stop));
  t.pass(std::chrono::seconds(2));
  EXPECT_FALSE(next->has_value());
  stop.request();
  t.pass(std::chrono::seconds(2));
  ASSERT_TRUE(next->has_value());
  EXPECT_FALSE((*next)->has_value());
}

TEST_F(Replication, GroupsAreMadeWithTheRelationshipOrNotAtAll) {
  for (const char* name : {"p/x", "p/tx"}) manage::testing::TestSystem::ok(t.run(t.system->create_volume(manage::testing::TestSystem::admin(), name, 1_MiB)));
  Got got = t.post(relationships, R"({"Volumes": ["p/x"], "GroupName": "g", "SyncType": "Mirror", "RelationshipName": "xr", "Mode": "Synchronous", "RecoveryPointObjective": 5})");
  EXPECT_EQ(got.status, 400u);
  EXPECT_EQ(t.get(S + "/ConsistencyGroups/p:g").status, 404u);
  got = t.post(relationships, R"({"Volumes": ["p/x"], "GroupName": "g", "TargetVolumes": ["p/tx"], "TargetGroup": "tg", "SyncType": "Mirror", "RelationshipName": "xr"})");
  EXPECT_EQ(got.status, 201u) << got.text;
  EXPECT_EQ(t.get(S + "/ConsistencyGroups/p:g").status, 200u);
  EXPECT_EQ(t.get(S + "/ConsistencyGroups/p:tg").status, 200u);
  got = t.post(relationships, R"({"Volumes": ["p/none"], "SyncType": "Mirror"})");
  EXPECT_EQ(got.status, 400u) << got.text;
}

TEST_F(Replication, PairsAreNamedByTheirVolumes) {
  make();
  std::vector<VolumeUuid> uuids;
  for (const manage::VolumeInfo& info : t.run(t.system->volumes())) uuids.push_back(info.row.uuid);
  t.engine->of("r").relationship.pairs = {{uuids[0], uuids[0]}, {uuids[1], uuids[1]}};
  EXPECT_EQ(act("RemoveSyncPair", R"({"Volumes": ["p/data"]})").status, 204u);
  EXPECT_EQ(t.engine->pairs_operated.size(), 1u);
  EXPECT_EQ(act("Suspend", R"({"Volumes": ["p/data"]})").status, 409u);
  EXPECT_EQ(act("RemoveSyncPair").status, 400u);
}

}  // namespace
}  // namespace lockstep::rest
