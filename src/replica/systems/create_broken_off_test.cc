// A creation that breaks off between both systems: asked for again, it takes the place of what the first one left at the target.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "replica/systems/replica_testing.h"

namespace lockstep::replica {
namespace {

using namespace testing;
using ::testing::HasSubstr;

struct BrokenOff {
  explicit BrokenOff(std::uint64_t salt) : pair(salt) {
    request.pool = pair.a.pool().id();
    request.group = pair.a.make_group("db", 2, Bytes{64 * 4096});
    request.target_system = pair.b.self.id;
    request.name = "r";
    pair.a.write("db-v1", 7, Bytes{0});
  }
  // Until the target's system has written its part down, of which the source's has not heard yet.
  auto begin() {
    auto end = pair.world.start(pair.a.host.loop(), pair.a.engine->create(request));
    EXPECT_TRUE(pair.world.run_until([&] { return !pair.b.registry.relationships_.empty(); }, std::chrono::seconds(5)));
    EXPECT_TRUE(pair.a.registry.relationships_.empty());
    return end;
  }
  void expect_only_one(RelationshipId id) {
    ASSERT_TRUE(pair.a.reaches(id, CopyState::synchronized)) << pair.a.report(id).cause;
    EXPECT_EQ(pair.b.tag("db-v1", Bytes{0}), 7U);
    EXPECT_EQ(pair.b.registry.relationships_.size(), 1U);
    EXPECT_TRUE(pair.b.registry.relationships_.contains(id));
    EXPECT_EQ(pair.b.pool().catalog().groups.size(), 1U);
    EXPECT_EQ(pair.b.pool().catalog().volumes.size(), 2U);
  }
  Pair pair;
  CreateRequest request;
};

TEST(CreateBrokenOff, TheReplyIsLostAndAskedAgainItIsMade) {
  BrokenOff broken{81};
  auto end = broken.begin();
  broken.pair.cut();
  ASSERT_TRUE(broken.pair.world.run_until([&] { return end->has_value(); }, std::chrono::minutes(2)));
  ASSERT_FALSE((**end).has_value());
  EXPECT_THAT((**end).error().message, HasSubstr("create it again, which takes its place, or detach 'r' on system 'b'"));
  broken.pair.heal();
  broken.pair.world.run_for(std::chrono::seconds(10));
  Forecast told = must(broken.pair.a.run(broken.pair.a.engine->forecast_create(broken.request)));
  EXPECT_EQ(told.direction, "a/db -> b/db");
  EXPECT_FALSE(broken.pair.b.registry.relationships_.empty()) << "a forecast changes nothing";
  broken.expect_only_one(must(broken.pair.a.run(broken.pair.a.engine->create(broken.request))));
}

TEST(CreateBrokenOff, TheSourceDiesAndAskedAgainItIsMade) {
  BrokenOff broken{82};
  auto end = broken.begin();
  broken.pair.a.kill();
  broken.pair.a.start();
  broken.pair.world.run_for(std::chrono::seconds(10));
  EXPECT_TRUE(broken.pair.a.engine->reports().empty());
  broken.request.group = broken.pair.a.group("db")->id;
  broken.expect_only_one(must(broken.pair.a.run(broken.pair.a.engine->create(broken.request))));
}

TEST(CreateBrokenOff, UnderAnotherNameItIsMadeAsWell) {
  BrokenOff broken{83};
  auto end = broken.begin();
  broken.pair.b.kill();
  broken.pair.b.start();
  ASSERT_TRUE(broken.pair.world.run_until([&] { return end->has_value(); }, std::chrono::minutes(2)));
  broken.pair.world.run_for(std::chrono::seconds(10));
  broken.request.name = "s";
  broken.expect_only_one(must(broken.pair.a.run(broken.pair.a.engine->create(broken.request))));
}

// A target that held a state of its source is nobody's remains, whatever the source has forgotten.
TEST(CreateBrokenOff, WhatWasCopiedIsNotTakenOver) {
  BrokenOff broken{84};
  RelationshipId id = must(broken.pair.a.run(broken.pair.a.engine->create(broken.request)));
  ASSERT_TRUE(broken.pair.a.reaches(id, CopyState::synchronized));
  broken.pair.a.kill();
  broken.pair.a.registry.relationships_.clear();
  broken.pair.a.start();
  broken.pair.world.run_for(std::chrono::seconds(10));
  auto refused = broken.pair.a.run(broken.pair.a.engine->create(broken.request));
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().code, Code::exists);
  EXPECT_THAT(refused.error().message, HasSubstr("choose another name, or detach that one there"));
  EXPECT_TRUE(broken.pair.b.registry.relationships_.contains(id));
  EXPECT_EQ(broken.pair.b.tag("db-v1", Bytes{0}), 7U);
}

}  // namespace
}  // namespace lockstep::replica
