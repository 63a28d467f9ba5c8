// What each operation answers.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cim/cim_testing.h"

namespace lockstep::cim {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using testing::class_of;
using testing::Got;
using testing::id_of;
using testing::list_of;
using testing::make;
using testing::message_of;
using testing::path_param;
using testing::TestCim;
using testing::value_of;

struct Operations : ::testing::Test {
  Operations() { t.populate(3); }
  TestCim t;
};

TEST_F(Operations, GetInstanceShowsWhatIsAskedFor) {
  Got all = t.sm("GetInstance", path_param("InstanceName", "msft_SMStorageVolume", "v1"));
  EXPECT_TRUE(all.has("<PROPERTY NAME=\"Name\" TYPE=\"string\"><VALUE>volume &lt;1&gt;</VALUE></PROPERTY>")) << all.body;
  EXPECT_TRUE(all.has("<PROPERTY NAME=\"DisplayName\" TYPE=\"string\"></PROPERTY>"));
  Got two = t.sm("GetInstance", path_param("InstanceName", "MSFT_SMStorageVolume", "v1") + list_of("PropertyList", {"name", "ObjectId", "NoSuchThing"}) + value_of("IncludeClassOrigin", "true"));
  EXPECT_EQ(two.count("<PROPERTY"), 2u);
  EXPECT_TRUE(two.has("CLASSORIGIN=\"MSFT_SMStorageObject\""));
  EXPECT_EQ(t.sm("GetInstance", path_param("InstanceName", "MSFT_SMStorageVolume", "v1") + list_of("PropertyList", {})).count("<PROPERTY"), 0u);
}

TEST_F(Operations, FaultsHaveTheirNumbers) {
  struct Case {
    const char* operation;
    std::string parameters;
    unsigned error;
  };
  const Case cases[] = {
      {"GetInstance", path_param("InstanceName", "MSFT_SMStorageVolume", "gone"), 6},
      {"GetInstance", path_param("InstanceName", "Nothing", "v1"), 5},
      {"GetInstance", "", 4},
      {"GetInstance", value_of("InstanceName", "v1"), 4},
      {"GetInstance", class_of("InstanceName", "MSFT_SMStorageVolume"), 4},
      {"GetInstance", path_param("InstanceName", "MSFT_SMStorageVolume", "v1") + value_of("Colour", "red"), 4},
      {"GetInstance", path_param("InstanceName", "MSFT_SMStorageVolume", "v1") + path_param("InstanceName", "MSFT_SMStorageVolume", "v2"), 4},
      {"GetInstance", path_param("InstanceName", "MSFT_SMStorageVolume", "v1") + value_of("IncludeClassOrigin", "perhaps"), 4},
      {"GetInstance", path_param("InstanceName", "MSFT_SMStorageVolume", "v1") + value_of("PropertyList", "Name"), 4},
      {"EnumerateInstances", class_of("ClassName", "Nothing"), 5},
      {"EnumerateInstances", "", 4},
      {"EnumerateInstanceNames", class_of("ClassName", "CIM_RegisteredProfile"), 5},   // of the other name space
      {"Associators", path_param("ObjectName", "MSFT_SMPool", "gone"), 6},
      {"Associators", path_param("ObjectName", "MSFT_SMPool", "p") + class_of("AssocClass", "Nothing"), 4},
      {"GetClass", class_of("ClassName", "Nothing"), 6},
      {"GetQualifier", value_of("QualifierName", "Nothing"), 6},
      {"ExecQuery", value_of("QueryLanguage", "SQL") + value_of("Query", "SELECT * FROM MSFT_SMPool"), 14},
      {"ExecQuery", value_of("QueryLanguage", "WQL") + value_of("Query", "SELECT FROM"), 15},
      {"CreateInstance", "<IPARAMVALUE NAME=\"NewInstance\"><INSTANCE CLASSNAME=\"MSFT_SMPool\"/></IPARAMVALUE>", 7},
      {"DeleteClass", class_of("ClassName", "MSFT_SMPool"), 7},
      {"SetQualifier", "", 7},
      {"PullInstancesWithPath", value_of("EnumerationContext", "x") + value_of("MaxObjectCount", "1"), 21},
      {"PullInstancesWithPath", value_of("EnumerationContext", "x") + value_of("MaxObjectCount", "99999999999999999999"), 4},
      {"PullInstancesWithPath", value_of("EnumerationContext", "x"), 4},
      {"CloseEnumeration", value_of("EnumerationContext", "x"), 21},
      {"OpenEnumerateInstances", class_of("ClassName", "MSFT_SMPool") + value_of("OperationTimeout", "100000"), 22},
      {"OpenEnumerateInstances", class_of("ClassName", "MSFT_SMPool") + value_of("ContinueOnError", "true"), 26},
      {"OpenEnumerateInstances", class_of("ClassName", "MSFT_SMPool") + value_of("FilterQueryLanguage", "SQL") + value_of("FilterQuery", "x"), 14},
  };
  for (const Case& c : cases) EXPECT_EQ(t.sm(c.operation, c.parameters).error(), c.error) << c.operation << " " << c.parameters;
}

TEST_F(Operations, ABaseClassHasTheInstancesOfItsSubclasses) {
  Got whole = t.sm("EnumerateInstances", class_of("ClassName", "MSFT_SMStorageObject"));
  EXPECT_EQ(whole.count("<VALUE.NAMEDINSTANCE>"), 5u);
  EXPECT_TRUE(whole.has("NAME=\"HealthStatus\""));
  Got shallow = t.sm("EnumerateInstances", class_of("ClassName", "MSFT_SMStorageObject") + value_of("DeepInheritance", "FALSE"));
  EXPECT_EQ(shallow.count("<VALUE.NAMEDINSTANCE>"), 5u);
  EXPECT_FALSE(shallow.has("NAME=\"HealthStatus\""));
  EXPECT_EQ(t.sm("EnumerateInstanceNames", class_of("ClassName", "MSFT_SMStorageObject")).count("<INSTANCENAME"), 5u);
}

TEST_F(Operations, AssociationsAreFollowedBothWaysThroughTheirFilters) {
  struct Case {
    const char* operation;
    std::string parameters;
    std::size_t found;
  };
  std::string pool = path_param("ObjectName", "MSFT_SMPool", "p");
  std::string volume = path_param("ObjectName", "MSFT_SMStorageVolume", "v1");
  const Case cases[] = {
      {"Associators", pool, 4},
      {"AssociatorNames", pool, 4},
      {"References", pool, 4},
      {"ReferenceNames", pool, 4},
      {"Associators", volume, 1},
      {"AssociatorNames", pool + class_of("AssocClass", "MSFT_SMPoolToVolume"), 3},
      {"AssociatorNames", pool + class_of("AssocClass", "MSFT_SMSystemToPool"), 1},
      {"AssociatorNames", pool + class_of("ResultClass", "MSFT_SMStorageVolume"), 3},
      {"AssociatorNames", pool + class_of("ResultClass", "MSFT_SMStorageObject"), 4},
      {"AssociatorNames", pool + class_of("ResultClass", "MSFT_SMReplicaPeer"), 0},
      {"AssociatorNames", pool + value_of("Role", "Parent"), 3},
      {"AssociatorNames", pool + value_of("Role", "Child"), 1},
      {"AssociatorNames", pool + value_of("ResultRole", "Child"), 3},
      {"AssociatorNames", pool + value_of("Role", "Child") + value_of("ResultRole", "Child"), 0},
      {"ReferenceNames", pool + class_of("ResultClass", "MSFT_SMSystemToPool"), 1},
      {"ReferenceNames", pool + value_of("Role", "Parent"), 3},
      {"Associators", class_of("ObjectName", "MSFT_SMPool") + class_of("AssocClass", "MSFT_SMSystemToPool"), 1},
      {"ReferenceNames", class_of("ObjectName", "MSFT_SMPool") + class_of("ResultClass", "MSFT_SMPoolToVolume"), 1},
  };
  for (const Case& c : cases) {
    Got got = t.sm(c.operation, c.parameters);
    EXPECT_EQ(got.count("<OBJECTPATH>") + got.count("<VALUE.OBJECTWITHPATH>"), c.found) << c.operation << " " << c.parameters << got.body;
  }
  EXPECT_TRUE(t.sm("AssociatorNames", volume).has("<HOST>sys:5989</HOST>"));
}

TEST_F(Operations, AssociationsCrossNameSpacesBothWays) {
  Instance profile = make("CIM_RegisteredProfile", {{"InstanceID", "array"}});
  Instance link = make("CIM_ElementConformsToProfile", {{"ManagedElement", "MSFT_SMSystem=s"}});
  for (NamedValue& value : link.properties)
    if (value.name == "ConformantStandard") value.value = Value(Scalar(std::make_shared<const ObjectPath>(path_of(profile))));
  t.provider.all.push_back(profile);
  t.provider.all.push_back(link);
  std::string key = "<IPARAMVALUE NAME=\"ObjectName\"><INSTANCENAME CLASSNAME=\"CIM_RegisteredProfile\"><KEYBINDING NAME=\"InstanceID\"><KEYVALUE>array</KEYVALUE></KEYBINDING></INSTANCENAME></IPARAMVALUE>";
  Got system = t.interop("AssociatorNames", key + class_of("AssocClass", "CIM_ElementConformsToProfile"));
  EXPECT_TRUE(system.has("<NAMESPACE NAME=\"sm\"/></LOCALNAMESPACEPATH></NAMESPACEPATH><INSTANCENAME CLASSNAME=\"MSFT_SMSystem\">")) << system.body;
  Got back = t.sm("AssociatorNames", path_param("ObjectName", "MSFT_SMSystem", "s") + class_of("AssocClass", "CIM_ElementConformsToProfile"));
  EXPECT_TRUE(back.has("<NAMESPACE NAME=\"interop\"/></LOCALNAMESPACEPATH></NAMESPACEPATH><INSTANCENAME CLASSNAME=\"CIM_RegisteredProfile\">")) << back.body;
}

TEST_F(Operations, QueriesSelectInstancesAndColumns) {
  Got got = t.sm("ExecQuery", value_of("QueryLanguage", "WQL") + value_of("Query", "SELECT Name FROM MSFT_SMStorageVolume WHERE HealthStatus = 1 OR Name LIKE '%0%'"));
  EXPECT_EQ(got.count("<VALUE.OBJECTWITHPATH>"), 2u);
  EXPECT_EQ(got.count("<PROPERTY"), 2u);
  EXPECT_EQ(t.sm("ExecQuery", value_of("QueryLanguage", "DMTF:CQL") + value_of("Query", "SELECT * FROM MSFT_SMStorageObject WHERE MSFT_SMStorageObject.ObjectId = 'p'")).count("<VALUE.OBJECTWITHPATH>"), 1u);
}

TEST_F(Operations, ClassesAreShownWithWhatTheyInherit) {
  Got own = t.sm("GetClass", class_of("ClassName", "MSFT_SMStorageVolume"));
  EXPECT_TRUE(own.has("<CLASS NAME=\"MSFT_SMStorageVolume\" SUPERCLASS=\"MSFT_SMStorageObject\">"));
  EXPECT_FALSE(own.has("<PROPERTY NAME=\"ObjectId\""));
  EXPECT_TRUE(own.has("<METHOD NAME=\"CreateReplica\""));
  Got whole = t.sm("GetClass", class_of("ClassName", "MSFT_SMStorageVolume") + value_of("LocalOnly", "false") + value_of("IncludeClassOrigin", "true"));
  EXPECT_TRUE(whole.has("<PROPERTY NAME=\"ObjectId\" TYPE=\"string\" CLASSORIGIN=\"MSFT_SMStorageObject\" PROPAGATED=\"true\">"));
  EXPECT_FALSE(t.sm("GetClass", class_of("ClassName", "MSFT_SMStorageVolume") + value_of("IncludeQualifiers", "false")).has("<QUALIFIER"));
  EXPECT_EQ(t.sm("GetClass", class_of("ClassName", "MSFT_SMStorageVolume") + value_of("LocalOnly", "false") + list_of("PropertyList", {"Name"})).count("<PROPERTY NAME"), 1u);
}

TEST_F(Operations, ClassesAreEnumeratedFlatAndDeep) {
  EXPECT_TRUE(t.sm("EnumerateClassNames", "").has("<CLASSNAME NAME=\"MSFT_SMStorageObject\"/>"));
  EXPECT_FALSE(t.sm("EnumerateClassNames", "").has("MSFT_SMStorageVolume\""));
  EXPECT_TRUE(t.sm("EnumerateClassNames", value_of("DeepInheritance", "true")).has("<CLASSNAME NAME=\"MSFT_SMStorageVolume\"/>"));
  EXPECT_TRUE(t.sm("EnumerateClassNames", class_of("ClassName", "MSFT_SMStorageObject")).has("<CLASSNAME NAME=\"MSFT_SMStorageVolume\"/>"));
  EXPECT_GE(t.sm("EnumerateClassNames", value_of("DeepInheritance", "true")).count("NAME=\"MSFT_"), 80u);
  EXPECT_GE(t.sm("EnumerateClasses", value_of("DeepInheritance", "true")).count("<CLASS NAME"), 80u);
  EXPECT_TRUE(t.sm("GetQualifier", value_of("QualifierName", "key")).has("<QUALIFIER.DECLARATION NAME=\"Key\""));
  EXPECT_GE(t.sm("EnumerateQualifiers", "").count("<QUALIFIER.DECLARATION"), 10u);
}

TEST_F(Operations, EnumerationsArePulledInParts) {
  Got open = t.sm("OpenEnumerateInstances", class_of("ClassName", "MSFT_SMStorageVolume") + value_of("MaxObjectCount", "1"));
  EXPECT_EQ(open.count("<VALUE.INSTANCEWITHPATH>"), 1u);
  EXPECT_EQ(open.parameter("EndOfSequence"), "FALSE");
  std::string context = value_of("EnumerationContext", open.parameter("EnumerationContext"));
  EXPECT_TRUE(t.sm("EnumerationCount", context).has("<VALUE>2</VALUE>"));
  EXPECT_EQ(t.sm("PullInstancePaths", context + value_of("MaxObjectCount", "1")).error(), 21u);
  Got none = t.sm("PullInstancesWithPath", context + value_of("MaxObjectCount", "0"));
  EXPECT_EQ(none.count("<VALUE.INSTANCEWITHPATH>"), 0u);
  EXPECT_EQ(none.parameter("EndOfSequence"), "FALSE");
  Got rest = t.sm("PullInstancesWithPath", context + value_of("MaxObjectCount", "10"));
  EXPECT_EQ(rest.count("<VALUE.INSTANCEWITHPATH>"), 2u);
  EXPECT_EQ(rest.parameter("EndOfSequence"), "TRUE");
  EXPECT_EQ(t.sm("PullInstancesWithPath", context + value_of("MaxObjectCount", "10")).error(), 21u);
}

TEST_F(Operations, WhatIsOpenStaysAsItWasAndEndsByItself) {
  Got open = t.sm("OpenEnumerateInstancePaths", class_of("ClassName", "MSFT_SMStorageVolume") + value_of("OperationTimeout", "30"));
  std::string context = value_of("EnumerationContext", open.parameter("EnumerationContext"));
  EXPECT_EQ(open.count("<INSTANCEPATH>"), 0u);
  t.provider.all.clear();
  t.pass(std::chrono::seconds(20));
  EXPECT_EQ(t.sm("PullInstancePaths", context + value_of("MaxObjectCount", "1")).count("<INSTANCEPATH>"), 1u);
  t.pass(std::chrono::seconds(20));
  EXPECT_EQ(t.sm("PullInstancePaths", context + value_of("MaxObjectCount", "1")).count("<INSTANCEPATH>"), 1u);
  t.pass(std::chrono::seconds(31));
  EXPECT_EQ(t.sm("PullInstancePaths", context + value_of("MaxObjectCount", "1")).error(), 21u);
}

TEST_F(Operations, OpenOnesAreBoundedAndClosed) {
  std::string first;
  for (std::size_t i = 0; i < t.options_.enumerations_most; ++i) {
    Got open = t.sm("OpenEnumerateInstances", class_of("ClassName", "MSFT_SMStorageVolume"));
    ASSERT_EQ(open.error(), 0u);
    if (first.empty()) first = open.parameter("EnumerationContext");
  }
  EXPECT_EQ(t.sm("OpenEnumerateInstances", class_of("ClassName", "MSFT_SMStorageVolume")).error(), 27u);
  EXPECT_EQ(t.sm("CloseEnumeration", value_of("EnumerationContext", first)).error(), 0u);
  EXPECT_EQ(t.sm("OpenEnumerateInstances", class_of("ClassName", "MSFT_SMStorageVolume")).error(), 0u);
}

TEST_F(Operations, TheOtherOpensFindWhatTheirElderOnesDo) {
  std::string pool = path_param("InstanceName", "MSFT_SMPool", "p") + value_of("MaxObjectCount", "100");
  EXPECT_EQ(t.sm("OpenAssociatorInstances", pool).count("<VALUE.INSTANCEWITHPATH>"), 4u);
  EXPECT_EQ(t.sm("OpenAssociatorInstancePaths", pool + value_of("ResultRole", "Child")).count("<INSTANCEPATH>"), 3u);
  EXPECT_EQ(t.sm("OpenReferenceInstances", pool).count("<VALUE.INSTANCEWITHPATH>"), 4u);
  EXPECT_EQ(t.sm("OpenReferenceInstancePaths", pool + value_of("Role", "Parent")).count("<INSTANCEPATH>"), 3u);
  std::string query = value_of("FilterQueryLanguage", "DMTF:CQL") + value_of("FilterQuery", "SELECT Name FROM MSFT_SMStorageVolume WHERE HealthStatus = 0");
  Got first = t.sm("OpenQueryInstances", query + value_of("MaxObjectCount", "1"));
  EXPECT_EQ(first.count("<INSTANCE CLASSNAME"), 1u);
  EXPECT_EQ(t.sm("PullInstances", value_of("EnumerationContext", first.parameter("EnumerationContext")) + value_of("MaxObjectCount", "5")).count("<INSTANCE CLASSNAME"), 1u);
  std::string filter = value_of("FilterQueryLanguage", "DMTF:FQL") + value_of("FilterQuery", "HealthStatus = 1");
  EXPECT_EQ(t.sm("OpenEnumerateInstances", class_of("ClassName", "MSFT_SMStorageVolume") + filter + value_of("MaxObjectCount", "5")).count("<VALUE.INSTANCEWITHPATH>"), 1u);
}

std::string method_call(const std::string& method, const std::string& object, const std::string& parameters) {
  return message_of("<SIMPLEREQ><METHODCALL NAME=\"" + method + "\"><LOCALINSTANCEPATH>" + testing::name_space_xml(storage_name_space) + object + "</LOCALINSTANCEPATH>" + parameters + "</METHODCALL></SIMPLEREQ>");
}
std::string given(const std::string& name, const std::string& type, const std::string& value) { return "<PARAMVALUE NAME=\"" + name + "\" PARAMTYPE=\"" + type + "\">" + value + "</PARAMVALUE>"; }

TEST_F(Operations, AMethodGetsItsParametersTyped) {
  t.provider.all.push_back(make("MSFT_SMReplicationGroup", {{"ObjectId", "g"}}));
  t.provider.answer.return_value = Value(Scalar(std::uint64_t{4096}));
  t.provider.answer.out = {{"CreatedReplicaPeer", Type::reference, false, Value(Scalar(std::make_shared<const ObjectPath>(path_of(make("MSFT_SMReplicaPeer", {{"ObjectId", "r"}})))))},
                           {"ExtendedStatus", Type::string, false, Value(Scalar(std::make_shared<const Instance>(make("MSFT_SMExtendedStatus", {}))))}};
  std::string object = id_of("MSFT_SMReplicationGroup", "g");
  std::string where = std::string(storage_name_space) + ":MSFT_SMReplicationGroup.ObjectId=\"g\"";
  std::string settings = "<VALUE>&lt;INSTANCE CLASSNAME=\"MSFT_SMReplicationSettings\"&gt;&lt;PROPERTY NAME=\"ThinProvisioningPolicy\" TYPE=\"uint16\"&gt;&lt;VALUE&gt;7&lt;/VALUE&gt;&lt;/PROPERTY&gt;&lt;/INSTANCE&gt;</VALUE>";
  auto call = [&](const std::string& parameters) { return t.send(t.request("CreateReplica", where, method_call("CreateReplica", object, parameters))); };
  Got got = call(given("SyncType", "uint16", "<VALUE>6</VALUE>") + given("TargetStoragePool", "reference", "<VALUE.REFERENCE>" + id_of("MSFT_SMPool", "p") + "</VALUE.REFERENCE>") +
                 given("ReplicationSettings", "string", settings));
  EXPECT_TRUE(got.has("<RETURNVALUE PARAMTYPE=\"uint32\"><VALUE>4096</VALUE></RETURNVALUE>")) << got.body;
  EXPECT_TRUE(got.has("<PARAMVALUE NAME=\"CreatedReplicaPeer\" PARAMTYPE=\"reference\"><VALUE.REFERENCE><LOCALINSTANCEPATH>"));
  EXPECT_TRUE(got.has("<PARAMVALUE NAME=\"ExtendedStatus\" PARAMTYPE=\"string\" EmbeddedObject=\"instance\">"));
  ASSERT_EQ(t.provider.invoked.size(), 1u);
  EXPECT_THAT(t.provider.invoked[0], HasSubstr("root MSFT_SMReplicationGroup CreateReplica"));
  EXPECT_THAT(t.provider.invoked[0], HasSubstr("SyncType=6"));
  EXPECT_THAT(t.provider.invoked[0], HasSubstr("ReplicationSettings={MSFT_SMReplicationSettings}"));
  const std::pair<std::string, unsigned> wrong[] = {
      {given("SyncType", "uint16", "<VALUE>99999</VALUE>"), 4}, {given("SyncType", "uint16", "<VALUE>six</VALUE>"), 4}, {given("SyncType", "string", "<VALUE>6</VALUE>"), 4},
      {given("Nothing", "uint16", "<VALUE>6</VALUE>"), 4}, {given("SyncType", "uint16", "<VALUE.ARRAY><VALUE>6</VALUE></VALUE.ARRAY>"), 4},
      {given("TargetStoragePool", "reference", "<VALUE.REFERENCE>" + id_of("MSFT_SMSystem", "s") + "</VALUE.REFERENCE>"), 4},
      {given("ReplicationSettings", "string", "<VALUE>&lt;INSTANCE&gt;</VALUE>"), 4}, {given("SyncType", "", "<VALUE>6</VALUE>") + given("SyncType", "", "<VALUE>6</VALUE>"), 4}};
  for (const auto& [parameters, error] : wrong) EXPECT_EQ(call(parameters).error(), error) << parameters;
  EXPECT_EQ(t.provider.invoked.size(), 1u);
}

TEST_F(Operations, MethodsThatAreNotThereAreSeventeen) {
  std::string where = std::string(storage_name_space) + ":MSFT_SMPool.ObjectId=\"p\"";
  EXPECT_EQ(t.send(t.request("Explode", where, method_call("Explode", id_of("MSFT_SMPool", "p"), ""))).error(), 17u);
  EXPECT_EQ(t.send(t.request("Explode", std::string(storage_name_space) + ":MSFT_SMSystem", method_call("Explode", id_of("MSFT_SMPool", "p"), ""))).field("CIMError"), "header-mismatch");
}

TEST_F(Operations, ModifyAndDeleteGoToTheProvider) {
  std::string named = "<IPARAMVALUE NAME=\"ModifiedInstance\"><VALUE.NAMEDINSTANCE>" + id_of("MSFT_SMStorageVolume", "v1") +
                      "<INSTANCE CLASSNAME=\"MSFT_SMStorageVolume\"><PROPERTY NAME=\"DisplayName\" TYPE=\"string\"><VALUE>x</VALUE></PROPERTY></INSTANCE></VALUE.NAMEDINSTANCE></IPARAMVALUE>";
  EXPECT_EQ(t.sm("ModifyInstance", named).error(), 0u);
  EXPECT_EQ(t.sm("ModifyInstance", named + list_of("PropertyList", {"NoSuch"})).error(), 12u);
  EXPECT_THAT(t.provider.modified, ElementsAre("MSFT_SMStorageVolume DisplayName"));
  EXPECT_EQ(t.sm("DeleteInstance", path_param("InstanceName", "MSFT_SMStorageVolume", "v1")).error(), 0u);
  EXPECT_THAT(t.provider.removed, ElementsAre("MSFT_SMStorageVolume"));
}

}  // namespace
}  // namespace lockstep::cim
