#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>

#include "manage/manage_testing.h"
#include "manage/registry.h"

namespace lockstep::manage {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using replica::CopyState;
using replica::Operation;
using testing::TestSystem;

struct Systems : ::testing::Test {
  Systems() {
    t.start();
    t.make_objects();
  }
  template <class T>
  ReturnCode code(Answer<T> answer) {
    if (answer) return ReturnCode::completed;
    last = answer.error();
    return last.code;
  }
  Caller admin = TestSystem::admin();
  Refusal last;
  TestSystem t;
};

TEST_F(Systems, ObjectsSurviveARestart) {
  SystemId id = t.system->self().id;
  auto certificate = t.system->self().identity.certificate_pem;
  t.options.name = "another";   // kept from the first start on
  t.restart();
  EXPECT_EQ(t.system->self().id, id);
  EXPECT_EQ(t.system->self().name, "a");
  EXPECT_EQ(t.system->self().identity.certificate_pem, certificate);
  EXPECT_THAT(t.run(t.system->export_names()), ElementsAre("p/data", "p/log"));
  auto groups = t.run(t.system->groups());
  ASSERT_EQ(groups.size(), 1u);
  EXPECT_THAT(groups[0].volumes, ElementsAre("data", "log"));
}

TEST_F(Systems, ADirectoryHasOneSystemAtATime) {
  auto second = t.run(manage::start(t.host, t.host.loop(), "/data", t.options));
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, Code::busy);
}

TEST_F(Systems, APoolThatDoesNotOpenIsListedWithItsErrorAndTroublesNoOther) {
  TestSystem::ok(t.run(t.system->create_pool(admin, "q", "")));
  t.stop();
  t.host.restart();
  auto real = pool::open_native;
  t.options.open_pool = [real](os::Host& h, rt::Loop& loop, std::string directory, std::string name, pool::Options options, bool create) -> rt::Task<Result<std::unique_ptr<pool::Pool>>> {
    if (name == "q") options.store.capacity = Bytes{1};   // of no use to anybody
    return real(h, loop, name == "q" ? "/nowhere" : directory, name, options, create);
  };
  t.start();
  auto pools = t.run(t.system->pools());
  ASSERT_EQ(pools.size(), 2u);
  const PoolInfo& broken = pools[0].error ? pools[0] : pools[1];
  EXPECT_EQ(broken.status.name, "q");
  EXPECT_TRUE(broken.error);
  EXPECT_THAT(t.run(t.system->export_names()), ElementsAre("p/data", "p/log"));
  EXPECT_EQ(code(t.run(t.system->create_volume(admin, "q/x", 1_MiB))), ReturnCode::failed);
  EXPECT_THAT(last.message, HasSubstr("not open"));
}

TEST_F(Systems, NamesAreResolvedWhereTheyAreUnambiguous) {
  TestSystem::ok(t.run(t.system->create_pool(admin, "q", "")));
  EXPECT_EQ(code(t.run(t.system->set_read_only(admin, "data", true))), ReturnCode::completed);
  TestSystem::ok(t.run(t.system->create_volume(admin, "q/data", 1_MiB)));
  EXPECT_EQ(code(t.run(t.system->set_read_only(admin, "data", false))), ReturnCode::invalid_parameter);
  EXPECT_THAT(last.next_step, HasSubstr("POOL/NAME"));
  EXPECT_EQ(code(t.run(t.system->set_read_only(admin, "q/data", true))), ReturnCode::completed);
  std::vector<VolumeInfo> volumes = t.run(t.system->volumes());
  EXPECT_EQ(code(t.run(t.system->set_read_only(admin, text_of(volumes.front().row.uuid), false))), ReturnCode::completed);
  EXPECT_EQ(code(t.run(t.system->set_read_only(admin, "p/none", false))), ReturnCode::not_found);
  EXPECT_EQ(code(t.run(t.system->set_read_only(admin, "none/data", false))), ReturnCode::not_found);
}

TEST(Space, APoolIsNearlyFullWhenLessIsLeftThanIsKeptBack) {
  auto space = [](Bytes total, Bytes used, Bytes kept) {
    store::Space out{};
    out.total = total;
    out.used = used;
    out.reserved = kept;
    return out;
  };
  EXPECT_FALSE(nearly_full(space(100_GiB, 50_GiB, 64_MiB)));
  EXPECT_FALSE(nearly_full(space(100_GiB, 100_GiB - 128_MiB, 64_MiB)));
  EXPECT_TRUE(nearly_full(space(100_GiB, 100_GiB - 127_MiB, 64_MiB)));
  EXPECT_FALSE(nearly_full(space(100_MiB, 65_MiB, 25_MiB)));   // a tenth of a small one
  EXPECT_TRUE(nearly_full(space(100_MiB, 66_MiB, 25_MiB)));
  EXPECT_EQ(free_in(space(100_MiB, 90_MiB, 25_MiB)), Bytes{0});
}

