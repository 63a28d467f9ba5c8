// Single pairs: they leave a relationship and come into one, while hosts write.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "replica/systems/pairs_testing.h"

namespace lockstep::replica {
namespace {

using namespace testing;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

RelationshipId called(TestSystem& system, const std::string& name) {
  for (const Report& report : system.engine->reports())
    if (report.relationship.name == name) return report.relationship.id;
  return RelationshipId{};
}

bool level(Pair& pair, const char* here, const char* there) {
  return pair.world.run_until([&] { return pair.b.group(there)->position == pair.a.group(here)->position; }, std::chrono::seconds(60));
}

struct Pairs : ::testing::Test {
  explicit Pairs(std::uint64_t salt = 90) : pair(salt) {
    group = pair.a.make_group("db", 3, 1_MiB);
    for (std::uint64_t i = 0; i < 64; ++i)
      for (const char* volume : {"db-v1", "db-v2", "db-v3"}) pair.a.write(volume, 100 + i, Bytes{i * 4096});
    id = pair.create(group);
    EXPECT_TRUE(pair.a.reaches(id, CopyState::synchronized));
  }
  void expect_equal(const char* volume) { EXPECT_EQ(pair.a.content(volume), pair.b.content(volume)) << volume; }
  Pair pair;
  GroupId group;
  RelationshipId id;
};

TEST_F(Pairs, OneLeavesAndGoesOnByItself) {
  pair.a.write("db-v2", 7, Bytes{0});
  Bytes sent = pair.a.report(id).sent_total;
  std::vector<std::string> made = must(operate_pair(pair.a, id, Operation::remove_sync_pair, "db-v2"));
  ASSERT_EQ(made.size(), 1u);
  RelationshipId own = called(pair.a, made.front());
  ASSERT_TRUE(pair.a.reaches(own, CopyState::synchronized)) << pair.a.report(own).cause;
  ASSERT_TRUE(pair.a.reaches(id, CopyState::synchronized)) << pair.a.report(id).cause;
  EXPECT_EQ(pair.a.report(id).relationship.pairs.size(), 2u);
  EXPECT_EQ(pair.a.group("db")->members.size(), 2u);
  EXPECT_EQ(pair.b.group("db")->members.size(), 2u);
  EXPECT_EQ(pair.a.group("db-v2")->members.size(), 1u);
  for (const char* volume : {"db-v1", "db-v2", "db-v3"}) pair.a.write(volume, 8, Bytes{8192});
  ASSERT_TRUE(level(pair, "db", "db"));
  ASSERT_TRUE(level(pair, "db-v2", "db-v2"));
  for (const char* volume : {"db-v1", "db-v2", "db-v3"}) expect_equal(volume);
  EXPECT_LE((pair.a.report(own).sent_total + pair.a.report(id).sent_total - sent).value, 128u << 10) << "blocks that were there travelled";
  must(pair.a.operate(id, Operation::failover));   // of the rest, without it
  EXPECT_FALSE(pair.a.try_write("db-v1", 9, Bytes{0}).has_value());
  EXPECT_TRUE(pair.a.try_write("db-v2", 9, Bytes{0}).has_value());
}

TEST_F(Pairs, OneIsDetachedAndItsVolumesAreOnTheirOwn) {
  must(operate_pair(pair.a, id, Operation::detach, "db-v3"));
  ASSERT_TRUE(pair.a.reaches(id, CopyState::synchronized));
  EXPECT_EQ(pair.a.engine->reports().size(), 1u);
  EXPECT_TRUE(pair.b.try_write("db-v3", 9, Bytes{0}).has_value());
  EXPECT_FALSE(pair.b.try_write("db-v1", 9, Bytes{0}).has_value());
  pair.a.write("db-v1", 10, Bytes{4096});
  pair.a.write("db-v3", 11, Bytes{4096});
  ASSERT_TRUE(level(pair, "db", "db"));
  expect_equal("db-v1");
  EXPECT_EQ(pair.b.tag("db-v3", Bytes{4096}), 101u);
}

TEST_F(Pairs, WhatWouldPartThemIsRefusedAndSaysHowItCouldBeDone) {
  for (Operation operation : {Operation::suspend, Operation::split, Operation::failover, Operation::reverse_roles}) {
    auto done = operate_pair(pair.a, id, operation, "db-v1");
    ASSERT_FALSE(done.has_value());
    EXPECT_EQ(done.error().code, Code::busy);
    EXPECT_THAT(done.error().message, HasSubstr("RemoveSyncPair"));
  }
  EXPECT_TRUE(operate_pair(pair.a, id, Operation::resync_replica, "db-v1").has_value());   // it is in step already
  EXPECT_EQ(operate_pair(pair.a, id, Operation::return_to_resource_pool, "db-v1").error().code, Code::unsupported);
  EXPECT_EQ(operate_pair(pair.a, id, Operation::activate_consistency, "db-v1").error().code, Code::unsupported);   // that is of the group
  pair.cut();
  auto away = operate_pair(pair.a, id, Operation::remove_sync_pair, "db-v1");
  ASSERT_FALSE(away.has_value());
  EXPECT_EQ(pair.a.group("db")->members.size(), 3u);
  pair.heal();
  ASSERT_TRUE(pair.a.reaches(id, CopyState::synchronized)) << pair.a.report(id).cause;
}

TEST_F(Pairs, OneComesBackAtOnePointOfTheHistory) {
  std::vector<std::string> made = must(operate_pair(pair.a, id, Operation::remove_sync_pair, "db-v2"));
  RelationshipId own = called(pair.a, made.front());
  auto early = operate_pair(pair.a, id, Operation::add_sync_pair, "db-v1");   // it is in it
  EXPECT_TRUE(early.has_value()) << early.error().message;
  ASSERT_TRUE(pair.a.reaches(own, CopyState::synchronized));
  ASSERT_TRUE(pair.a.reaches(id, CopyState::synchronized));
  for (std::uint64_t i = 0; i < 32; ++i)
    for (const char* volume : {"db-v1", "db-v2"}) pair.a.write(volume, 500 + i, Bytes{i * 8192});
  auto in = operate_pair(pair.a, id, Operation::add_sync_pair, "db-v2");
  ASSERT_TRUE(in.has_value()) << in.error().message;
  ASSERT_TRUE(pair.a.reaches(id, CopyState::synchronized)) << pair.a.report(id).cause;
  EXPECT_EQ(pair.a.engine->reports().size(), 1u);
  EXPECT_EQ(pair.b.engine->reports().size(), 1u);
  EXPECT_EQ(pair.a.group("db")->members.size(), 3u);
  EXPECT_EQ(pair.b.group("db")->members.size(), 3u);
  EXPECT_EQ(pair.a.group("db-v2"), nullptr);
  EXPECT_EQ(pair.b.group("db-v2"), nullptr);
  pair.a.write("db-v2", 900, Bytes{0});
  ASSERT_TRUE(level(pair, "db", "db"));
  for (const char* volume : {"db-v1", "db-v2", "db-v3"}) expect_equal(volume);
  // Over restarts, and the other way round.
  pair.a.kill();
  pair.a.start();
  ASSERT_TRUE(pair.a.reaches(id, CopyState::synchronized)) << pair.a.report(id).cause;
  must(pair.a.operate(id, Operation::reverse_roles));
  pair.b.write("db-v2", 901, Bytes{0});
  ASSERT_TRUE(pair.world.run_until([&] { return pair.a.tag("db-v2", Bytes{0}) == 901; }, std::chrono::seconds(60)));
}

TEST_F(Pairs, ASuspendedRelationshipTakesOneInAndIsSuspendedAgain) {
  std::vector<std::string> made = must(operate_pair(pair.a, id, Operation::remove_sync_pair, "db-v2"));
  RelationshipId own = called(pair.a, made.front());
  ASSERT_TRUE(pair.a.reaches(own, CopyState::synchronized));
  must(pair.a.operate(id, Operation::suspend));
  pair.a.write("db-v1", 600, Bytes{0});
  auto in = operate_pair(pair.a, id, Operation::add_sync_pair, "db-v2");
  ASSERT_TRUE(in.has_value()) << in.error().message;
  EXPECT_EQ(pair.a.report(id).copy_state, CopyState::suspended);
  EXPECT_EQ(pair.b.tag("db-v1", Bytes{0}), 600u);   // up to the point where it came in
  pair.a.write("db-v2", 601, Bytes{0});
  pair.world.run_for(std::chrono::seconds(2));
  EXPECT_NE(pair.b.tag("db-v2", Bytes{0}), 601u);
  must(pair.a.operate(id, Operation::resume));
  ASSERT_TRUE(level(pair, "db", "db"));
  expect_equal("db-v2");
}

TEST_F(Pairs, AnotherRelationshipOfTheGroupKeepsItsPairsTogether) {
  CreateRequest request;
  request.name = "second";
  request.pool = pair.a.pool().id();
  request.group = group;
  request.target_system = pair.b.self.id;
  request.target_group = "second";
  RelationshipId second = must(pair.a.run(pair.a.engine->create(request)));
  ASSERT_TRUE(pair.a.reaches(second, CopyState::synchronized));
  auto done = operate_pair(pair.a, id, Operation::remove_sync_pair, "db-v2");
  ASSERT_FALSE(done.has_value());
  EXPECT_EQ(done.error().code, Code::busy);
  ASSERT_TRUE(pair.a.reaches(id, CopyState::synchronized)) << pair.a.report(id).cause;
  EXPECT_EQ(pair.b.group("db")->members.size(), 3u);
}

TEST(PairsHere, BothEndsOfALocalRelationship) {
  os::sim::World world(test_seed(95));
  TestSystem a(world, "a", {"p", "q"});
  GroupId group = a.make_group("db", 2, 1_MiB);
  for (const char* volume : {"db-v1", "db-v2"}) a.write(volume, 5, Bytes{0});
  CreateRequest request;
  request.name = "r";
  request.pool = a.pool().id();
  request.group = group;
  request.target_system = a.self.id;
  request.target_pool = "q";
  request.target_group = "copy";
  RelationshipId id = must(a.run(a.engine->create(request)));
  ASSERT_TRUE(a.reaches(id, CopyState::synchronized));
  std::vector<std::string> made = must(operate_pair(a, id, Operation::remove_sync_pair, "db-v2"));
  RelationshipId own = called(a, made.front());
  ASSERT_TRUE(a.reaches(own, CopyState::synchronized)) << a.report(own).cause;
  ASSERT_TRUE(a.reaches(id, CopyState::synchronized)) << a.report(id).cause;
  auto in = operate_pair(a, id, Operation::add_sync_pair, "db-v2");
  ASSERT_TRUE(in.has_value()) << in.error().message;
  ASSERT_TRUE(a.reaches(id, CopyState::synchronized)) << a.report(id).cause;
  EXPECT_EQ(a.report(id).relationship.pairs.size(), 2u);
  a.write("db-v2", 6, Bytes{0});
  ASSERT_TRUE(world.run_until([&] { return a.group("copy", 1)->position == a.group("db")->position; }, std::chrono::seconds(60)));
  EXPECT_EQ(a.engine->reports().size(), 2u);
}

// The pool's row, which decides how much journal is kept, follows the settings at once.
TEST_F(Pairs, AJournalBudgetHoldsAtOnce) {
  auto budget = [&] {
    Bytes most{0};
    for (const auto& [follower, row] : pair.a.pool().catalog().followers) most = std::max(most, row.journal_budget);
    return most;
  };
  Settings settings = pair.a.report(id).relationship.settings;
  settings.journal_budget = Bytes{256 << 10};
  must(pair.a.run(pair.a.engine->set(id, settings)));
  EXPECT_EQ(budget(), Bytes{256 << 10});
  ASSERT_EQ(pair.a.report(id).copy_state, CopyState::synchronized);
  // Less than what is lacking: the change map takes over without anything else being asked.
  pair.cut();
  ASSERT_TRUE(pair.a.reaches(id, CopyState::broken));
  for (std::uint64_t i = 0; i < 128; ++i) pair.a.write("db-v1", 3000 + i, Bytes{i * 4096});
  must(pair.a.on_pool(pair.a.pool().checkpoint()));
  EXPECT_TRUE(std::ranges::any_of(pair.a.pool().catalog().followers, [](const auto& row) { return row.second.mapped; }));
  pair.heal();
  ASSERT_TRUE(pair.a.reaches(id, CopyState::synchronized)) << pair.a.report(id).cause;
  settings.journal_budget = 8_MiB;
  must(pair.a.run(pair.a.engine->set(id, settings)));
  EXPECT_EQ(budget(), 8_MiB);
  pair.a.kill();
  pair.a.start();
  EXPECT_EQ(budget(), 8_MiB);
  ASSERT_TRUE(level(pair, "db", "db"));
  expect_equal("db-v1");
}

TEST_F(Pairs, ConsistencyIsKeptAndShown) {
  EXPECT_EQ(consistency_state(pair.a.report(id)), ConsistencyState::consistent);
  EXPECT_EQ(consistency_status(pair.a.report(id)), ConsistencyStatus::completed);
  must(pair.a.operate(id, Operation::deactivate_consistency));
  EXPECT_EQ(consistency_state(pair.a.report(id)), ConsistencyState::not_applicable);
  EXPECT_EQ(consistency_status(pair.a.report(id)), ConsistencyStatus::disabled);
  ASSERT_TRUE(pair.world.run_until([&] { return !pair.b.report(id).relationship.settings.consistency; }, std::chrono::seconds(10)));
  must(pair.a.operate(id, Operation::activate_consistency));
  EXPECT_EQ(consistency_state(pair.a.report(id)), ConsistencyState::consistent);
}

}  // namespace
}  // namespace lockstep::replica
