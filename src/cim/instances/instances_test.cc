// What is said of objects, and that everything is found by its path and from both of its ends.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "cim/provider_testing.h"

namespace lockstep::cim {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::SizeIs;
using testing::TestModel;

struct Instances : ::testing::Test {
  // A mirror of db to a group of the same system, with its pairs; and one to the peer b.
  void relate() {
    peer = t.add_peer("b");
    for (const char* name : {"data2", "log2"}) TestModel::ok(t.run(t.system->create_volume(TestModel::admin(), std::string("p/") + name, 8_MiB)));
    std::vector<std::string> members{"p/data2", "p/log2"};
    TestModel::ok(t.run(t.system->create_group(TestModel::admin(), "copy", members)));
    for (const char* name : {"near", "far"}) {
      manage::CreateReplica request = TestModel::mirror(name);
      if (request.relationship_name == "far") request.target_system = "b";
      TestModel::ok(t.run(t.system->create_replica(TestModel::admin(), request)));
    }
    auto uuid = [&](const std::string& name) {
      for (const manage::VolumeInfo& info : t.run(t.system->volumes()))
        if (info.row.name == name) return info.row.uuid;
      return VolumeUuid{};
    };
    t.engine->of("near").relationship.pairs = {{uuid("data"), uuid("data2")}, {uuid("log"), uuid("log2")}};
    t.engine->of("near").relationship.peer_pool = "p";
    t.engine->of("near").relationship.peer_group = "copy";
    far_volume = t.host.random().id<VolumeUuid>();
    t.engine->of("far").relationship.pairs = {{uuid("data"), far_volume}, {uuid("log"), t.host.random().id<VolumeUuid>()}};
  }
  TestModel t;
  SystemId peer;
  VolumeUuid far_volume;
};

bool fits(const Property& property, const Scalar& scalar) {
  switch (property.type) {
    case Type::boolean: return std::holds_alternative<bool>(scalar);
    case Type::datetime: return std::holds_alternative<DateTime>(scalar) && std::get<DateTime>(scalar).text.size() == 25;
    case Type::reference: return std::holds_alternative<std::shared_ptr<const ObjectPath>>(scalar);
    case Type::string: return std::holds_alternative<std::string>(scalar) || std::holds_alternative<std::shared_ptr<const Instance>>(scalar);
    case Type::uint16: return std::holds_alternative<std::uint64_t>(scalar) && std::get<std::uint64_t>(scalar) <= 65535;
    case Type::uint32: return std::holds_alternative<std::uint64_t>(scalar) && std::get<std::uint64_t>(scalar) <= 0xFFFFFFFFu;
    default: return std::holds_alternative<std::uint64_t>(scalar);
  }
}
// A number that the value map has; 9 Tokenized and 4 Adaptive are missing from it (the model's own gap).
bool mapped(const Property& property, const Scalar& scalar) {
  const auto* number = std::get_if<std::uint64_t>(&scalar);
  if (!number) return true;
  for (const Qualifier& qualifier : property.qualifiers) {
    if (qualifier.name != "ValueMap") continue;
    for (std::string_view value : qualifier.values)
      if (value == std::to_string(*number)) return true;
    return false;
  }
  return true;
}

TEST_F(Instances, EveryValueHasTheTypeOfItsPropertyAndIsInItsValueMap) {
  relate();
  std::size_t count = 0;
  for (const Class& cls : all_classes())
    for (const Instance& instance : t.all(cls.name)) {
      ++count;
      std::span<const Property* const> properties = properties_of(cls);
      ASSERT_EQ(instance.properties.size(), properties.size()) << cls.name;
      for (std::size_t i = 0; i < properties.size(); ++i) {
        const NamedValue& value = instance.properties[i];
        std::string where = instance.class_name + "." + value.name;
        ASSERT_EQ(value.name, properties[i]->name) << where;
        EXPECT_EQ(value.type, properties[i]->type) << where;
        EXPECT_FALSE((properties[i]->key || properties[i]->required) && value.value.is_null()) << where;
        std::vector<Scalar> scalars;
        if (const Scalar* scalar = value.value.scalar()) scalars.push_back(*scalar);
        if (const Value::Array* array = value.value.array())
          for (const Value::Element& element : *array) scalars.push_back(std::get<Scalar>(element));
        EXPECT_EQ(value.value.array() != nullptr, value.is_array && !value.value.is_null()) << where;
        for (const Scalar& scalar : scalars) {
          EXPECT_TRUE(fits(*properties[i], scalar)) << where << " " << TestModel::show(scalar);
          EXPECT_TRUE(mapped(*properties[i], scalar)) << where << " " << TestModel::show(scalar);
        }
      }
    }
  EXPECT_GT(count, 60u);
}

TEST_F(Instances, EverythingIsFoundByItsPathAndAssociationsFromBothEnds) {
  relate();
  auto look = t.look();
  for (const Class& cls : all_classes())
    for (const Instance& instance : t.all(cls.name)) {
      ObjectPath path = path_of(instance);
      std::optional<Instance> found = look->find(path);
      ASSERT_TRUE(found) << cls.name;
      EXPECT_EQ(found->class_name, instance.class_name);
      if (!cls.association) continue;
      for (const NamedValue& key : path.keys) {
        const ObjectPath& end = TestModel::end(instance, key.name);
        EXPECT_TRUE(look->find(end)) << cls.name << " " << key.name;
        std::size_t same = 0;
        look->references(end, cls.name, [&](const Instance& one) {
          bool equal = true;
          for (const NamedValue& k : path.keys) equal = equal && TestModel::show(one, k.name) == TestModel::show(k.value);
          same += equal ? 1 : 0;
          return true;
        });
        EXPECT_EQ(same, 1u) << cls.name << " " << key.name;
      }
    }
  ObjectPath nobody = t.group();
  nobody.keys[0].value = model::text("Lockstep:Group:00000000000000000000000000000000");
  EXPECT_FALSE(look->find(nobody));
  ObjectPath wrong_class = t.group();
  wrong_class.class_name = "MSFT_SMPool";
  EXPECT_FALSE(look->find(wrong_class));
  ObjectPath base = t.group();
  base.class_name = "MSFT_SMStorageObject";
  EXPECT_TRUE(look->find(base));
}

TEST_F(Instances, WhatHasNothingBehindItIsEmpty) {
  for (const char* name : {"MSFT_SMFabric", "MSFT_SMSwitch", "MSFT_SMZone", "MSFT_SMZoneSet", "MSFT_SMFCPort", "MSFT_SMFileServer", "MSFT_SMFileShare", "MSFT_SMFileSystem", "MSFT_SMDiskDrive",
                           "MSFT_SMiSCSIPortalEndpoint", "MSFT_SMStorageHardwareID", "MSFT_SMPrimordialPoolToConcretePool", "Win32_ProviderEx"})
    EXPECT_THAT(t.all(name), SizeIs(0)) << name;
}

TEST_F(Instances, AVolumeSaysWhatItIs) {
  Instance volume = t.with("MSFT_SMStorageVolume", "DisplayName", "data");
  EXPECT_EQ(t.show(volume, "NumberOfBlocks"), std::to_string((8_MiB).value / 512));
  EXPECT_EQ(t.show(volume, "OtherIdentifyingInfo"), "[p/data]");
  EXPECT_EQ(t.show(volume, "Access"), "3");
  EXPECT_EQ(t.show(volume, "Usage"), "2");
  EXPECT_EQ(t.show(volume, "ThinlyProvisioned"), "TRUE");
  EXPECT_EQ(t.show(volume, "SMLunId"), "NULL");
  EXPECT_EQ(t.show(volume, "ExtentStripeLength"), "NULL");
  TestModel::ok(t.run(t.system->set_read_only(TestModel::admin(), "p/data", true)));
  EXPECT_EQ(t.show(t.with("MSFT_SMStorageVolume", "DisplayName", "data"), "Access"), "1");
}

TEST_F(Instances, AGroupHasItsVolumesInOrderAndItsSettings) {
  std::vector<std::string> names;
  for (const Instance& link : t.references(t.group(), "MSFT_SMReplicationGroupToStorageVolume")) {
    auto volume = t.look()->find(TestModel::end(link, "Child"));
    ASSERT_TRUE(volume);
    names.push_back(t.show(*volume, "DisplayName"));
  }
  EXPECT_THAT(names, ElementsAre("data", "log"));
  Instance settings = t.only("MSFT_SMReplicationSettings");
  EXPECT_EQ(t.show(settings, "TargetElementSupplier"), "4");
  EXPECT_EQ(t.show(settings, "ThinProvisioningPolicy"), "7");
}

TEST_F(Instances, ARelationshipIsThereFromItsGroupAndFromItsVolumes) {
  relate();
  std::vector<Instance> links = t.references(t.group(), "MSFT_SMReplicationGroupToReplicaPeer");
  ASSERT_THAT(links, SizeIs(2));
  const Instance& near = t.show(links[0], "RelationshipName") == "near" ? links[0] : links[1];
  EXPECT_EQ(t.show(near, "CopyState"), "4");
  EXPECT_EQ(t.show(near, "SyncType"), "6");
  EXPECT_EQ(t.show(near, "Mode"), "3");
  EXPECT_EQ(t.show(near, "RequestedCopyState"), "15");
  EXPECT_EQ(t.show(near, "ConsistencyEnabled"), "TRUE");
  auto peer_of_group = t.look()->find(TestModel::end(near, "Child"));
  ASSERT_TRUE(peer_of_group);
  EXPECT_EQ(t.show(*peer_of_group, "PeerObjectType"), "32769");
  EXPECT_EQ(t.show(*peer_of_group, "PeerObjectName"), "copy");
  EXPECT_EQ(t.show(*peer_of_group, "Element"), "{MSFT_SMReplicationGroup}");
  EXPECT_EQ(t.show(*peer_of_group, "IsPrimary"), "FALSE");
  EXPECT_THAT(t.all("MSFT_SMStorageSynchronized"), SizeIs(2));
  std::vector<Instance> of_volume = t.references(t.volume("data"), "MSFT_SMStorageVolumeToReplicaPeer");
  ASSERT_THAT(of_volume, SizeIs(2));
  EXPECT_EQ(t.show(of_volume[0], "RecoveryPointObjective"), "30");
  EXPECT_EQ(t.show(of_volume[0], "SyncState"), "6");
  Instance far = t.with("MSFT_SMReplicaPeer", "PeerUniqueId", text_of(far_volume));
  EXPECT_EQ(t.show(far, "PeerSystemName"), "b");
  EXPECT_EQ(t.show(far, "PeerObjectId"), model::id_of(far_volume));
  EXPECT_EQ(t.show(far, "Element"), "NULL");
  EXPECT_EQ(t.show(t.with("MSFT_SMStorageVolume", "DisplayName", "data"), "Usage"), "6");
}

TEST_F(Instances, ABrokenRelationshipShowsInItsGroupAndNamesTheCause) {
  relate();
  t.engine->of("near").cause = "the target is out of space";
  t.engine->set_state("near", replica::CopyState::broken);
  Instance group = t.with("MSFT_SMReplicationGroup", "DisplayName", "db");
  EXPECT_EQ(t.show(group, "HealthStatus"), "2");
  EXPECT_EQ(t.show(group, "OperationalStatus"), "[6]");
  EXPECT_THAT(t.show(group, "Description"), HasSubstr("out of space"));
  Instance link = t.with("MSFT_SMReplicationGroupToReplicaPeer", "RelationshipName", "near");
  EXPECT_EQ(t.show(link, "CopyState"), "5");
  EXPECT_EQ(t.show(link, "CopyStateDescription"), "Broken: the target is out of space");
}

TEST_F(Instances, AJobIsThereWithWhatItWorksOn) {
  relate();
  t.engine->operations_wait = true;
  manage::Outcome outcome = TestModel::ok(t.run(t.system->set_relationship(TestModel::admin(), "near", 22)));
  ASSERT_TRUE(outcome.job);
  Instance job = t.only("MSFT_SMJob");
  EXPECT_EQ(t.show(job, "ObjectId"), model::id_of(*outcome.job));
  EXPECT_EQ(t.show(job, "JobState"), "4");
  EXPECT_EQ(t.show(job, "TimeBeforeRemoval"), "00000000000500.000000:000");
  EXPECT_THAT(t.references(path_of(job), "MSFT_SMJobToStorageVolume"), SizeIs(2));
  EXPECT_THAT(t.references(path_of(job), "MSFT_SMJobToPool"), SizeIs(1));
  t.engine->set_state("near", replica::CopyState::suspended);
  t.pass(std::chrono::seconds(1));
  job = t.only("MSFT_SMJob");
  EXPECT_EQ(t.show(job, "JobState"), "7");
  EXPECT_EQ(t.show(job, "OperationalStatus"), "[17,2]");
  EXPECT_EQ(t.show(job, "PercentComplete"), "100");
}

TEST_F(Instances, EveryVolumeIsInTheOneStorageGroupAtEveryNbdAddress) {
  Instance group = t.only("MSFT_SMStorageGroup");
  EXPECT_THAT(t.references(path_of(group), "MSFT_SMStorageGroupToStorageVolume"), SizeIs(2));
  EXPECT_THAT(t.references(path_of(group), "MSFT_SMStorageGroupToEndpoint"), SizeIs(2));
  EXPECT_EQ(t.show(t.with("MSFT_SMEndpoint", "Address", "10.0.0.1:10809"), "PortNumber"), "10809");
  EXPECT_EQ(t.show(t.with("MSFT_SMEndpoint", "Address", "unix:/data/nbd.sock"), "PortNumber"), "NULL");
}

TEST_F(Instances, InteropLeadsToEverything) {
  Instance manager = t.only("CIM_ObjectManager");
  EXPECT_THAT(t.show(manager, "Description"), HasSubstr("1.2.3"));
  std::set<std::string> names;
  for (const Instance& space : t.all("CIM_Namespace")) names.insert(t.show(space, "Name"));
  EXPECT_EQ(names, (std::set<std::string>{"interop", "root/microsoft/windows/storage/sm"}));
  EXPECT_THAT(t.references(path_of(manager), "CIM_NamespaceInManager"), SizeIs(2));
  EXPECT_THAT(t.references(path_of(manager), "CIM_CommMechanismForManager"), SizeIs(1));
  Instance profile = t.with("CIM_RegisteredProfile", "RegisteredName", "Storage Management");
  std::vector<Instance> conforms = t.references(path_of(profile), "CIM_ElementConformsToProfile");
  ASSERT_THAT(conforms, SizeIs(1));
  const ObjectPath& system = TestModel::end(conforms[0], "ManagedElement");
  EXPECT_EQ(system.name_space, storage_name_space);
  EXPECT_TRUE(t.look()->find(system));
}

TEST_F(Instances, TimesAreWrittenAsCimHasThem) {
  EXPECT_EQ(TestModel::show(model::time(WallTime{1'700'000'000'123'456})), "20231114221320.123456+000");
  EXPECT_EQ(TestModel::show(model::time(WallTime{})), "NULL");
  EXPECT_EQ(TestModel::show(model::interval(std::chrono::hours(49) + std::chrono::microseconds(7))), "00000002010000.000007:000");
}

TEST_F(Instances, ALookIsSharedUntilSomethingChanges) {
  auto first = t.look();
  EXPECT_EQ(t.run(t.provider->look()), first);
  TestModel::ok(t.run(t.system->create_volume(TestModel::admin(), "p/fresh", 1_MiB)));
  auto second = t.run(t.provider->look());
  EXPECT_NE(second, first);
  std::size_t volumes = 0;
  second->instances("MSFT_SMStorageVolume", [&](const Instance&) { return ++volumes > 0; });
  EXPECT_EQ(volumes, 3u);
}

TEST_F(Instances, ManyVolumesAreFoundFromTheirPoolAndGroup) {
  std::vector<std::string> members;
  for (int i = 0; i < 100; ++i) {
    members.push_back("p/v" + std::to_string(i));
    TestModel::ok(t.run(t.system->create_volume(TestModel::admin(), members.back(), 1_MiB)));
  }
  TestModel::ok(t.run(t.system->create_group(TestModel::admin(), "many", members)));
  EXPECT_THAT(t.all("MSFT_SMStorageVolume"), SizeIs(102));
  EXPECT_THAT(t.references(t.pool("p"), "MSFT_SMPoolToVolume"), SizeIs(102));
  EXPECT_THAT(t.references(t.path("MSFT_SMReplicationGroup", "DisplayName", "many"), "MSFT_SMReplicationGroupToStorageVolume"), SizeIs(100));
}

}  // namespace
}  // namespace lockstep::cim
