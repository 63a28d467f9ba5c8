// There and back: what travels is what either end changed since they parted, told beforehand and counted whatever roles the ends had.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "replica/group/ledger.h"
#include "replica/systems/replica_testing.h"

namespace lockstep::replica {
namespace {

using namespace testing;

// The target's word of what it has durably comes late: the source's claim begins long before they part.
Options with_late_word() {
  Options options = quick_options();
  options.durable_ack_every = std::chrono::minutes(10);
  return options;
}

struct Parted {
  Parted() : pair(71, pool::testing::small_options(), with_late_word()) {
    GroupId group = pair.a.make_group("db", 1, Bytes{512 * 4096});
    id = pair.create(group);
    EXPECT_TRUE(pair.a.reaches(id, CopyState::synchronized));
    for (std::uint64_t b = 0; b < 400; ++b) pair.a.write("db-v1", 1 + b, Bytes{b * 4096});
    EXPECT_TRUE(pair.world.run_until([&] { return pair.b.tag("db-v1", Bytes{399 * 4096}) == 400; }, std::chrono::seconds(10)));
    pair.cut();
    EXPECT_TRUE(pair.b.reaches(id, CopyState::broken));
    for (std::uint64_t b = 0; b < 20; ++b) pair.a.write("db-v1", 1000 + b, Bytes{b * 4096});
    must(pair.b.operate(id, Operation::failover));
    for (std::uint64_t b = 10; b < 30; ++b) pair.b.write("db-v1", 2000 + b, Bytes{b * 4096});
    pair.heal();
    EXPECT_TRUE(pair.a.reaches(id, CopyState::failedover));
    pair.world.run_for(std::chrono::seconds(10));   // until the links for control stand as well
  }
  Bytes sent() { return pair.a.report(id).sent_total + pair.b.report(id).sent_total; }
  Pair pair;
  RelationshipId id;
};

TEST(Cycle, WhatTravelsBackIsWhatEitherEndChangedSinceTheyParted) {
  Parted parted;
  Forecast told = must(parted.pair.b.run(parted.pair.b.engine->forecast(parted.id, Operation::failback)));
  EXPECT_EQ(told.direction, "b/db -> a/db");
  EXPECT_EQ(told.bytes, Bytes{40 * 4096});
  EXPECT_EQ(told.overwritten, Bytes{20 * 4096});
  Bytes before = parted.sent();
  must(parted.pair.a.operate(parted.id, Operation::failback));
  Bytes moved = parted.sent() - before;
  EXPECT_GE(moved, Bytes{30 * 4096});
  EXPECT_LE(moved, Bytes{36 * 4096});   // the words of two ends that change places twice are a few KiB
  EXPECT_EQ(parted.pair.a.content("db-v1"), parted.pair.b.content("db-v1"));
  EXPECT_EQ(parted.pair.a.tag("db-v1", Bytes{0}), 1U);
  EXPECT_EQ(parted.pair.a.tag("db-v1", Bytes{15 * 4096}), 2015U);
}

TEST(Cycle, AForecastOnlyLooks) {
  Parted parted;
  auto claims = [&](TestSystem& system) {
    std::vector<std::tuple<RelationshipId, Lsn, bool, Lsn, Origin>> out;
    for (const auto& [id, row] : system.pool().catalog().followers) out.emplace_back(id, row.durable, row.mapped, row.mapped_upto, row.since);
    return out;
  };
  auto here = claims(parted.pair.a), there = claims(parted.pair.b);
  Lsn a = parted.pair.a.pool().status().appended, b = parted.pair.b.pool().status().appended;
  for (Operation operation : {Operation::failback, Operation::restore_from_replica, Operation::resync_replica})
    ignore(parted.pair.b.run(parted.pair.b.engine->forecast(parted.id, operation)), "some are refused in this state");
  EXPECT_EQ(claims(parted.pair.a), here);
  EXPECT_EQ(claims(parted.pair.b), there);
  EXPECT_EQ(parted.pair.a.pool().status().appended, a);
  EXPECT_EQ(parted.pair.b.pool().status().appended, b);
}

TEST(Cycle, AForecastSaysWhenNobodyKnowsAndWhatItIsAtMost) {
  Parted parted;
  TestSystem& b = parted.pair.b;
  must(b.on_pool(b.pool().drop_follower(follower_id(parted.id, b.group("db")->id))));   // what it changed is nowhere any more
  for (TestSystem* asked : {&parted.pair.a, &b}) {
    Forecast told = must(asked->run(asked->engine->forecast(parted.id, Operation::failback)));
    EXPECT_EQ(told.bytes, std::nullopt);
    EXPECT_EQ(told.bytes_at_most, Bytes{400 * 4096});
    EXPECT_EQ(told.overwritten, Bytes{20 * 4096});
    EXPECT_THAT(told.steps, ::testing::Contains(::testing::HasSubstr("compare both ends")));
    EXPECT_THAT(told.warnings, ::testing::ElementsAre(::testing::HasSubstr("neither journal nor map of b/db tells any more")));
  }
  Bytes before = parted.sent();
  must(parted.pair.a.operate(parted.id, Operation::failback));
  EXPECT_LE(parted.sent() - before, Bytes{400 * 4096});
  EXPECT_EQ(parted.pair.a.content("db-v1"), parted.pair.b.content("db-v1"));
}

TEST(Cycle, AForecastWithOneEndOutOfReachStatesNoFigures) {
  Parted parted;
  parted.pair.cut();
  parted.pair.world.run_for(std::chrono::seconds(10));
  Forecast told = must(parted.pair.b.run(parted.pair.b.engine->forecast(parted.id, Operation::failback)));
  EXPECT_EQ(told.bytes, std::nullopt);
  EXPECT_EQ(told.bytes_at_most, std::nullopt);
  EXPECT_EQ(told.overwritten, std::nullopt);
  EXPECT_THAT(told.warnings, ::testing::Contains(::testing::HasSubstr("one end is out of reach")));
}

TEST(Cycle, AForecastOfAResumeCountsWhatWasWrittenMeanwhile) {
  Pair pair{73};
  GroupId group = pair.a.make_group("db", 1, Bytes{64 * 4096});
  RelationshipId id = pair.create(group);
  ASSERT_TRUE(pair.a.reaches(id, CopyState::synchronized));
  must(pair.a.operate(id, Operation::suspend));
  for (std::uint64_t b = 0; b < 10; ++b) pair.a.write("db-v1", 1 + b, Bytes{b * 4096});
  Forecast told = must(pair.a.run(pair.a.engine->forecast(id, Operation::resume)));
  EXPECT_EQ(told.bytes, Bytes{10 * 4096});
  EXPECT_EQ(told.overwritten, Bytes{0});
}

TEST(Cycle, WithoutAForecastItIsTheSame) {
  Parted parted;
  Bytes before = parted.sent();
  must(parted.pair.a.operate(parted.id, Operation::failback));
  EXPECT_LE(parted.sent() - before, Bytes{36 * 4096});
  EXPECT_EQ(parted.pair.a.content("db-v1"), parted.pair.b.content("db-v1"));
}

TEST(Cycle, BytesAreCountedOnOverChangesOfRoles) {
  Parted parted;
  Bytes a = parted.pair.a.report(parted.id).sent_total;
  Bytes b = parted.pair.b.report(parted.id).sent_total;
  EXPECT_GE(a, Bytes{400 * 4096});
  must(parted.pair.b.operate(parted.id, Operation::failback));
  EXPECT_GE(parted.pair.a.report(parted.id).sent_total, a);
  EXPECT_GE(parted.pair.b.report(parted.id).sent_total, b + Bytes{30 * 4096});
}

// Both systems died, and the source does not come back.
TEST(Cycle, ATargetThatRestartsWithoutItsSourceCanBeFailedOver) {
  Pair pair{72};
  GroupId group = pair.a.make_group("db", 1, Bytes{64 * 4096});
  RelationshipId id = pair.create(group, synchronous());
  ASSERT_TRUE(pair.a.reaches(id, CopyState::synchronized));
  pair.a.write("db-v1", 7, Bytes{0});
  pair.a.kill();
  pair.b.kill();
  pair.b.start();
  pair.b.events.all.clear();
  EXPECT_EQ(pair.b.report(id).copy_state, CopyState::broken);
  EXPECT_THAT(pair.b.report(id).cause, ::testing::HasSubstr("has not called"));
  EXPECT_EQ(pair.b.events.states(), "") << "a source that is a moment late is no news";
  pair.world.run_for(std::chrono::seconds(5));
  EXPECT_EQ(pair.b.events.states(), "Broken");
  Instant before = pair.world.now();
  Result<> opened = pair.b.operate(id, Operation::failover);
  ASSERT_TRUE(opened.has_value()) << opened.error().message;
  EXPECT_LE(pair.world.now() - before, std::chrono::milliseconds(3500));
  EXPECT_EQ(pair.b.tag("db-v1", Bytes{0}), 7U);
  pair.b.write("db-v1", 8, Bytes{0});
}

}  // namespace
}  // namespace lockstep::replica
