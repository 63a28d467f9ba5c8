// Methods as a client calls them: return values, outputs, and what ExtendedStatus names.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "cim/methods/invocation.h"
#include "cim/provider_testing.h"

namespace lockstep::cim {
namespace {

using ::testing::HasSubstr;
using ::testing::SizeIs;
using ::testing::StartsWith;
using model::flag;
using model::number;
using model::text;
using testing::TestModel;
using Got = TestModel::Got;

struct Methods : ::testing::Test {
  Got make_volume(TestModel::In in) { return t.call(t.pool("p"), "CreateStorageVolume", std::move(in)); }
  TestModel t;
};

TEST_F(Methods, AllSixtyTwoAnswerAndNoneFailsWithoutSayingWhy) {
  std::size_t count = 0;
  for (const Class& cls : all_classes())
    for (const Method& method : cls.methods) {
      ++count;
      std::vector<Instance> instances = t.all(cls.name);
      ObjectPath object = instances.empty() ? model::path_by(cls.name, "ObjectId", "none") : path_of(instances.front());
      Got got = t.call(object, std::string(method.name));
      std::string where = std::string(cls.name) + "." + std::string(method.name);
      ASSERT_FALSE(got.error) << where;
      std::size_t outputs = 0;
      for (const Parameter& parameter : method.parameters) outputs += parameter.out ? 1 : 0;
      EXPECT_EQ(got.out.size(), outputs) << where;
      EXPECT_EQ(got.message.empty(), got.code == 0 || got.code == 4096) << where << " " << got.code;
    }
  EXPECT_EQ(count, 62u);
}

TEST_F(Methods, WhatHasNothingBehindItIsNotSupportedAndSaysSo) {
  for (auto [cls, method] : {std::pair{"MSFT_SMFileShare", "GrantAccess"}, {"MSFT_SMFileServer", "CreateFileShare"}, {"MSFT_SMFileSystem", "Delete"}, {"MSFT_SMStorageHardwareID", "Delete"},
                             {"MSFT_SMStorageGroup", "AddInitiator"}}) {
    Got got = t.call(model::path_by(cls, "ObjectId", "x"), method);
    EXPECT_EQ(got.code, 1u) << cls;
    EXPECT_THAT(got.message, HasSubstr(std::string(cls) + "." + method)) << cls;
  }
}

TEST_F(Methods, ReturnValuesAreOnesThatTheMethodDeclares) {
  // Every entry that is offered exists in the schema.
  std::size_t offered = 0;
  for (const Class& cls : all_classes())
    for (const Method& method : cls.methods)
      if (model::find_entry(cls.name, method.name)) ++offered;
  std::size_t entries = 0;
  for (auto list : {model::system_methods, model::relationship_methods, model::job_methods, model::pool_methods, model::volume_methods, model::group_methods, model::capabilities_methods,
                    model::provider_methods, model::discovery_methods})
    entries += list().size();
  EXPECT_EQ(offered, entries);
  EXPECT_EQ(offered, 39u);
}

TEST_F(Methods, AnObjectThatIsGoneIsReturnValueEight) {
  ObjectPath volume = t.volume("data");
  ObjectPath group = t.group();
  std::string id = TestModel::show(group.keys[0].value);
  EXPECT_EQ(t.call(group, "Delete").code, 0u);
  Got got = t.call(group, "Delete");
  EXPECT_EQ(got.code, 8u);
  EXPECT_THAT(got.message, HasSubstr(id));
  EXPECT_EQ(t.call(volume, "Delete").code, 0u);
  EXPECT_EQ(t.call(volume, "SetReadonly").code, 8u);
}

TEST_F(Methods, CredentialsOfTheCallAreCheckedAndCount) {
  manage::Caller reader{"reader", manage::RoleName::read_only};
  Got got = t.call(t.group(), "SetFriendlyName", {{"FriendlyName", text("x")}}, reader);
  EXPECT_EQ(got.code, 40001u);
  got = t.call(t.group(), "SetFriendlyName", {{"FriendlyName", text("x")}, {"username", text("admin")}, {"password", text("wrong")}});
  EXPECT_EQ(got.code, 40001u);
  EXPECT_EQ(got.parameter, "username");
  got = t.call(t.group(), "SetFriendlyName", {{"FriendlyName", text("x")}, {"username", text("admin")}, {"password", text(*t.system->first_password())}}, reader);
  EXPECT_EQ(got.code, 0u);
  EXPECT_EQ(t.show(t.only("MSFT_SMReplicationGroup"), "DisplayName"), "x");
}

// --- pools and volumes

TEST_F(Methods, AVolumeIsMadeInAPoolResizedClosedOpenedAndDeleted) {
  Got got = make_volume({{"ElementName", text("new")}, {"Size", number(1 << 20)}, {"ThinlyProvisioned", flag(true)}});
  ASSERT_EQ(got.code, 0u) << got.message;
  EXPECT_EQ(got.show("Size"), "1048576");
  EXPECT_EQ(got.show("Job"), "NULL");
  ObjectPath volume = got.path("CreatedStorageVolume");
  EXPECT_EQ(t.show(*t.look()->find(volume), "DisplayName"), "new");
  EXPECT_EQ(t.call(volume, "ModifySize", {{"NewSize", number(2 << 20)}}).code, 0u);
  EXPECT_EQ(t.call(volume, "ModifySize", {{"NewSize", number(2 << 20)}}).code, 40316u);
  EXPECT_EQ(t.call(volume, "ModifySize", {{"NewSize", number(1 << 20)}}).code, 40317u);
  got = t.call(volume, "ModifySize", {{"NewSize", number((2 << 20) + 1)}});
  EXPECT_EQ(got.code, 4097u);
  EXPECT_EQ(got.show("NewSize"), std::to_string((2 << 20) + 512));
  EXPECT_EQ(t.call(volume, "SetReadonly").code, 0u);
  EXPECT_EQ(t.show(*t.look()->find(volume), "Access"), "1");
  EXPECT_EQ(t.call(volume, "SetReadWrite").code, 0u);
  EXPECT_EQ(t.call(volume, "Delete").code, 0u);
  EXPECT_FALSE(t.look()->find(volume));
  EXPECT_EQ(t.call(t.volume("data"), "Delete").code, 6u);   // in a group
}

TEST_F(Methods, WhatAVolumeCannotBeHasItsOwnCode) {
  EXPECT_EQ(make_volume({}).code, 5u);
  EXPECT_EQ(make_volume({{"Size", number(0)}}).code, 40321u);
  EXPECT_EQ(make_volume({{"Size", number(512)}, {"UseMaximumSize", flag(true)}}).code, 40320u);
  EXPECT_EQ(make_volume({{"Size", number(100)}}).code, 4097u);
  EXPECT_EQ(make_volume({{"Size", number(512)}, {"ThinlyProvisioned", flag(false)}}).code, 1u);
  EXPECT_EQ(make_volume({{"Size", number(512)}, {"NoSinglePointOfFailure", flag(true)}}).code, 40604u);
  EXPECT_EQ(make_volume({{"Size", number(512)}, {"DataRedundancyGoal", number(2)}}).code, 40606u);
  EXPECT_EQ(make_volume({{"Size", number(512)}, {"PoolSettingObjectId", text("x")}}).parameter, "PoolSettingObjectId");
  Got got = make_volume({{"Size", number(512)}, {"ElementName", text("data")}});
  EXPECT_EQ(got.code, 5u);
  EXPECT_EQ(got.parameter, "ElementName");
}

TEST_F(Methods, APoolIsMadeAndDeletedWhenItIsEmpty) {
  Got got = t.call(t.this_system(), "CreatePool", {{"ElementName", text("q")}});
  ASSERT_EQ(got.code, 0u) << got.message;
  ObjectPath pool = got.path("Pool");
  EXPECT_EQ(t.call(pool, "Delete").code, 0u);
  got = t.call(t.pool("p"), "Delete");
  EXPECT_EQ(got.code, 40811u);
  EXPECT_THAT(got.message, HasSubstr("2 volumes"));
  EXPECT_EQ(t.call(t.this_system(), "CreatePool", {{"ElementName", text("p")}}).parameter, "ElementName");
  got = t.call(t.pool("p"), "GetSizesInfo");
  EXPECT_EQ(got.code, 0u);
  EXPECT_EQ(got.show("VolumeSizeDivisor"), "512");
  got = t.call(t.this_system(), "CreateStorageVolume", {{"ElementName", text("anywhere")}, {"Size", number(4096)}});
  EXPECT_EQ(got.code, 0u) << got.message;
}

// --- groups

TEST_F(Methods, AGroupIsMadeChangedNamedAndKeptWhileItHasReplicas) {
  ASSERT_EQ(make_volume({{"ElementName", text("x")}, {"Size", number(4096)}}).code, 0u);
  ASSERT_EQ(make_volume({{"ElementName", text("y")}, {"Size", number(4096)}}).code, 0u);
  Got got = t.call(t.this_system(), "CreateReplicationGroup", {{"FriendlyName", text("g")}, {"StorageElements", TestModel::refs({t.volume("x")})}});
  ASSERT_EQ(got.code, 0u) << got.message;
  EXPECT_EQ(got.show("CreatedReplicationGroup"), "{MSFT_SMReplicationGroup}");
  ObjectPath group = t.path("MSFT_SMReplicationGroup", "DisplayName", "g");
  EXPECT_EQ(t.call(group, "AddMembers", {{"StorageObjects", TestModel::refs({t.volume("y")})}}).code, 0u);
  EXPECT_THAT(t.references(group, "MSFT_SMReplicationGroupToStorageVolume"), SizeIs(2));
  EXPECT_EQ(t.call(group, "AddMembers", {{"StorageObjects", TestModel::refs({t.volume("data")})}}).code, 4u);   // in another group
  got = t.call(group, "AddMembers", {{"StorageObjects", TestModel::refs({t.group()})}});
  EXPECT_EQ(got.code, 5u);
  EXPECT_EQ(got.parameter, "StorageObjects");
  EXPECT_EQ(t.call(group, "RemoveMembers", {{"STorageObjects", TestModel::refs({t.volume("x")})}}).code, 0u);
  EXPECT_EQ(t.call(group, "RemoveMembers", {{"STorageObjects", TestModel::refs({t.volume("x")})}}).code, 8u);
  EXPECT_EQ(t.call(group, "SetFriendlyName", {{"FriendlyName", text("h")}}).code, 0u);
  EXPECT_EQ(t.call(group, "SetFriendlyName", {{"FriendlyName", text("db")}}).parameter, "FriendlyName");
  EXPECT_EQ(t.call(group, "Delete").code, 0u);
  TestModel::ok(t.run(t.system->create_replica(TestModel::admin(), TestModel::mirror("r"))));
  EXPECT_EQ(t.call(t.group(), "Delete").code, 48000u);
}

TEST_F(Methods, SettingsOfAGroupAreKeptAndUsedByItsReplicas) {
  model::Builder b("MSFT_SMReplicationSettings");
  b.set("ObjectId", text("")).set("ThinProvisioningPolicy", number(2)).set("TargetElementSupplier", number(5));
  Value settings = model::embedded(b.take());
  EXPECT_EQ(t.call(t.group(), "SetReplicationSettings", {{"ReplicationSettings", settings}}).code, 0u);
  Got got = t.call(t.group(), "GetReplicationSettings");
  ASSERT_EQ(got.code, 0u);
  EXPECT_EQ(t.show(*t.look()->find(got.path("ReplicationSettings")), "ThinProvisioningPolicy"), "2");
  t.restart();
  t.make_provider_again();
  EXPECT_EQ(t.show(t.only("MSFT_SMReplicationSettings"), "TargetElementSupplier"), "5");
  got = t.call(t.group(), "CreateReplica", {{"SyncType", number(6)}});
  EXPECT_EQ(got.code, 5u);   // the caller was to name a target
  EXPECT_THAT(got.message, HasSubstr("TargetElementSupplier 5"));
  // The instance itself may be modified too.
  Instance instance = t.only("MSFT_SMReplicationSettings");
  for (NamedValue& value : instance.properties)
    if (value.name == "TargetElementSupplier") value.value = number(4);
  std::vector<std::string> changed{"TargetElementSupplier"};
  EXPECT_TRUE(t.run(t.provider->modify(TestModel::admin(), path_of(instance), instance, changed)));
  EXPECT_EQ(t.show(t.only("MSFT_SMReplicationSettings"), "TargetElementSupplier"), "4");
  EXPECT_EQ(t.show(t.only("MSFT_SMReplicationSettings"), "ThinProvisioningPolicy"), "2");
  Instance group = t.only("MSFT_SMReplicationGroup");
  EXPECT_EQ(t.run(t.provider->modify(TestModel::admin(), path_of(group), group, changed)).error().status, Status::not_supported);
}

TEST_F(Methods, DeletingAnInstanceIsItsDeleteMethod) {
  ObjectPath group = t.group();
  EXPECT_TRUE(t.run(t.provider->remove(TestModel::admin(), group)));
  EXPECT_EQ(t.run(t.provider->remove(TestModel::admin(), group)).error().status, Status::not_found);
  EXPECT_EQ(t.run(t.provider->remove(TestModel::admin(), t.this_system())).error().status, Status::not_supported);
  ObjectPath volume = t.volume("log");
  EXPECT_EQ(t.run(t.provider->remove(manage::Caller{"reader", manage::RoleName::read_only}, volume)).error().status, Status::access_denied);
  EXPECT_TRUE(t.run(t.provider->remove(TestModel::admin(), volume)));
}

// --- capabilities

TEST_F(Methods, CapabilitiesComeFromTheTableThatOperationsAreCheckedWith) {
  ObjectPath capabilities = path_of(t.only("MSFT_SMReplicationCapabilities"));
  Got got = t.call(capabilities, "GetSupportedGroupOperations", {{"ReplicationType", number(5)}});
  std::string expected;
  for (replica::Operation operation : replica::operations_of(replica::SyncType::mirror)) expected += (expected.empty() ? "" : ",") + std::to_string(static_cast<unsigned>(operation));
  EXPECT_EQ(got.show("SupportedGroupOperations"), "[" + expected + "]");
  EXPECT_THAT(t.call(capabilities, "GetSupportedGroupCopyStates", {{"ReplicationType", number(4)}}).show("SupportedCopyStates"), StartsWith("[2,3,4,5,6,7,8,9,10,11,12,13,14"));
  EXPECT_EQ(t.call(capabilities, "GetSupportedFeatures", {{"ReplicationType", number(26)}}).parameter, "ReplicationType");
  EXPECT_EQ(t.call(capabilities, "GetSupportedFeatures").code, 5u);
  got = t.call(capabilities, "GetRecoveryPointData", {{"ReplicationType", number(19)}});
  EXPECT_EQ(got.show("DefaultRecoveryPoint") + got.show("RecoveryPointValues") + got.show("RecoveryPointIndicator"), "30[1,86400]0");
  got = t.call(capabilities, "GetRecoveryPointData", {{"ReplicationType", number(2)}});
  EXPECT_EQ(got.show("DefaultRecoveryPoint") + got.show("RecoveryPointValues") + got.show("RecoveryPointIndicator"), "0[0]1");
}

// --- discovery, diagnosis

TEST_F(Methods, ADiscoveryShowsThePeerAndItsPools) {
  t.add_peer("b");
  ObjectPath discovery = path_of(t.only("MSFT_SMStorageDiscovery"));
  EXPECT_THAT(t.all("MSFT_SMSystem"), SizeIs(1));
  EXPECT_EQ(t.call(discovery, "StartDiscovery", {{"host", text("b")}, {"hostType", text("smis-cimxml")}}).code, 0u);
  EXPECT_THAT(t.all("MSFT_SMSystem"), SizeIs(2));
  EXPECT_THAT(t.references(t.path("MSFT_SMSystem", "DisplayName", "b"), "MSFT_SMSystemToPool"), SizeIs(1));
  Got got = t.call(discovery, "StartDiscovery", {{"host", text("nobody")}});
  EXPECT_EQ(got.code, 1u);
  EXPECT_EQ(got.parameter, "host");
  ObjectPath provider = path_of(t.only("MSFT_SMProvider"));
  EXPECT_EQ(t.call(provider, "Remove").code, 5u);
  EXPECT_EQ(t.call(provider, "Remove", {{"username", text("admin")}, {"password", text(*t.system->first_password())}}).code, 0u);
  EXPECT_THAT(t.all("MSFT_SMSystem"), SizeIs(1));
}

TEST_F(Methods, ADiagnosisNamesWhatIsWrong) {
  Got got = t.call(t.this_system(), "Diagnose");
  EXPECT_EQ(got.show("reason"), "nothing is wrong");
  TestModel::ok(t.run(t.system->create_replica(TestModel::admin(), TestModel::mirror("r"))));
  t.engine->of("r").cause = "the target is out of space";
  t.engine->set_state("r", replica::CopyState::broken);
  got = t.call(t.this_system(), "Diagnose");
  EXPECT_EQ(got.code, 0u);
  EXPECT_THAT(got.show("reason"), HasSubstr("'r' is Broken: the target is out of space"));
  EXPECT_EQ(got.show("DiagnoseResults"), "[{MSFT_SMStorageDiagnoseResult}]");
}

}  // namespace
}  // namespace lockstep::cim