TEST_F(Systems, DefaultsOfAGroupGoWithIt) {
  const GroupId group = t.run(t.system->groups()).front().row.id;
  TestSystem::ok(t.run(t.system->set_replica_defaults(admin, "db", ReplicaDefaults{3, 2})));
  t.restart();
  EXPECT_EQ(t.system->replica_defaults(group).target_element_supplier, 3);
  TestSystem::ok(t.run(t.system->delete_group(admin, "db")));
  EXPECT_EQ(t.system->replica_defaults(group).target_element_supplier, ReplicaDefaults{}.target_element_supplier);
}

TEST_F(Systems, WhatIsInUseIsNotDeleted) {
  EXPECT_EQ(code(t.run(t.system->delete_volume(admin, "p/data"))), ReturnCode::failed);
  EXPECT_EQ(code(t.run(t.system->delete_pool(admin, "p"))), ReturnCode::failed);
  EXPECT_THAT(last.message, HasSubstr("2 volumes"));
  TestSystem::ok(t.run(t.system->create_replica(admin, TestSystem::mirror("r"))));
  EXPECT_EQ(code(t.run(t.system->delete_group(admin, "db"))), ReturnCode::contains_replicas);
  EXPECT_EQ(code(t.run(t.system->resize_volume(admin, "p/data", 16_MiB))), ReturnCode::failed);
  TestSystem::ok(t.run(t.system->set_relationship(admin, "r", static_cast<std::uint16_t>(Operation::detach))));
  EXPECT_EQ(code(t.run(t.system->delete_group(admin, "db"))), ReturnCode::completed);
  EXPECT_EQ(code(t.run(t.system->delete_volume(admin, "p/data"))), ReturnCode::completed);
  EXPECT_EQ(code(t.run(t.system->delete_volume(admin, "p/log"))), ReturnCode::completed);
  EXPECT_EQ(code(t.run(t.system->delete_pool(admin, "p"))), ReturnCode::completed);
}

TEST_F(Systems, BadValuesNameTheirParameter) {
  auto parameter = [&](Answer<> answer) {
    EXPECT_EQ(code(answer), ReturnCode::invalid_parameter);
    return last.parameter;
  };
  EXPECT_EQ(parameter(t.run(t.system->create_volume(admin, "data2", 1_MiB))), "Name");
  EXPECT_EQ(parameter(t.run(t.system->create_volume(admin, "p/.x", 1_MiB))), "Name");
  EXPECT_EQ(parameter(t.run(t.system->create_volume(admin, "p/data", 1_MiB))), "Name");
  EXPECT_EQ(parameter(t.run(t.system->create_volume(admin, "p/x", Bytes{1000}))), "Size");
  EXPECT_EQ(parameter(t.run(t.system->create_volume(admin, "p/x", Bytes{0}))), "Size");
  EXPECT_EQ(parameter(t.run(t.system->resize_volume(admin, "p/data", 4_MiB))), "Size");
  EXPECT_EQ(parameter(t.run(t.system->create_pool(admin, "a b", ""))), "Name");
  EXPECT_EQ(parameter(t.run(t.system->create_pool(admin, "p", ""))), "Name");
  EXPECT_EQ(parameter(t.run(t.system->create_pool(admin, "q", "relative/path"))), "Path");
  EXPECT_EQ(parameter(t.run(t.system->create_pool(admin, "q", "/data/pools/p"))), "Path");
  std::vector<std::string> twice{"p/data", "p/data"};
  EXPECT_EQ(parameter(t.run(t.system->create_group(admin, "g", twice))), "StorageElements");
  EXPECT_EQ(parameter(t.run(t.system->create_group(admin, "g", {}))), "StorageElements");
}

TEST_F(Systems, AVolumeIsInOneGroup) {
  std::vector<std::string> volumes{"p/data"};
  EXPECT_EQ(code(t.run(t.system->create_group(admin, "other", volumes))), ReturnCode::failed);
  EXPECT_THAT(last.message, HasSubstr("'db'"));
}

TEST_F(Systems, MembersAreAddedAndTakenAway) {
  TestSystem::ok(t.run(t.system->create_volume(admin, "p/more", 1_MiB)));
  std::vector<std::string> more{"more"};
  EXPECT_EQ(code(t.run(t.system->add_members(admin, "db", more))), ReturnCode::completed);
  EXPECT_EQ(code(t.run(t.system->add_members(admin, "db", more))), ReturnCode::completed);   // no error: it is there
  EXPECT_THAT(t.run(t.system->groups())[0].volumes, ElementsAre("data", "log", "more"));
  std::vector<std::string> first{"p/data"};
  EXPECT_EQ(code(t.run(t.system->remove_members(admin, "db", first))), ReturnCode::completed);
  EXPECT_EQ(code(t.run(t.system->remove_members(admin, "db", first))), ReturnCode::not_found);
  EXPECT_THAT(t.run(t.system->groups())[0].volumes, ElementsAre("log", "more"));
}

