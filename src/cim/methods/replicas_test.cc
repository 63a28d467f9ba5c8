// CreateReplica and its family: each return code from a real cause, and what follows from a replica.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cim/provider_testing.h"

namespace lockstep::cim {
namespace {

using ::testing::HasSubstr;
using ::testing::SizeIs;
using model::number;
using model::text;
using testing::TestModel;
using Got = TestModel::Got;

Value settings(std::uint64_t policy, std::uint64_t supplier = 4) {
  model::Builder b("MSFT_SMReplicationSettings");
  b.set("TargetElementSupplier", number(supplier)).set("ThinProvisioningPolicy", number(policy));
  return model::embedded(b.take());
}

struct Replicas : ::testing::Test {
  Got create(TestModel::In in, manage::Caller caller = TestModel::admin()) {
    in.emplace_back("SyncType", number(6));
    return t.call(t.group(), "CreateReplica", std::move(in), std::move(caller));
  }
  ObjectPath peer_of(SystemId id) { return model::path_by(model::peer_class, "ObjectId", model::peer_id_of(id)); }
  void make_group(const std::string& name, std::vector<std::string> volumes, Bytes size = 8_MiB) {
    for (std::string& volume : volumes) {
      volume = "p/" + volume;
      TestModel::ok(t.run(t.system->create_volume(TestModel::admin(), volume, size)));
    }
    TestModel::ok(t.run(t.system->create_group(TestModel::admin(), "p/" + name, volumes)));
  }
  ObjectPath group(const std::string& name) { return t.path("MSFT_SMReplicationGroup", "DisplayName", name); }
  TestModel t;
};

TEST_F(Replicas, ZeroAndThePeerWhenItIsDone) {
  Got got = create({{"RelationshipName", text("r")}, {"Mode", number(3)}, {"RecoveryPointObjective", number(60)}});
  EXPECT_EQ(got.code, 0u) << got.message;
  EXPECT_EQ(got.show("Job"), "NULL");
  EXPECT_EQ(got.show("ExtendedStatus"), "NULL");
  auto peer = t.look()->find(got.path("TargetReplicaPeer"));
  ASSERT_TRUE(peer);
  EXPECT_EQ(t.show(*peer, "PeerObjectType"), "32769");
  EXPECT_EQ(t.engine->created.back().settings.rpo_seconds, 60u);
}

TEST_F(Replicas, FourThousandAndNinetySixWithAJobThatCanBePolledToItsEnd) {
  t.engine->new_state = replica::CopyState::unsynchronized;
  Got got = create({{"RelationshipName", text("r")}});
  EXPECT_EQ(got.code, 4096u);
  ObjectPath job = got.path("Job");
  EXPECT_EQ(t.show(*t.look()->find(job), "JobState"), "4");
  EXPECT_TRUE(t.look()->find(got.path("TargetReplicaPeer")));
  EXPECT_EQ(t.call(t.this_system(), "GetStorageVolumeObjectIdFromJob", {{"Job", TestModel::ref(job)}}).code, 6u);   // no pairs here
  auto volume = [&](const std::string& name) { return t.run(t.system->volumes())[name == "data" ? 0 : 1].row.uuid; };
  t.engine->of("r").relationship.pairs = {{volume("data"), volume("log")}};
  got = t.call(t.this_system(), "GetStorageVolumeObjectIdFromJob", {{"Job", TestModel::ref(job)}});
  EXPECT_EQ(got.show("StorageVolumeObjectId"), model::id_of(volume("log")));
  EXPECT_EQ(t.call(t.this_system(), "GetStorageVolumeNameFromJob", {{"Job", TestModel::ref(job)}}).show("StorageVolumeName"), text_of(volume("log")));
  EXPECT_EQ(t.call(t.this_system(), "GetPoolObjectIdFromJob", {{"Job", TestModel::ref(job)}}).code, 6u);
  t.engine->set_state("r", replica::CopyState::synchronized);
  t.pass(std::chrono::seconds(1));
  EXPECT_EQ(t.show(*t.look()->find(job), "JobState"), "7");
}

TEST_F(Replicas, EachReturnCodeHasACauseThatItsStatusNames) {
  Got got = create({{"ReplicationSettings", settings(3)}});
  EXPECT_EQ(got.code, 1u);
  EXPECT_EQ(got.parameter, "ReplicationSettings");
  EXPECT_THAT(got.message, HasSubstr("ThinProvisioningPolicy 3"));

  t.engine->create_fails = Error{Code::io, "system database: an I/O error"};
  got = create({});
  EXPECT_EQ(got.code, 2u);
  EXPECT_THAT(got.message, HasSubstr("I/O error"));
  t.engine->create_fails.reset();

  SystemId b = t.add_peer("b");
  t.engine->remote_pools.erase(b);   // it does not answer, though it takes connections
  for (auto& report : t.engine->known_peers) report.reachable = false, report.silent = true;
  got = create({{"TargetStorageSystem", TestModel::ref(peer_of(b))}});
  EXPECT_EQ(got.code, 3u);
  EXPECT_EQ(got.parameter, "TargetStorageSystem");
  for (auto& report : t.engine->known_peers) report.silent = false;
  EXPECT_EQ(create({{"TargetStorageSystem", TestModel::ref(peer_of(b))}}).code, 46001u);

  make_group("other", {"d2", "l2"});
  t.run([](TestModel& test) -> rt::Task<bool> {   // a target already
    pool::Pool* pool = test.system->pool_of_export("p/d2");
    co_return co_await rt::run_on(pool->loop(), [](pool::Pool* p) -> rt::Task<bool> {
      for (const auto& [id, row] : p->catalog().groups) {
        if (row.name != "other") continue;
        store::GroupRow changed = row;
        changed.role = store::Role::target;
        Result<> done = co_await p->change_group(std::move(changed));
        co_return done.has_value();
      }
      co_return false;
    }(pool));
  }(t));
  got = create({{"TargetGroupObject", TestModel::ref(group("other"))}});
  EXPECT_EQ(got.code, 4u) << got.message;
  EXPECT_EQ(got.parameter, "TargetGroupObject");
  EXPECT_THAT(got.message, HasSubstr("is a target already"));

  got = create({{"Mode", number(2)}, {"RecoveryPointObjective", number(7)}});
  EXPECT_EQ(got.code, 5u);
  EXPECT_EQ(got.parameter, "RecoveryPointObjective");

  got = create({}, manage::Caller{"reader", manage::RoleName::read_only});
  EXPECT_EQ(got.code, 40001u);
  EXPECT_THAT(got.message, HasSubstr("ReadOnly"));
  got = create({{"username", text("admin")}, {"password", text("no")}});
  EXPECT_EQ(got.code, 40001u);
  EXPECT_EQ(got.parameter, "username");

  t.engine->next_forecast.bytes = 900_GiB;
  got = create({});
  EXPECT_EQ(got.code, 40002u);
  EXPECT_EQ(got.parameter, "TargetStoragePool");
}

TEST_F(Replicas, EightForAGroupThatIsGoneWhicheverEnd) {
  make_group("other", {"d2", "l2"});
  ObjectPath other = group("other");
  ASSERT_EQ(t.call(other, "Delete").code, 0u);
  Got got = create({{"TargetGroupObject", TestModel::ref(other)}});
  EXPECT_EQ(got.code, 8u);
  EXPECT_EQ(got.parameter, "TargetGroupObject");
  got = t.call(other, "CreateReplica", {{"SyncType", number(6)}});
  EXPECT_EQ(got.code, 8u);
  EXPECT_EQ(got.parameter, "this");
  got = create({{"TargetStorageSystem", TestModel::ref(peer_of(SystemId{}))}});
  EXPECT_EQ(got.code, 8u);
  EXPECT_EQ(got.parameter, "TargetStorageSystem");
}

TEST_F(Replicas, WhatADiscoveryFoundAndIsGoneIsACacheOutOfDate) {
  SystemId b = t.add_peer("b");
  ObjectPath discovery = path_of(t.only("MSFT_SMStorageDiscovery"));
  ASSERT_EQ(t.call(discovery, "StartDiscovery", {{"host", text("b")}}).code, 0u);
  ObjectPath pool = path_of(t.with("MSFT_SMPool", "ObjectId", model::id_of(t.engine->remote_pools[b][0].id)));
  TestModel::In in{{"TargetStorageSystem", TestModel::ref(peer_of(b))}, {"TargetStoragePool", TestModel::ref(pool)}};
  t.engine->remote_pools[b][0].id = t.host.random().id<PoolId>();   // made anew, under the same name
  Got got = create(in);
  EXPECT_EQ(got.code, 40003u);
  EXPECT_EQ(got.parameter, "TargetStoragePool");
  EXPECT_THAT(got.next_step, HasSubstr("StartDiscovery"));
  ASSERT_EQ(t.call(discovery, "StartDiscovery", {{"host", text("b")}}).code, 0u);
  ObjectPath again = path_of(t.with("MSFT_SMPool", "ObjectId", model::id_of(t.engine->remote_pools[b][0].id)));
  in[1].second = TestModel::ref(again);
  EXPECT_EQ(create(in).code, 0u);
  EXPECT_EQ(t.engine->created.back().target_pool, "p");
  EXPECT_EQ(t.engine->created.back().target_system, b);
}

TEST_F(Replicas, AReferenceToAnotherKindOfObjectIsAWrongParameter) {
  EXPECT_EQ(create({{"TargetStorageSystem", TestModel::ref(t.group())}}).parameter, "TargetStorageSystem");
  EXPECT_EQ(create({{"TargetStoragePool", TestModel::ref(t.group())}}).code, 5u);
  EXPECT_EQ(create({{"TargetGroupObject", TestModel::ref(t.pool("p"))}}).code, 5u);
  EXPECT_EQ(t.call(t.group(), "CreateReplica").parameter, "SyncType");
}

TEST_F(Replicas, AnExistingGroupBecomesTheTargetWhateverPoolStandsBesideIt) {
  make_group("other", {"d2", "l2"});
  TestModel::ok(t.run(t.system->create_pool(TestModel::admin(), "q", "")));
  Got got = create({{"TargetGroupObject", TestModel::ref(group("other"))}, {"TargetStoragePool", TestModel::ref(t.pool("q"))}});
  EXPECT_EQ(got.code, 0u) << got.message;
  EXPECT_EQ(t.engine->created.back().target_pool, "p");
  EXPECT_EQ(t.engine->created.back().target_group, "other");
}

TEST_F(Replicas, AnOperationIsDoneOnTheRelationshipThatThePeerStandsFor) {
  ASSERT_EQ(create({{"RelationshipName", text("r")}}).code, 0u);
  ObjectPath peer = TestModel::end(t.references(t.group(), "MSFT_SMReplicationGroupToReplicaPeer").at(0), "Child");
  Got got = t.call(t.group(), "SetReplicationRelationship", {{"Operation", number(22)}, {"TargetGroup", TestModel::ref(peer)}});
  EXPECT_EQ(got.code, 0u) << got.message;
  EXPECT_EQ(t.engine->operated.back(), replica::Operation::suspend);
  EXPECT_EQ(t.call(t.group(), "SetReplicationRelationship", {{"Operation", number(22)}}).code, 0u);    // no-op; the only one
  got = t.call(t.group(), "SetReplicationRelationship", {{"Operation", number(21)}, {"TargetGroup", TestModel::ref(peer)}});
  EXPECT_EQ(got.code, 4u);
  EXPECT_THAT(got.message, HasSubstr("Suspended"));
  EXPECT_EQ(t.call(t.group(), "SetReplicationRelationship", {{"Operation", number(26)}, {"TargetGroup", TestModel::ref(peer)}}).code, 5u);
  EXPECT_EQ(t.call(t.group(), "SetReplicationRelationship", {{"Operation", number(19)}, {"TargetGroup", TestModel::ref(peer)}}).code, 1u);
  ObjectPath nobody = peer;
  nobody.keys[0].value = text("Lockstep:PeerGroup:0:target");
  EXPECT_EQ(t.call(t.group(), "SetReplicationRelationship", {{"Operation", number(22)}, {"TargetGroup", TestModel::ref(nobody)}}).code, 8u);
  got = t.call(t.this_system(), "DeleteReplicationRelationship", {{"SourceReplicationGroup", TestModel::ref(t.group())}, {"TargetGroupReplicaPeer", TestModel::ref(peer)}});
  EXPECT_EQ(got.code, 0u) << got.message;
  EXPECT_THAT(t.all("MSFT_SMReplicationGroupToReplicaPeer"), SizeIs(0));
}

TEST_F(Replicas, AVolumeAloneIsReplicatedAsAGroupOfItsOwn) {
  TestModel::ok(t.run(t.system->create_volume(TestModel::admin(), "p/lone", 1_MiB)));
  Got got = t.call(t.volume("lone"), "CreateReplica", {{"SyncType", number(6)}, {"ReplicationSettings", settings(3)}});
  EXPECT_EQ(got.code, 1u);
  EXPECT_THAT(t.all("MSFT_SMReplicationGroup"), SizeIs(1));   // the group made for it is gone again
  got = t.call(t.volume("lone"), "CreateReplica", {{"SyncType", number(6)}, {"ElementName", text("lone-copy")}});
  EXPECT_EQ(got.code, 0u) << got.message;
  EXPECT_NE(got.show("TargetReplicaPeer"), "NULL");
  EXPECT_THAT(t.all("MSFT_SMReplicationGroup"), SizeIs(2));
  got = t.call(t.volume("data"), "CreateReplica", {{"SyncType", number(6)}});
  EXPECT_EQ(got.code, 4u);
  EXPECT_THAT(got.message, HasSubstr("with others"));
  EXPECT_EQ(t.call(t.volume("lone"), "CreateReplica", {{"SyncType", number(6)}, {"ElementName", text("a/b")}}).parameter, "ElementName");
  got = t.call(t.volume("lone"), "CreateSnapshot", {{"ElementName", text("then")}});
  EXPECT_TRUE(got.code == 0 || got.code == 4096) << got.message;
  EXPECT_EQ(t.engine->created.back().sync_type, replica::SyncType::snapshot);
}

TEST_F(Replicas, AGroupAndItsReplicaInOneCallOrNothing) {
  for (const char* name : {"p/x", "p/y"}) TestModel::ok(t.run(t.system->create_volume(TestModel::admin(), name, 1_MiB)));
  TestModel::In in{{"SyncType", number(6)}, {"RelationshipName", text("xy")}, {"SourceStorageElements", TestModel::refs({t.volume("x"), t.volume("y")})}, {"SourceReplicationGroupFriendlyName", text("xs")}};
  TestModel::In bad = in;
  bad.emplace_back("RecoveryPointObjective", number(99));
  bad.emplace_back("Mode", number(2));
  Got got = t.call(t.this_system(), "CreateReplicationRelationship", bad);
  EXPECT_EQ(got.code, 5u);
  EXPECT_THAT(t.all("MSFT_SMReplicationGroup"), SizeIs(1));
  got = t.call(t.this_system(), "CreateReplicationRelationship", in);
  EXPECT_EQ(got.code, 0u) << got.message;
  EXPECT_EQ(t.show(*t.look()->find(got.path("SourceGroup")), "DisplayName"), "xs");
  EXPECT_TRUE(t.look()->find(got.path("TargetReplicaPeer")));
  bad = in;
  bad.emplace_back("SourceGroup", TestModel::ref(t.group()));
  EXPECT_EQ(t.call(t.this_system(), "CreateReplicationRelationship", bad).parameter, "SourceStorageElements");
  EXPECT_EQ(t.call(t.this_system(), "CreateReplicationRelationship", {{"SyncType", number(6)}}).parameter, "SourceStorageElements");
}

TEST_F(Replicas, PairsAreNamedBySourceOrBySyncPairs) {
  TestModel::ok(t.run(t.system->create_replica(TestModel::admin(), TestModel::mirror("r"))));
  std::vector<VolumeUuid> uuids;
  for (const char* name : {"p/data", "p/log"})
    for (const manage::VolumeInfo& info : t.run(t.system->volumes()))
      if (info.export_name == name) uuids.push_back(info.row.uuid);
  t.engine->of("r").relationship.pairs = {{uuids[0], uuids[1]}, {uuids[1], uuids[0]}};
  Got got = t.call(t.group(), "SetReplicationRelationship", {{"Operation", number(13)}, {"SourceStorageObjects", TestModel::refs({t.volume("data")})}});
  EXPECT_EQ(got.code, 0u) << got.message;
  ASSERT_THAT(t.engine->pairs_operated, SizeIs(1));
  EXPECT_EQ(t.engine->pairs_operated[0].second, std::vector<VolumeUuid>{uuids[0]});
  ObjectPath pair;
  pair.class_name = "MSFT_SMStorageVolumeToReplicaPeer";
  pair.keys.push_back({"Parent", Type::reference, false, model::reference(t.volume("log"))});
  got = t.call(t.group(), "SetReplicationRelationship", {{"Operation", number(8)}, {"SyncPairs", TestModel::refs({pair})}});
  EXPECT_EQ(got.code, 0u) << got.message;
  ASSERT_THAT(t.engine->pairs_operated, SizeIs(2));
  EXPECT_EQ(t.engine->pairs_operated[1].second, std::vector<VolumeUuid>{uuids[1]});
  got = t.call(t.group(), "SetReplicationRelationship", {{"Operation", number(22)}, {"SourceStorageObjects", TestModel::refs({t.volume("data")})}});
  EXPECT_EQ(got.code, 4u);
  EXPECT_THAT(got.next_step, HasSubstr("RemoveSyncPair"));
  got = t.call(t.group(), "SetReplicationRelationship", {{"Operation", number(13)}});
  EXPECT_EQ(got.code, 5u);
  EXPECT_EQ(got.parameter, "SyncPairs");
  got = t.call(t.group(), "SetReplicationRelationship",
               {{"Operation", number(13)}, {"SourceStorageObjects", TestModel::refs({t.volume("data")})}, {"TargetStorageObjects", TestModel::refs({t.volume("data"), t.volume("log")})}});
  EXPECT_EQ(got.parameter, "TargetStorageObjects");
}

}  // namespace
}  // namespace lockstep::cim
