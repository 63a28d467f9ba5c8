// Snapshots and clones: each holds the instant it was taken at, wherever it lies.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "replica/systems/replica_testing.h"

namespace lockstep::replica {
namespace {

using namespace testing;
using ::testing::HasSubstr;

// Where the target lies.
enum class Where { same_pool, other_pool, other_system };

struct Points : ::testing::TestWithParam<Where> {
  Points()
      : world(test_seed(static_cast<std::uint64_t>(GetParam()) + 7100)),
        a(world, "a", {"p", "q"}),
        b(world, "b", {"p"}) {
    std::string token = must(a.engine->invite(std::chrono::minutes(5), {a.listening}));
    must(b.run(b.engine->join(token, {b.listening})));
    group = a.make_group("db", 2, 4_MiB);
    for (std::uint64_t i = 0; i < 100; ++i) a.write("db-v1", 1000 + i, Bytes{i * 4096});
    a.write("db-v2", 2000, 1_MiB, 65536);
  }
  [[nodiscard]] bool remote() const { return GetParam() == Where::other_system; }
  CreateRequest request(SyncType type) {
    CreateRequest r;
    r.name = "r";
    r.sync_type = type;
    r.settings.mode = Mode::synchronous;
    r.settings.rpo_seconds = 0;
    r.pool = a.pool().id();
    r.group = group;
    r.target_system = remote() ? b.self.id : a.self.id;
    r.target_pool = GetParam() == Where::other_pool ? "q" : "p";
    r.target_group = "copy";
    return r;
  }
  RelationshipId create(SyncType type) { return must(a.run(a.engine->create(request(type)))); }
  TestSystem& target() { return remote() ? b : a; }
  [[nodiscard]] std::size_t target_pool() const { return GetParam() == Where::other_pool ? 1 : 0; }
  // The name of the target's volume i (1, 2).
  std::string volume(int i) {
    const store::GroupRow* row = target().group("copy", target_pool());
    CHECK(row != nullptr);
    return target().pool(target_pool()).catalog().volumes.at(row->members.at(static_cast<std::size_t>(i - 1))).name;
  }
  Buffer copied(int i) { return target().content(volume(i), target_pool()); }
  Buffer original(int i) { return a.content("db-v" + std::to_string(i)); }
  bool wait(RelationshipId id) {
    Patient watcher;
    std::vector<CopyState> states{CopyState::synchronized};
    Result<> done = world.run(a.host.loop(), a.engine->await_state(id, states, watcher), std::chrono::minutes(10));
    EXPECT_TRUE(done) << done.error().message;
    return done.has_value();
  }
  bool gone(TestSystem& system, RelationshipId id) { return !system.run(system.engine->report(id)).has_value(); }
  void write_target(std::uint64_t tag, Bytes at) { target().write(volume(1), tag, at, 4096, target_pool()); }

