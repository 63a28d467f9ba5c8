// Each rule of CreateReplica: what breaks it, with which return code and parameter, and which of two broken ones is told.
#include "manage/create_checks.h"

#include <gtest/gtest.h>

namespace lockstep::manage {
namespace {

// A call that breaks no rule: a mirror of a group of two volumes, here.
CreateFacts good() {
  CreateFacts facts;
  facts.caller = Caller{"root", RoleName::administrator};
  facts.request.group = "db";
  facts.request.sync_type = 6;
  facts.source.name = "p/db";
  facts.source.members = {VolumeId{1}, VolumeId{2}};
  facts.source.sizes = {8_MiB, 16_MiB};
  facts.system_name = "a";
  replica::Engine::RemotePool pool;
  pool.name = "p";
  pool.id.bytes[0] = std::byte{7};
  pool.free = 1_GiB;
  facts.target_pools.push_back(pool);
  return facts;
}

GroupFacts target_group(std::vector<Bytes> sizes) {
  GroupFacts group;
  group.name = "p/t";
  group.sizes = std::move(sizes);
  for (std::size_t i = 0; i < group.sizes.size(); ++i) group.members.push_back(VolumeId{10 + i});
  return group;
}

Refusal refusal(std::string message) { return Refusal{ReturnCode::not_found, std::move(message), "", "x", Code::not_found}; }

struct Case {
  const char* about;
  void (*change)(CreateFacts&);
  ReturnCode code;
  const char* parameter;
};

const Case cases[] = {
    {"reader", [](CreateFacts& f) { f.caller.role = RoleName::read_only; }, ReturnCode::access_denied, "root"},
    {"credentials", [](CreateFacts& f) { f.credentials = Refusal{ReturnCode::access_denied, "wrong", "", "UserName", Code::denied}; }, ReturnCode::access_denied, "UserName"},
    {"no group", [](CreateFacts& f) { f.no_group = refusal("gone"); }, ReturnCode::not_found, "x"},
    {"no type", [](CreateFacts& f) { f.request.sync_type.reset(); }, ReturnCode::invalid_parameter, "SyncType"},
    {"type 5", [](CreateFacts& f) { f.request.sync_type = 5; }, ReturnCode::invalid_parameter, "SyncType"},
    {"type 10", [](CreateFacts& f) { f.request.sync_type = 10; }, ReturnCode::invalid_parameter, "SyncType"},
    {"vendor type", [](CreateFacts& f) { f.request.sync_type = 32768; }, ReturnCode::invalid_parameter, "SyncType"},
    {"mode 1", [](CreateFacts& f) { f.request.mode = 1; }, ReturnCode::invalid_parameter, "Mode"},
    {"mode 5", [](CreateFacts& f) { f.request.mode = 5; }, ReturnCode::invalid_parameter, "Mode"},
    {"empty source", [](CreateFacts& f) { f.source.members.clear(); f.source.sizes.clear(); }, ReturnCode::invalid_parameter, "this"},
    {"unknown system", [](CreateFacts& f) { f.no_system = Refusal{ReturnCode::not_found, "who", "", "TargetStorageSystem", Code::not_found}; }, ReturnCode::not_found, "TargetStorageSystem"},
    {"no target group", [](CreateFacts& f) { f.request.target_group = "t"; f.no_target_group = true; }, ReturnCode::not_found, "TargetGroupObject"},
    {"fewer targets", [](CreateFacts& f) { f.target_group = target_group({8_MiB}); }, ReturnCode::invalid_parameter, "TargetGroupObject"},
    {"small target", [](CreateFacts& f) { f.target_group = target_group({8_MiB, 8_MiB}); }, ReturnCode::invalid_parameter, "TargetGroupObject"},
    {"itself", [](CreateFacts& f) { f.target_group = target_group({8_MiB, 16_MiB}); f.target_is_source = true; }, ReturnCode::invalid_parameter, "TargetGroupObject"},
    {"circle", [](CreateFacts& f) { f.target_group = target_group({8_MiB, 16_MiB}); f.cycle = true; }, ReturnCode::invalid_parameter, "TargetGroupObject"},
    {"target of another", [](CreateFacts& f) { f.target_group = target_group({8_MiB, 16_MiB}); f.target_group->is_target = true; }, ReturnCode::failed, "TargetGroupObject"},
    {"client must supply", [](CreateFacts& f) { f.request.target_element_supplier = 5; }, ReturnCode::invalid_parameter, "ReplicationSettings"},
    {"use existing", [](CreateFacts& f) { f.request.target_element_supplier = 1; }, ReturnCode::invalid_parameter, "ReplicationSettings"},
    {"unknown pool", [](CreateFacts& f) { f.request.target_pool = "q"; }, ReturnCode::not_found, "TargetStoragePool"},
    {"pool too small", [](CreateFacts& f) { f.bytes_needed = 2_GiB; }, ReturnCode::insufficient_resources, "TargetStoragePool"},
    {"a nearly full source", [](CreateFacts& f) { f.no_room = Refusal{ReturnCode::insufficient_resources, "nearly full", "", "p", Code::no_space}; }, ReturnCode::insufficient_resources, "p"},
    {"sync with RPO", [](CreateFacts& f) { f.request.mode = 2; f.request.rpo_seconds = 1; }, ReturnCode::invalid_parameter, "RecoveryPointObjective"},
    {"snapshot with RPO", [](CreateFacts& f) { f.request.sync_type = 7; f.request.rpo_seconds = 30; }, ReturnCode::invalid_parameter, "RecoveryPointObjective"},
    {"clone with RPO", [](CreateFacts& f) { f.request.sync_type = 8; f.request.mode = 3; f.request.rpo_seconds = 30; }, ReturnCode::invalid_parameter, "RecoveryPointObjective"},
    {"RPO of two days", [](CreateFacts& f) { f.request.rpo_seconds = 2 * 86400; }, ReturnCode::invalid_parameter, "RecoveryPointObjective"},
    {"adaptive RPO of two days", [](CreateFacts& f) { f.request.mode = 4; f.request.rpo_seconds = 86401; }, ReturnCode::invalid_parameter, "RecoveryPointObjective"},
    {"supplier 6", [](CreateFacts& f) { f.request.target_element_supplier = 6; }, ReturnCode::invalid_parameter, "ReplicationSettings"},
    {"policy 1", [](CreateFacts& f) { f.request.thin_provisioning_policy = 1; }, ReturnCode::invalid_parameter, "ReplicationSettings"},
    {"policy 8", [](CreateFacts& f) { f.request.thin_provisioning_policy = 8; }, ReturnCode::invalid_parameter, "ReplicationSettings"},
    {"thin to full", [](CreateFacts& f) { f.request.thin_provisioning_policy = 3; }, ReturnCode::not_supported, "ReplicationSettings"},
    {"name taken", [](CreateFacts& f) { f.request.relationship_name = "r"; f.relationship_names = {"r"}; }, ReturnCode::invalid_parameter, "RelationshipName"},
    {"bad name", [](CreateFacts& f) { f.request.relationship_name = "a/b"; }, ReturnCode::invalid_parameter, "RelationshipName"},
    {"nobody answers", [](CreateFacts& f) { f.local = false; f.unreachable = Refusal{ReturnCode::unreachable, "nobody", "", "TargetStorageSystem", Code::unreachable}; }, ReturnCode::unreachable, "TargetStorageSystem"},
};

TEST(CreateReplica, ACallThatBreaksNoRulePasses) { EXPECT_TRUE(check_create(good())); }

TEST(CreateReplica, EachRuleHasItsCodeAndNamesItsParameter) {
  for (const Case& c : cases) {
    CreateFacts facts = good();
    c.change(facts);
    Answer<> answer = check_create(facts);
    ASSERT_FALSE(answer) << c.about;
    EXPECT_EQ(answer.error().code, c.code) << c.about << ": " << answer.error().message;
    EXPECT_EQ(answer.error().parameter, c.parameter) << c.about;
    EXPECT_FALSE(answer.error().message.empty()) << c.about;
  }
}

TEST(CreateReplica, OfTwoBrokenRulesTheEarlierIsTold) {
  std::size_t count = std::size(cases);
  for (std::size_t i = 0; i < count; ++i) {
    CreateFacts facts = good();
    facts.caller.role = RoleName::read_only;
    cases[i].change(facts);
    EXPECT_EQ(check_create(facts).error().code, ReturnCode::access_denied) << cases[i].about;
  }
  CreateFacts facts = good();
  facts.request.sync_type = 99;
  facts.request.target_pool = "q";
  facts.request.rpo_seconds = 1000000;
  EXPECT_EQ(check_create(facts).error().parameter, "SyncType");
}

TEST(CreateReplica, ChecksAreInTheModelsOrder) {
  unsigned last = 0;
  for (const CreateCheck& check : create_checks()) {
    EXPECT_GT(check.number, last) << check.about;
    last = check.number;
  }
}

TEST(CreateReplica, APoolBesideAGroupWithVolumesIsIgnored) {
  CreateFacts facts = good();
  facts.target_group = target_group({8_MiB, 16_MiB});
  facts.request.target_pool = "q";
  facts.bytes_needed = 100_GiB;
  EXPECT_TRUE(check_create(facts));
}

TEST(CreateReplica, APoolMayBeNamedByItsId) {
  CreateFacts facts = good();
  facts.request.target_pool = text_of(facts.target_pools.front().id);
  EXPECT_TRUE(check_create(facts));
}

TEST(CreateReplica, DefaultsAreThoseOfTheModel) {
  CreateReplica request;
  request.sync_type = 6;
  EXPECT_EQ(settings_of(request).mode, replica::Mode::asynchronous);
  EXPECT_EQ(settings_of(request).rpo_seconds, 30u);
  request.mode = 2;
  EXPECT_EQ(settings_of(request).rpo_seconds, 0u);
  request.mode = 4;
  request.rpo_seconds = 5;
  EXPECT_EQ(settings_of(request).rpo_seconds, 5u);
  request = {};
  request.sync_type = 8;
  EXPECT_EQ(settings_of(request).mode, replica::Mode::synchronous);
  EXPECT_EQ(settings_of(request).rpo_seconds, 0u);
}

}  // namespace
}  // namespace lockstep::manage
