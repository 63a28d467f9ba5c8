// Groups and the replica between them in one call; their end; and operations of single pairs.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "manage/manage_testing.h"

namespace lockstep::manage {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::SizeIs;
using replica::Operation;
using testing::TestSystem;

struct CreateRelationships : ::testing::Test {
  CreateRelationships() {
    t.start();
    t.make_objects();
    for (const char* name : {"p/x", "p/y", "p/tx", "p/ty"}) TestSystem::ok(t.run(t.system->create_volume(admin, name, 1_MiB)));
    wanted.source.volumes = {"p/x", "p/y"};
    wanted.replica.sync_type = 6;
    wanted.replica.relationship_name = "xy";
  }
  ReturnCode create() {
    Answer<Outcome> answer = t.run(t.system->create_relationship(admin, wanted));
    if (answer) return ReturnCode::completed;
    last = answer.error();
    return last.code;
  }
  std::vector<std::string> groups() {
    std::vector<std::string> out;
    for (const GroupInfo& info : t.run(t.system->groups())) out.push_back(info.row.name);
    return out;
  }
  std::string bad() {
    EXPECT_EQ(create(), ReturnCode::invalid_parameter);
    EXPECT_THAT(groups(), ElementsAre("db")) << "what was made for the call is gone again";
    return last.parameter;
  }
  Caller admin = TestSystem::admin();
  CreateRelationship wanted;
  Refusal last;
  TestSystem t;
};

TEST_F(CreateRelationships, GroupsAreMadeOfVolumesInTheirOrder) {
  wanted.source.name = "xs";
  wanted.target.volumes = {"p/tx", "p/ty"};
  wanted.target.name = "ts";
  EXPECT_EQ(create(), ReturnCode::completed) << last.message;
  EXPECT_THAT(groups(), ElementsAre("db", "ts", "xs"));
  EXPECT_THAT(t.run(t.system->groups())[1].volumes, ElementsAre("tx", "ty"));
  ASSERT_THAT(t.engine->created, SizeIs(1));
  EXPECT_EQ(t.engine->created[0].target_group, "ts");
}

TEST_F(CreateRelationships, WhatNobodyNamedIsNamedAfterTheRelationship) {
  EXPECT_EQ(create(), ReturnCode::completed) << last.message;
  EXPECT_THAT(groups(), ElementsAre("db", "xy"));
}

TEST_F(CreateRelationships, ARefusalTakesBackWhatWasMadeForIt) {
  wanted.replica.mode = 2;
  wanted.replica.rpo_seconds = 9;
  EXPECT_EQ(bad(), "RecoveryPointObjective");
  wanted.replica.rpo_seconds.reset();
  wanted.target.volumes = {"p/tx"};
  EXPECT_EQ(bad(), "TargetStorageElements");   // one target, two sources
  wanted.target.volumes = {"p/tx", "p/none"};
  EXPECT_EQ(create(), ReturnCode::not_found);
  EXPECT_THAT(groups(), ElementsAre("db"));
  wanted.target.volumes.clear();
  t.engine->create_fails = Error{Code::no_space, "full"};
  EXPECT_EQ(create(), ReturnCode::insufficient_resources);
  EXPECT_THAT(groups(), ElementsAre("db"));
}

TEST_F(CreateRelationships, EachSideIsSaidOnce) {
  wanted.source.group = "db";
  EXPECT_EQ(bad(), "SourceStorageElements");
  wanted.source.group.reset();
  wanted.source.volumes.clear();
  EXPECT_EQ(bad(), "SourceStorageElements");
  wanted.source.volumes = {"p/x"};
  wanted.target.volumes = {"p/tx"};
  wanted.replica.target_pool = "p";
  EXPECT_EQ(bad(), "TargetStoragePool");
  wanted.replica.target_pool.reset();
  wanted.replica.target_system = "elsewhere";
  EXPECT_EQ(bad(), "TargetStorageElements");
  wanted.replica.target_system.reset();
  wanted.source.volumes = {"p/data"};   // in another group
  EXPECT_EQ(create(), ReturnCode::failed);
  wanted.source.volumes = {"p/x"};
  wanted.source.settings = ReplicaDefaults{9, 7};
  EXPECT_EQ(bad(), "SourceReplicationGroupSettings");
}

TEST_F(CreateRelationships, ItsEndTakesGroupsThatNothingHolds) {
  EXPECT_EQ(create(), ReturnCode::completed);
  TestSystem::ok(t.run(t.system->create_snapshot(admin, "xy", "monday")));
  ASSERT_TRUE(t.run(t.system->remove_relationship(admin, "xy")));
  EXPECT_THAT(groups(), ElementsAre("db", "xy"));   // its snapshot holds it
  TestSystem::ok(t.run(t.system->delete_snapshot(admin, "xy", "monday")));
  wanted.source.volumes.clear();
  wanted.source.group = "xy";
  EXPECT_EQ(create(), ReturnCode::completed) << last.message;
  ASSERT_TRUE(t.run(t.system->remove_relationship(admin, "xy")));
  EXPECT_THAT(groups(), ElementsAre("db"));
  EXPECT_THAT(t.run(t.system->volumes()), SizeIs(6));
}

TEST_F(CreateRelationships, OperationsOfPairsNameThem) {
  TestSystem::ok(t.run(t.system->create_replica(admin, TestSystem::mirror("r"))));
  std::vector<VolumeUuid> uuids;
  for (const VolumeInfo& info : t.run(t.system->volumes()))
    if (info.export_name == "p/data" || info.export_name == "p/log") uuids.push_back(info.row.uuid);
  t.engine->of("r").relationship.pairs = {{uuids[0], uuids[0]}, {uuids[1], uuids[1]}};
  auto ask = [&](Operation operation, std::vector<std::string> volumes) {
    Answer<Outcome> answer = t.run(t.system->set_pairs(admin, "r", static_cast<std::uint16_t>(operation), std::move(volumes)));
    if (answer) return ReturnCode::completed;
    last = answer.error();
    return last.code;
  };
  EXPECT_EQ(ask(Operation::remove_sync_pair, {"p/data"}), ReturnCode::completed);
  ASSERT_THAT(t.engine->pairs_operated, SizeIs(1));
  EXPECT_EQ(ask(Operation::detach, {"p/data"}), ReturnCode::completed);
  EXPECT_THAT(t.engine->pairs_operated, SizeIs(2));
  EXPECT_EQ(ask(Operation::suspend, {"p/data"}), ReturnCode::failed);
  EXPECT_THAT(last.message, HasSubstr("one order"));
  EXPECT_EQ(ask(Operation::resume, {"p/data"}), ReturnCode::completed);    // it flows already
  EXPECT_EQ(ask(Operation::return_to_resource_pool, {"p/data"}), ReturnCode::not_supported);
  EXPECT_EQ(ask(Operation::remove_sync_pair, {"p/x"}), ReturnCode::not_found);
  EXPECT_EQ(ask(Operation::remove_sync_pair, {}), ReturnCode::invalid_parameter);
  EXPECT_EQ(ask(static_cast<Operation>(26), {"p/data"}), ReturnCode::invalid_parameter);
  EXPECT_THAT(t.engine->pairs_operated, SizeIs(2));
  EXPECT_EQ(ask(Operation::suspend, {"p/data", "p/log"}), ReturnCode::completed);   // all of them: the group
  EXPECT_EQ(t.engine->operated.back(), Operation::suspend);
  Answer<Outcome> unnamed = t.run(t.system->set_relationship(admin, "r", static_cast<std::uint16_t>(Operation::add_sync_pair)));
  ASSERT_FALSE(unnamed);
}

}  // namespace
}  // namespace lockstep::manage