  os::sim::World world;
  TestSystem a, b;
  GroupId group;
};

TEST_P(Points, ACloneHoldsTheInstantAndDetachesByItself) {
  Buffer before = original(1);
  RelationshipId id = create(SyncType::clone);
  a.write("db-v1", 1, Bytes{0});
  a.write("db-v2", 2, Bytes{0});
  ASSERT_TRUE(wait(id));
  EXPECT_TRUE(gone(a, id));
  EXPECT_TRUE(world.run_until([&] { return target().registry.relationships_.empty(); }, std::chrono::seconds(10)));
  EXPECT_EQ(copied(1), before);
  EXPECT_EQ(target().group("copy", target_pool())->role, store::Role::source);
  write_target(5, Bytes{8192});  // it is on its own
  EXPECT_NE(copied(1), before);
  EXPECT_EQ(a.internal_snapshots(), 0U);
}

TEST_P(Points, ASnapshotStaysTiedAndServesHosts) {
  Buffer before = original(1);
  RelationshipId id = create(SyncType::snapshot);
  a.write("db-v1", 1, Bytes{0});
  ASSERT_TRUE(wait(id));
  EXPECT_EQ(a.report(id).copy_state, CopyState::synchronized);
  EXPECT_EQ(copied(1), before);
  EXPECT_EQ(a.tag("db-v1", Bytes{0}), 1U);
  write_target(77, Bytes{4096});
  EXPECT_TRUE(target().reaches(id, CopyState::skewed));
  EXPECT_EQ(a.report(id).percent_synced, 100);
  EXPECT_EQ(a.internal_snapshots(), 0U);
}

TEST_P(Points, ResyncTakesANewInstantAndKeepsWhatWasWrittenToTheOldOne) {
  RelationshipId id = create(SyncType::snapshot);
  ASSERT_TRUE(wait(id));
  a.write("db-v1", 1, Bytes{0});
  a.write("db-v2", 2, 2_MiB);
  must(a.operate(id, Operation::resync_replica));
  EXPECT_EQ(a.report(id).copy_state, CopyState::synchronized);
  EXPECT_EQ(copied(1), original(1));
  EXPECT_EQ(copied(2), original(2));
  EXPECT_TRUE(target().snapshots(target_pool()).empty());  // nothing of its own was lost, so nothing was kept
  write_target(77, Bytes{4096});
  a.write("db-v1", 3, Bytes{8192});
  must(a.operate(id, Operation::resync_replica));
  EXPECT_EQ(copied(1), original(1));
  EXPECT_EQ(copied(2), original(2));
  ASSERT_EQ(target().snapshots(target_pool()).size(), 1U);
  EXPECT_THAT(target().snapshots(target_pool())[0], HasSubstr("before-resync-r"));
}

TEST_P(Points, RestoresNeverRunOut) {
  RelationshipId id = create(SyncType::snapshot);
  ASSERT_TRUE(wait(id));
  for (std::uint64_t i = 0; i < 20; ++i) {
    a.write("db-v1", 5000 + i, Bytes{0});
    write_target(7000 + i, Bytes{4096});
    Result<> restored = a.operate(id, Operation::restore_from_replica);
    ASSERT_TRUE(restored.has_value()) << i << ": " << restored.error().message;
    EXPECT_EQ(a.tag("db-v1", Bytes{4096}), 7000 + i);
    Result<> renewed = a.operate(id, Operation::resync_replica);
    ASSERT_TRUE(renewed.has_value()) << i << ": " << renewed.error().message;
    EXPECT_EQ(copied(1), original(1));
    EXPECT_EQ(copied(2), original(2));
  }
  for (const std::string& kept : a.snapshots())
    for (const auto& [snapshot, row] : std::map(a.pool().catalog().snapshots))
      if (row.name == kept && !row.hidden) must(a.on_pool(a.pool().delete_snapshot(snapshot)));
  a.world.run_for(std::chrono::seconds(30));
  EXPECT_EQ(copied(1), original(1));
}

TEST_P(Points, RestoreBringsBackWhatTheTargetHoldsAndKeepsWhatTheSourceHeld) {
  RelationshipId id = create(SyncType::snapshot);
  ASSERT_TRUE(wait(id));
  a.write("db-v1", 1, Bytes{0});
  write_target(77, Bytes{4096});
  must(a.operate(id, Operation::restore_from_replica));
  EXPECT_EQ(original(1), copied(1));
  EXPECT_EQ(original(2), copied(2));
  EXPECT_EQ(a.tag("db-v1", Bytes{4096}), 77U);
  EXPECT_EQ(a.tag("db-v1", Bytes{0}), 1000U);
  ASSERT_EQ(a.snapshots().size(), 1U);
  EXPECT_THAT(a.snapshots()[0], HasSubstr("before-restore-r"));
  a.write("db-v1", 2, Bytes{0});  // the source serves again
  Report now = a.report(id);
  EXPECT_TRUE(now.copy_state == CopyState::synchronized || now.copy_state == CopyState::skewed) << name_of(now.copy_state);
  EXPECT_EQ(now.relationship.end, End::source);
  must(a.operate(id, Operation::resync_replica));
  EXPECT_EQ(copied(1), original(1));
}

TEST_P(Points, ADetachedSnapshotIsOnItsOwn) {
  RelationshipId id = create(SyncType::snapshot);
  ASSERT_TRUE(wait(id));
  Buffer before = copied(1);
  must(a.operate(id, Operation::detach));
  EXPECT_TRUE(gone(a, id));
  a.write("db-v1", 1, Bytes{0});
  EXPECT_EQ(copied(1), before);
  write_target(77, Bytes{4096});
  EXPECT_EQ(target().group("copy", target_pool())->role, store::Role::source);
}

TEST_P(Points, AReturnedSnapshotIsGoneWithItsVolumes) {
  RelationshipId id = create(SyncType::snapshot);
  ASSERT_TRUE(wait(id));
  write_target(77, Bytes{4096});
  must(a.operate(id, Operation::return_to_resource_pool));
  EXPECT_TRUE(gone(a, id));
  EXPECT_TRUE(gone(target(), id));
  EXPECT_EQ(target().group("copy", target_pool()), nullptr);
  EXPECT_TRUE(target().snapshots(target_pool()).empty());
  EXPECT_EQ(a.tag("db-v1", Bytes{0}), 1000U);
}

TEST_P(Points, ASnapshotSurvivesARestart) {
  RelationshipId id = create(SyncType::snapshot);
  ASSERT_TRUE(wait(id));
  Buffer before = copied(1);
  a.write("db-v1", 1, Bytes{0});
  a.kill();
  a.start();
  EXPECT_TRUE(a.reaches(id, CopyState::synchronized));
  if (remote()) {
    b.power_cut();
    b.start();
    EXPECT_TRUE(b.reaches(id, CopyState::synchronized));
  }
  EXPECT_EQ(copied(1), before);
  must(a.operate(id, Operation::resync_replica));
  EXPECT_EQ(copied(1), original(1));
}

TEST_P(Points, ADeactivatedSnapshotIsClosedAndActivatedAgainAsOfThen) {
  RelationshipId id = create(SyncType::snapshot);
  ASSERT_TRUE(wait(id));
  must(a.operate(id, Operation::deactivate));
  EXPECT_EQ(a.report(id).copy_state, CopyState::inactive);
  EXPECT_FALSE(target().try_write(volume(1), 5, Bytes{0}, 4096, target_pool()).has_value());
  a.write("db-v1", 1, Bytes{0});
  must(a.operate(id, Operation::activate));
  EXPECT_EQ(a.report(id).copy_state, CopyState::synchronized);
  EXPECT_EQ(copied(1), original(1));
  write_target(77, Bytes{4096});
}

TEST_P(Points, ATokenizedCloneIsAClone) {
  Buffer before = original(1);
  RelationshipId id = create(SyncType::tokenized_clone);
  a.write("db-v1", 1, Bytes{0});
  ASSERT_TRUE(wait(id));
  EXPECT_TRUE(gone(a, id));
  EXPECT_EQ(copied(1), before);
  EXPECT_EQ(a.internal_snapshots(), 0U);
}

TEST_P(Points, AGroupThatExistsIsUsed) {
  std::vector<VolumeId> none;
  GroupId empty = must(target().on_pool(target().pool(target_pool()).create_group("copy", none), target_pool()));
  RelationshipId id = create(SyncType::clone);
  ASSERT_TRUE(wait(id));
  ASSERT_NE(target().group("copy", target_pool()), nullptr);
  EXPECT_EQ(target().group("copy", target_pool())->id, empty);
  EXPECT_EQ(copied(1), original(1));
  EXPECT_EQ(copied(2), original(2));
}

TEST_P(Points, VolumesThatExistAreOverwrittenAndKept) {
  target().make_group("copy", 2, 4_MiB, target_pool());
  target().write("copy-v1", 9, 3_MiB, 4096, target_pool());
  RelationshipId id = create(SyncType::clone);
  ASSERT_TRUE(wait(id));
  EXPECT_EQ(copied(1), original(1));
  EXPECT_EQ(copied(2), original(2));
  ASSERT_EQ(target().snapshots(target_pool()).size(), 1U);
  EXPECT_THAT(target().snapshots(target_pool())[0], HasSubstr("before-r"));
}

INSTANTIATE_TEST_SUITE_P(Everywhere, Points, ::testing::Values(Where::same_pool, Where::other_pool, Where::other_system),
                         [](const ::testing::TestParamInfo<Where>& where) {
                           return std::string(where.param == Where::same_pool    ? "SamePool"
                                              : where.param == Where::other_pool ? "OtherPool"
                                                                                : "OtherSystem");
                         });

}  // namespace
}  // namespace lockstep::replica