TEST_F(Systems, SnapshotsAreTakenClonedAndDeleted) {
  TestSystem::ok(t.run(t.system->create_snapshot(admin, "db", "monday")));
  EXPECT_EQ(code(t.run(t.system->create_snapshot(admin, "db", "monday"))), ReturnCode::invalid_parameter);
  EXPECT_EQ(last.kind, Code::exists);
  auto cloned = t.run(t.system->clone_snapshot(admin, "db", "monday", "test-"));
  ASSERT_TRUE(cloned);
  EXPECT_THAT(*cloned, ElementsAre("p/test-data", "p/test-log"));
  EXPECT_EQ(code(t.run(t.system->delete_snapshot(admin, "db", "monday"))), ReturnCode::completed);
  EXPECT_TRUE(t.run(t.system->snapshots()).empty());
  EXPECT_EQ(code(t.run(t.system->delete_snapshot(admin, "db", "monday"))), ReturnCode::not_found);
}

TEST_F(Systems, RevertingKeepsWhatWasThere) {
  TestSystem::ok(t.run(t.system->create_snapshot(admin, "db", "monday")));
  auto kept = t.run(t.system->revert_group(admin, "db", "monday", "tuesday"));
  ASSERT_TRUE(kept) << kept.error().message;
  EXPECT_EQ(*kept, "tuesday");
  std::vector<std::string> names;
  for (const SnapshotInfo& info : t.run(t.system->snapshots())) names.push_back(info.row.name);
  EXPECT_THAT(names, ::testing::Contains("tuesday"));
}

TEST_F(Systems, OperationsFollowTheTableOfStates) {
  TestSystem::ok(t.run(t.system->create_replica(admin, TestSystem::mirror("r"))));
  auto operate = [&](Operation operation) { return code(t.run(t.system->set_relationship(admin, "r", static_cast<std::uint16_t>(operation)))); };
  EXPECT_EQ(operate(Operation::failback), ReturnCode::failed);
  EXPECT_THAT(last.message, HasSubstr("Synchronized"));
  EXPECT_EQ(operate(Operation::return_to_resource_pool), ReturnCode::not_supported);
  EXPECT_EQ(operate(Operation::suspend), ReturnCode::completed);
  std::size_t before = t.engine->operated.size();
  EXPECT_EQ(operate(Operation::suspend), ReturnCode::completed);   // there already: nothing is asked of the engine
  EXPECT_EQ(t.engine->operated.size(), before);
  EXPECT_EQ(code(t.run(t.system->set_relationship(admin, "r", 1))), ReturnCode::invalid_parameter);
  EXPECT_EQ(last.parameter, "Operation");
  EXPECT_EQ(code(t.run(t.system->set_relationship(admin, "r", 26))), ReturnCode::invalid_parameter);
  EXPECT_EQ(code(t.run(t.system->set_relationship(admin, "none", 22))), ReturnCode::not_found);
}

TEST_F(Systems, SettingsKeepTheRuleOfModeAndRecoveryPoint) {
  TestSystem::ok(t.run(t.system->create_replica(admin, TestSystem::mirror("r"))));
  replica::Settings settings = t.engine->of("r").relationship.settings;
  settings.mode = replica::Mode::synchronous;
  EXPECT_EQ(code(t.run(t.system->change_settings(admin, "r", settings))), ReturnCode::invalid_parameter);
  EXPECT_EQ(last.parameter, "RecoveryPointObjective");
  settings.rpo_seconds = 0;
  EXPECT_EQ(code(t.run(t.system->change_settings(admin, "r", settings))), ReturnCode::completed);
  settings.mode = replica::Mode::asynchronous;
  EXPECT_EQ(code(t.run(t.system->change_settings(admin, "r", settings))), ReturnCode::completed);
  EXPECT_EQ(t.engine->of("r").relationship.settings.rpo_seconds, 30u);
}

