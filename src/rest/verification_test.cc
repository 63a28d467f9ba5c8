// Verifications over REST.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "rest/rest_testing.h"

namespace lockstep::rest {
namespace {

using ::testing::HasSubstr;
using testing::Got;
using testing::L;
using testing::TestRest;

struct Verification : ::testing::Test {
  Verification() {
    t.make_objects();
    t.post(L + "/Relationships", R"({"Group": "db", "SyncType": "Mirror", "RelationshipName": "r"})");
  }
  Got verify(std::string body = "{}") { return t.post(r + "/Actions/LockstepRelationship.Verify", std::move(body)); }
  std::string r = L + "/Relationships/r";
  TestRest t;
};

replica::VerifyReport two_blocks() {
  replica::VerifyReport report;
  report.volumes.push_back({"data", 2});
  report.compared = 8_MiB;
  report.different = 2;
  report.ranges.push_back({0, Bytes{8192}, Bytes{8192}});
  report.damaged = 1;
  report.damages.push_back({false, "pool 'p', volume 'data', offset 0", "bytes do not match their checksum", false});
  return report;
}

TEST_F(Verification, WhatWasFoundIsTheAnswerAndStaysWithTheRelationship) {
  EXPECT_TRUE(t.get(r).body.at("Verification").is_null());
  Got equal = verify();
  ASSERT_EQ(equal.status, 200u) << equal.text;
  EXPECT_TRUE(equal.body.at("Equal").as_bool());
  EXPECT_TRUE(equal.body.at("Good").as_bool());
  t.engine->next_verification = two_blocks();
  Got found = verify(R"({"Read": true, "Repair": true})");
  ASSERT_EQ(found.status, 200u) << found.text;
  EXPECT_TRUE(t.engine->verifications.back().read);
  EXPECT_TRUE(t.engine->verifications.back().repair);
  EXPECT_FALSE(found.body.at("Equal").as_bool());
  EXPECT_EQ(found.body.at("DifferentBlocks").to_number<int>(), 2);
  EXPECT_EQ(found.body.at("Ranges").at(0).at("Volume").as_string(), "data");
  EXPECT_EQ(found.body.at("Ranges").at(0).at("Offset").to_number<int>(), 8192);
  EXPECT_EQ(found.body.at("Damages").at(0).at("End").as_string(), "Target");
  EXPECT_EQ(found.body.at("Findings").as_array().size(), 3u);
  Got kept = t.get(r);
  EXPECT_EQ(kept.body.at("Verification").at("DifferentBlocks").to_number<int>(), 2);
  EXPECT_EQ(kept.body.at("Status").at("Health").as_string(), "Warning");
}

TEST_F(Verification, OneThatTakesLongerIsATaskThatCanBeCancelled) {
  t.engine->verifications_wait = true;
  Got accepted = verify();
  ASSERT_EQ(accepted.status, 202u) << accepted.text;
  std::string task(accepted.body.at("@odata.id").as_string());
  EXPECT_EQ(t.get(task).body.at("PercentComplete").to_number<int>(), 50);
  EXPECT_EQ(t.ask("DELETE", task).status, 202u);
  EXPECT_EQ(t.get(task + "?wait=10").body.at("TaskState").as_string(), "Cancelled");
  EXPECT_TRUE(t.get(r).body.at("Verification").is_null());
}

TEST_F(Verification, ItsRefusalIsAnAnswer) {
  t.engine->next_verification = fail(Code::busy, "nothing flows now");
  Got refused = verify();
  EXPECT_EQ(refused.status, 409u) << refused.text;
  EXPECT_THAT(refused.text, HasSubstr("nothing flows"));
  EXPECT_EQ(verify(R"({"Read": 7})").status, 400u);
  EXPECT_EQ(t.post(L + "/Relationships/none/Actions/LockstepRelationship.Verify", "{}").status, 404u);
}

TEST_F(Verification, DamageIsAnEventAboutTheVolume) {
  replica::Change change;
  change.what = "Repair";
  change.before = "damaged";
  change.after = "not repaired";
  change.cause = "offset 4096";
  change.volume = "p/data";
  t.engine->tell(change);
  change.after = "repaired";
  t.engine->tell(change);
  t.world.run_for(std::chrono::seconds(1));
  std::vector<manage::Event> events = t.system->events(0, 1000);
  std::vector<manage::Event> repairs;
  for (const manage::Event& event : events)
    if (event.kind == "Repair") repairs.push_back(event);
  ASSERT_EQ(repairs.size(), 2u);
  EXPECT_EQ(repairs[0].object_type, "Volume");
  EXPECT_EQ(repairs[0].object, "p/data");
  EXPECT_EQ(repairs[0].severity, manage::Severity::critical);
  EXPECT_EQ(repairs[1].severity, manage::Severity::warning);
}

}  // namespace
}  // namespace lockstep::rest
