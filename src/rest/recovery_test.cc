#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "rest/rest_testing.h"

namespace lockstep::rest {
namespace {

using ::testing::HasSubstr;
using testing::Got;
using testing::L;
using testing::S;
using testing::TestRest;

struct Recovery : ::testing::Test {
  Recovery() { t.make_objects(); }
  TestRest t;
  const std::string group = S + "/ConsistencyGroups/p:db";
  const std::string rewind = group + "/Actions/Oem/Lockstep.Rewind";
};

TEST_F(Recovery, AWindowIsSetListedAndTakenAway) {
  Got set = t.ask("PATCH", group, R"({"Oem": {"Lockstep": {"RewindWindowSeconds": 7200, "RewindBytes": 1073741824}}})");
  ASSERT_EQ(set.status, 200u) << set.text;
  const json::object& own = set.body.at("Oem").at("Lockstep").as_object();
  EXPECT_EQ(own.at("RewindWindowSeconds").to_number<std::uint64_t>(), 7200u);
  EXPECT_EQ(own.at("RewindBytes").to_number<std::uint64_t>(), 1073741824u);
  Got points = t.get(L + "/RecoveryPoints/p:db");
  ASSERT_EQ(points.status, 200u);
  EXPECT_TRUE(points.body.at("Range").is_object());
  EXPECT_EQ(points.body.at("Points").as_array().size(), 1u);
  EXPECT_TRUE(points.body.at("Points").at(0).at("Held").as_bool());
  EXPECT_EQ(t.ask("PATCH", group, R"({"Oem": {"Lockstep": {"RewindWindowSeconds": 0}}})").status, 200u);
  EXPECT_TRUE(t.get(L + "/RecoveryPoints/p:db").body.at("Range").is_null());
  EXPECT_EQ(t.get(L + "/RecoveryPoints/p:none").status, 404u);
  EXPECT_EQ(t.ask("PATCH", group, R"({"Oem": {"Lockstep": {"RewindWindowSeconds": 99999999999}}})").refusal(), "PropertyValueError 5 Oem/Lockstep/RewindWindowSeconds");
  EXPECT_EQ(t.ask("PATCH", group, R"({"Oem": {"Lockstep": {"RewindBytes": 7}}})").refusal(), "InvalidParameter 5 RewindBytes");
}

TEST_F(Recovery, AGroupIsRewoundBesideItself) {
  EXPECT_EQ(t.post(rewind, R"({"To": "latest"})").refusal(), "InvalidParameter 5 To");
  t.ask("PATCH", group, R"({"Oem": {"Lockstep": {"RewindWindowSeconds": 7200}}})");
  t.pass(std::chrono::seconds(2));
  Got forecast = t.post(rewind, R"({"To": "1s ago", "Name": "back", "DryRun": true})");
  ASSERT_EQ(forecast.status, 200u) << forecast.text;
  EXPECT_EQ(forecast.body.at("Volumes").at(0).as_string(), "back-data");
  EXPECT_EQ(t.get(S + "/ConsistencyGroups/p:back").status, 404u);
  Got made = t.post(rewind, R"({"To": "1s ago", "Name": "back"})");
  ASSERT_EQ(made.status, 201u) << made.text;
  EXPECT_EQ(made.body.at("Group").as_string(), "p/back");
  EXPECT_THAT(made.field("Location"), HasSubstr("/ConsistencyGroups/p"));
  Got back = t.get(S + "/ConsistencyGroups/p:back");
  ASSERT_EQ(back.status, 200u);
  EXPECT_EQ(back.body.at("Oem").at("Lockstep").at("Role").as_string(), "Source");
  EXPECT_EQ(t.post(rewind, R"({"To": "1h ago"})").refusal(), "InvalidParameter 5 To");
  EXPECT_EQ(t.post(rewind, R"({"Name": "x"})").refusal(), "PropertyMissing 5 To");
  EXPECT_EQ(t.post(rewind, R"({"To": "latest", "Name": "back"})").refusal(), "AlreadyExists 5 Name");
  EXPECT_EQ(t.post(S + "/ConsistencyGroups/p:none/Actions/Oem/Lockstep.Rewind", R"({"To": "latest"})").status, 404u);
}

TEST_F(Recovery, DrillsThatAreNotThereAreNotThere) {
  EXPECT_EQ(t.get(L + "/Drills").body.at("Members@odata.count").to_number<int>(), 0);
  EXPECT_EQ(t.get(L + "/Drills/p:none").status, 404u);
  EXPECT_EQ(t.ask("DELETE", L + "/Drills/p:none").status, 404u);
  EXPECT_EQ(t.post(L + "/Drills/p:db/Actions/LockstepDrill.Read", "{}").status, 404u);
}

}  // namespace
}  // namespace lockstep::rest