TEST_F(Systems, CreateReplicaIsGatheredFromWhatIsThere) {
  CreateReplica request = TestSystem::mirror("r");
  request.target_system = "b";
  EXPECT_EQ(code(t.run(t.system->create_replica(admin, request))), ReturnCode::not_found);
  EXPECT_EQ(last.parameter, "TargetStorageSystem");
  replica::PeerReport peer;
  peer.peer.id = t.host.random().id<SystemId>();
  peer.peer.name = "b";
  t.engine->known_peers.push_back(peer);
  EXPECT_EQ(code(t.run(t.system->create_replica(admin, request))), ReturnCode::unreachable);
  replica::Engine::RemotePool pool;
  pool.name = "far";
  pool.free = 1_MiB;
  t.engine->remote_pools[peer.peer.id] = {pool};
  t.engine->next_forecast.bytes = 2_MiB;
  EXPECT_EQ(code(t.run(t.system->create_replica(admin, request))), ReturnCode::insufficient_resources);
  EXPECT_TRUE(t.engine->created.empty());   // nothing was begun by any of these
  t.engine->next_forecast.bytes = Bytes{100};
  EXPECT_EQ(code(t.run(t.system->create_replica(admin, request))), ReturnCode::completed);
  EXPECT_EQ(t.engine->created.front().target_system, peer.peer.id);
  EXPECT_EQ(code(t.run(t.system->create_replica(admin, request))), ReturnCode::invalid_parameter);
  EXPECT_EQ(last.parameter, "RelationshipName");
  request = TestSystem::mirror("s");
  request.target_group = "db";
  request.target_pool = "p";
  EXPECT_EQ(code(t.run(t.system->create_replica(admin, request))), ReturnCode::invalid_parameter);
  EXPECT_EQ(last.parameter, "TargetGroupObject");
  request = TestSystem::mirror("s");
  request.user = "admin";
  request.password = "wrong";
  EXPECT_EQ(code(t.run(t.system->create_replica(admin, request))), ReturnCode::access_denied);
}

TEST_F(Systems, TheRegistryKeepsWhatAnEngineSaved) {
  TestSystem::ok(t.run(t.system->create_replica(admin, TestSystem::mirror("r"))));
  replica::Relationship before = t.engine->of("r").relationship;
  const replica::Sibling other{before.id, "s", "p/far", SystemId{}, Origin{Generation{}, Lsn{77}}};
  before.siblings = {other, other};
  ASSERT_TRUE(t.run(t.engine->keep(before)).has_value());
  t.restart();
  replica::Relationship after = t.engine->of("r").relationship;
  EXPECT_EQ(after.id, before.id);
  EXPECT_EQ(after.group, before.group);
  EXPECT_EQ(after.settings.rpo_seconds, before.settings.rpo_seconds);
  EXPECT_EQ(after.created, before.created);
  ASSERT_EQ(after.siblings.size(), 2U);
  EXPECT_TRUE(after.siblings[1].is(other));
  EXPECT_EQ(after.siblings[1].position, other.position);
}

TEST_F(Systems, MetricsAreTypedOnceAndCarryTheRelationship) {
  TestSystem::ok(t.run(t.system->create_replica(admin, TestSystem::mirror("r"))));
  t.engine->of("r").lag = std::chrono::milliseconds(1500);
  t.engine->of("r").rpo_violated = true;
  t.pass(std::chrono::seconds(1));
  std::string text = t.run(t.system->metrics());
  EXPECT_THAT(text, HasSubstr("lockstep_relationship_lag_seconds{relationship=\"r\",role=\"source\"} 1.5\n"));
  EXPECT_THAT(text, HasSubstr("lockstep_relationship_rpo_violated{relationship=\"r\",role=\"source\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("lockstep_pool_volumes{pool=\"p\"} 2\n"));
  std::map<std::string, int> types;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);)
    if (line.starts_with("# TYPE ")) ++types[line.substr(7, line.find(' ', 7) - 7)];
  for (const auto& [name, count] : types) EXPECT_EQ(count, 1) << name;
}

TEST(Names, AreOfOneKindEverywhere) {
  EXPECT_TRUE(good_name("a.B-9_z"));
  for (const char* bad : {"", ".a", "-a", "a/b", "a:b", "a b", "\xc3\xa4"}) EXPECT_FALSE(good_name(bad)) << bad;
  EXPECT_TRUE(good_name(std::string(100, 'a')));
  EXPECT_FALSE(good_name(std::string(101, 'a')));
  EXPECT_EQ(split_name("p/data").pool, "p");
  EXPECT_EQ(split_name("data").name, "data");
}

TEST(Refusals, EveryCodeHasItsReturnCode) {
  for (Code c : {Code::invalid, Code::not_found, Code::exists, Code::busy, Code::denied, Code::unsupported, Code::read_only, Code::out_of_range, Code::no_space, Code::unreachable, Code::timeout,
                 Code::cancelled, Code::corrupt, Code::io, Code::changed}) {
    Refusal refusal = refusal_of(Error{c, "why"}, "X");
    EXPECT_NE(refusal.code, ReturnCode::completed);
    EXPECT_EQ(refusal.kind, c);
    EXPECT_EQ(refusal.parameter, "X");
  }
}

}  // namespace
}  // namespace lockstep::manage
