// A target that was filled by other means: only what differs travels.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "replica/systems/replica_testing.h"

namespace lockstep::replica {
namespace {

using namespace testing;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::StartsWith;

struct Seeded : Pair {
  explicit Seeded(std::uint64_t salt) : Pair(salt) {
    group = a.make_group("db", 2, 2_MiB);
    b.make_group("seed", 2, 2_MiB);
    for (std::uint64_t i = 0; i < 400; ++i) {
      a.write("db-v1", 1000 + i, Bytes{i * 4096});
      a.write("db-v2", 2000 + i, Bytes{i * 4096});
      b.write("seed-v1", 1000 + i, Bytes{i * 4096});
      b.write("seed-v2", 2000 + i, Bytes{i * 4096});
    }
    // Since the copy was made, a little has changed; and the seed holds something that the source never had.
    a.write("db-v1", 7, Bytes{40960});
    a.write("db-v2", 8, Bytes{450 * 4096});
    b.write("seed-v2", 9, Bytes{460 * 4096});
  }
  Result<RelationshipId> create_onto(const std::string& target) {
    CreateRequest request;
    request.pool = a.pool().id();
    request.group = group;
    request.target_system = b.self.id;
    request.target_group = target;
    request.seeded = true;
    return a.run(a.engine->create(request));
  }
  void expect_equal() {
    ASSERT_TRUE(world.run_until([&] { return b.group("seed")->position == a.group("db")->position; }, std::chrono::seconds(20)));
    EXPECT_EQ(a.content("db-v1"), b.content("seed-v1"));
    EXPECT_EQ(a.content("db-v2"), b.content("seed-v2"));
  }
  GroupId group;
};

TEST(Seed, OnlyDifferencesTravelAndWhatTheTargetHeldIsKept) {
  Seeded s{741};
  Buffer before = s.b.content("seed-v2");
  RelationshipId id = must(s.create_onto("seed"));
  ASSERT_TRUE(s.a.reaches(id, CopyState::synchronized)) << s.a.report(id).cause;
  s.expect_equal();
  EXPECT_LE(s.a.report(id).sent_total.value, 32U << 10);   // three blocks, and what is said about them
  ASSERT_THAT(s.b.snapshots(), ElementsAre(StartsWith("before-")));
  for (const auto& [snapshot, row] : s.b.pool().catalog().snapshots) {
    if (row.internal || row.hidden) continue;
    pool::VolumeRef view = must(s.b.pool().open_snapshot(snapshot, 1));
    Buffer kept(view->size().value);
    must(s.b.on_pool(view->read(Bytes{0}, MutSpan(kept).first(1 << 20))));
    must(s.b.on_pool(view->read(1_MiB, MutSpan(kept).subspan(1 << 20))));
    EXPECT_EQ(kept, before);
  }
}

TEST(Seed, TheLinkMayBreakAtAnyMoment) {
  for (std::uint64_t i = 0; i < 8; ++i) {
    Seeded s{750 + i};
    RelationshipId id = must(s.create_onto("seed"));
    s.world.run_for(std::chrono::milliseconds(i * 3));
    if (i % 2 == 0) s.cut();
    else s.b.kill(), s.b.start();
    s.world.run_for(std::chrono::seconds(4));
    s.heal();
    ASSERT_TRUE(s.a.reaches(id, CopyState::synchronized)) << s.a.report(id).cause;
    s.expect_equal();
    EXPECT_LE(s.a.report(id).sent_total.value, 64U << 10);
  }
}

// What follows a relationship that this system does not know is used only where nothing can have been copied into it.
TEST(Seed, ACreationThatBrokeOffLeavesAGroupThatCanBeUsedAgain) {
  Seeded s{745};
  auto follow_nobody_known = [&](bool was_synchronized, bool opened) {
    store::GroupRow row = *s.b.group("seed");
    row.role = store::Role::target;
    row.following = RelationshipId{};
    row.following.bytes.fill(std::byte{7});
    row.was_synchronized = was_synchronized;
    row.resync.reset();
    if (opened) row.resync = store::ResyncBracket{row.following, SnapshotId{}, 0, Origin{}};
    must(s.b.on_pool(s.b.pool().change_group(row)));
  };
  for (auto [was_synchronized, opened] : {std::pair{true, false}, std::pair{true, true}, std::pair{false, false}}) {
    follow_nobody_known(was_synchronized, opened);
    auto refused = s.create_onto("seed");
    ASSERT_FALSE(refused.has_value());
    EXPECT_THAT(refused.error().message, ::testing::HasSubstr("is a target already"));
  }
  follow_nobody_known(false, true);
  RelationshipId id = must(s.create_onto("seed"));
  ASSERT_TRUE(s.a.reaches(id, CopyState::synchronized)) << s.a.report(id).cause;
  s.expect_equal();
  EXPECT_THAT(s.b.snapshots(), ElementsAre(StartsWith("before-")));
}

TEST(Seed, WithoutASeededGroupNothingIsMade) {
  Seeded s{760};
  Result<RelationshipId> made = s.create_onto("nobody");
  ASSERT_FALSE(made.has_value());
  EXPECT_EQ(made.error().code, Code::invalid);
  EXPECT_THAT(made.error().message, HasSubstr("'nobody'"));
  EXPECT_EQ(s.b.group("nobody"), nullptr);
  EXPECT_TRUE(s.a.engine->reports().empty());
}

}  // namespace
}  // namespace lockstep::replica
