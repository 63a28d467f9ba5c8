// Fan-out: one source group, several targets.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "replica/systems/trio_testing.h"

namespace lockstep::replica {
namespace {

using namespace testing;
using ::testing::HasSubstr;
using ::testing::StartsWith;
using std::chrono::milliseconds;
using std::chrono::seconds;

Settings adaptive() {
  Settings s;
  s.mode = Mode::adaptive;
  return s;
}

// a -> b and a -> c.
struct Fork : Trio {
  explicit Fork(std::uint64_t salt, Settings to_b = asynchronous(), Settings to_c = asynchronous()) : Trio(salt) {
    a().make_group("db", 1, 8_MiB);
    for (std::uint64_t i = 0; i < 20; ++i) a().write("db-v1", 1 + i, Bytes{i * 65536});
    ab = create(a(), "db", b(), to_b);
    ac = create(a(), "db", c(), to_c);
    EXPECT_TRUE(a().reaches(ab, CopyState::synchronized));
    EXPECT_TRUE(a().reaches(ac, CopyState::synchronized));
  }
  RelationshipId ab, ac;
};

TEST(FanOut, FourTargetsOfDifferentModesFollowOneSource) {
  Trio t{250, {"a", "b", "c", "d"}, pool::testing::small_options(), {"p", "q"}};
  t.a().make_group("db", 2, 4_MiB);
  std::vector<RelationshipId> all;
  all.push_back(t.create(t.a(), "db", t.systems[1], synchronous()));
  all.push_back(t.create(t.a(), "db", t.systems[2], asynchronous()));
  all.push_back(t.create(t.a(), "db", t.systems[3], adaptive()));
  CreateRequest local;
  local.pool = t.a().pool().id();
  local.group = t.a().group("db")->id;
  local.target_system = t.a().self.id;
  local.target_pool = "q";
  local.name = "near";
  all.push_back(must(t.a().run(t.a().engine->create(local))));
  for (std::uint64_t i = 0; i < 100; ++i) t.a().write(i % 2 ? "db-v1" : "db-v2", 100 + i, Bytes{i * 4096});
  for (RelationshipId id : all) EXPECT_TRUE(t.a().reaches(id, CopyState::synchronized)) << t.a().report(id).relationship.name;
  t.a().write("db-v1", 7, Bytes{0});
  for (std::size_t i = 1; i < 4; ++i) {
    ASSERT_TRUE(t.level(t.a(), t.systems[i])) << i;
    for (const char* volume : {"db-v1", "db-v2"}) EXPECT_EQ(t.a().content(volume), t.systems[i].content(volume)) << i;
  }
  EXPECT_EQ(t.a().report(all[0]).mode_in_force, Mode::synchronous);
  EXPECT_EQ(t.a().report(all[1]).mode_in_force, Mode::asynchronous);
  EXPECT_EQ(t.a().internal_snapshots(), 0U);
  ASSERT_TRUE(t.world.run_until([&] { return t.a().report(all[3]).lag == Duration{0}; }, seconds(10)));
  const auto& groups = t.a().pool(1).catalog().groups;
  ASSERT_EQ(groups.size(), 1U);
  EXPECT_EQ(groups.begin()->second.position, t.position(t.a()));
}

TEST(FanOut, SynchronousAnswersWaitForEverySynchronousTarget) {
  Fork t{251, synchronous(), synchronous()};
  t.world.network().delay(t.a().host, t.c().host, milliseconds(40));
  for (std::uint64_t i = 1; i <= 20; ++i) {
    Instant before = t.world.now();
    t.a().write("db-v1", 500 + i, Bytes{i * 4096});
    EXPECT_GE(t.world.now() - before, milliseconds(40));
    EXPECT_EQ(t.b().tag("db-v1", Bytes{i * 4096}), 500 + i);
    EXPECT_EQ(t.c().tag("db-v1", Bytes{i * 4096}), 500 + i);
  }
  pool::VolumeRef volume = t.a().volume("db-v1");
  must(t.a().on_pool(volume->flush()));
  for (TestSystem* s : {&t.b(), &t.c()}) EXPECT_GE(s->pool().status().durable, s->pool().status().appended - Lsn{2});
}

TEST(FanOut, OneLostTargetCostsTheOthersNothing) {
  Fork t{252, asynchronous(), asynchronous(Bytes{0}, 1_MiB)};
  t.cut(t.a(), t.c());
  ASSERT_TRUE(t.a().reaches(t.ac, CopyState::broken));
  Bytes sent = t.a().report(t.ab).sent_total;
  for (std::uint64_t i = 0; i < 800; ++i) t.a().write("db-v1", 1000 + i, Bytes{i * 8192});
  ASSERT_TRUE(t.level(t.a(), t.b()));
  EXPECT_EQ(t.a().report(t.ab).copy_state, CopyState::synchronized);
  EXPECT_FALSE(t.b().group("db")->resync.has_value());
  EXPECT_LE((t.a().report(t.ab).sent_total - sent).value, 800U * 4096 * 110 / 100);
  must(t.a().on_pool(t.a().pool().checkpoint()));
  sent = t.a().report(t.ac).sent_total;
  t.heal(t.a(), t.c());
  ASSERT_TRUE(t.a().reaches(t.ac, CopyState::synchronized));
  ASSERT_TRUE(t.level(t.a(), t.c()));
  EXPECT_EQ(t.a().content("db-v1"), t.c().content("db-v1"));
  EXPECT_LE((t.a().report(t.ac).sent_total - sent).value, 800U * 4096 * 110 / 100);
}

TEST(FanOut, PolicyStopOfOneTargetStopsTheGroupAndNothingElseDoes) {
  Fork t{253, synchronous(LinkLoss::stop), synchronous(LinkLoss::go_on)};
  t.cut(t.a(), t.c());
  t.a().write("db-v1", 5, Bytes{0});   // once the lost target is given up
  EXPECT_EQ(t.b().tag("db-v1", Bytes{0}), 5U);
  t.heal(t.a(), t.c());
  ASSERT_TRUE(t.a().reaches(t.ac, CopyState::synchronized));
  t.cut(t.a(), t.b());
  auto refused = t.a().try_write("db-v1", 6, Bytes{4096});
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().code, Code::unreachable);
}

TEST(FanOut, ASourceThatHandedOverIsNotOpenedByAnotherOfItsRelationships) {
  Fork t{254};
  auto done = t.b().operate(t.ab, Operation::failover);
  ASSERT_TRUE(done.has_value()) << done.error().message;
  ASSERT_EQ(t.a().group("db")->role, store::Role::demoted);
  t.world.network().reset_connections(t.a().host, t.c().host);
  t.world.run_for(seconds(10));
  EXPECT_EQ(t.a().group("db")->role, store::Role::demoted);
  t.a().kill();
  t.a().start();
  t.world.run_for(seconds(10));
  EXPECT_EQ(t.a().group("db")->role, store::Role::demoted);
  ASSERT_TRUE(t.a().operate(t.ac, Operation::detach).has_value());
  EXPECT_EQ(t.a().group("db")->role, store::Role::demoted);
  EXPECT_EQ(t.a().try_write("db-v1", 1, Bytes{0}).error().code, Code::read_only);
}

TEST(FanOut, TheOtherTargetFollowsThroughTheFormerSource) {
  Fork t{255};
  ASSERT_TRUE(t.b().operate(t.ab, Operation::failover).has_value());
  t.b().write("db-v1", 70, Bytes{0});
  auto turned = t.b().operate(t.ab, Operation::reverse_roles);
  ASSERT_TRUE(turned.has_value()) << turned.error().message;
  ASSERT_TRUE(t.b().operate(t.ab, Operation::resume).has_value());
  for (std::uint64_t i = 0; i < 20; ++i) t.b().write("db-v1", 71 + i, Bytes{i * 4096});
  ASSERT_TRUE(t.level(t.b(), t.a()));
  ASSERT_TRUE(t.level(t.b(), t.c())) << t.a().report(t.ac).cause;
  EXPECT_EQ(t.b().content("db-v1"), t.c().content("db-v1"));
}

// The source is gone for good. The sibling that follows the promoted one has little to fetch, whoever was further.
TEST(FanOut, TheOtherTargetFollowsThePromotedOneWithoutAFullCopy) {
  for (int ahead = 0; ahead < 3; ++ahead) {
    Fork t{256 + static_cast<std::uint64_t>(ahead)};
    ASSERT_TRUE(t.level(t.a(), t.b()));
    ASSERT_TRUE(t.level(t.a(), t.c()));
    if (ahead == 1) t.cut(t.a(), t.b());   // c gets more
    if (ahead == 2) t.cut(t.a(), t.c());   // b gets more
    for (std::uint64_t i = 0; i < 30; ++i) t.a().write("db-v1", 300 + i, Bytes{i * 4096});
    t.world.run_for(seconds(1));
    Buffer of_c = t.c().content("db-v1");
    t.a().kill();
    ASSERT_TRUE(t.b().reaches(t.ab, CopyState::broken));
    auto opened = t.b().operate(t.ab, Operation::failover);
    ASSERT_TRUE(opened.has_value()) << opened.error().message;
    t.b().write("db-v1", 9, Bytes{1_MiB});
    bool named = false;
    for (const auto& c : t.b().events.all) named = named || (c.what == "Sibling" && c.after.find("system 'c'") != std::string::npos);
    EXPECT_EQ(named, ahead == 1) << ahead;

    auto busy = t.try_create(t.b(), "db", t.c(), {}, "db");
    ASSERT_FALSE(busy.has_value());
    EXPECT_THAT(busy.error().message, HasSubstr("is a target already"));
    ASSERT_TRUE(t.c().operate(t.ac, Operation::detach).has_value());
    auto bc = t.try_create(t.b(), "db", t.c(), {}, "db");
    ASSERT_TRUE(bc.has_value()) << bc.error().message;
    ASSERT_TRUE(t.b().reaches(*bc, CopyState::synchronized)) << t.b().report(*bc).cause;
    ASSERT_TRUE(t.level(t.b(), t.c()));
    EXPECT_EQ(t.b().content("db-v1"), t.c().content("db-v1"));
    EXPECT_LE(t.b().report(*bc).sent_total.value, 300'000U) << ahead << ": of 20 blocks at first and 31 since";
    // What only c had is kept there.
    EXPECT_EQ(t.c().snapshots().size(), ahead == 1 ? 1U : 0U) << ahead;
  }
}

// Everything went dark, and only the targets came back.
TEST(FanOut, ASiblingThatIsAheadIsNamedByATargetThatHasRestartedSince) {
  Fork t{268};
  t.world.run_for(seconds(2));   // the source has told b of c
  t.cut(t.a(), t.b());
  for (std::uint64_t i = 0; i < 30; ++i) t.a().write("db-v1", 300 + i, Bytes{i * 4096});
  t.world.run_for(seconds(2));   // c has it on disk
  t.a().kill();
  t.cut(t.a(), t.c());
  for (TestSystem* target : {&t.b(), &t.c()}) {
    target->power_cut();
    target->start();
  }
  ASSERT_TRUE(t.b().operate(t.ab, Operation::failover).has_value());
  bool named = false;
  for (const auto& c : t.b().events.all) named = named || (c.what == "Sibling" && c.after.find("system 'c'") != std::string::npos);
  EXPECT_TRUE(named);
}

TEST(FanOut, ASourceThatLostPowerGetsBackWhatAnyTargetHas) {
  int lost = 0;
  for (std::uint64_t salt = 0; salt < 8; ++salt) {
    Fork t{270 + salt, synchronous(), salt % 2 ? asynchronous() : synchronous()};
    for (std::uint64_t i = 0; i < 20; ++i) t.a().write("db-v1", 100 + i, Bytes{i * 4096});
    Buffer answered = t.b().content("db-v1");
    t.a().power_cut(os::sim::Tear::any);
    t.a().start();
    lost += t.a().content("db-v1") != answered ? 1 : 0;
    pool::VolumeRef volume = t.a().volume("db-v1");
    ASSERT_TRUE(t.world.run_until([&] { return volume->hold() == Duration{0}; }, seconds(10))) << salt;
    volume.reset();
    EXPECT_EQ(t.a().content("db-v1"), answered) << salt;
    ASSERT_TRUE(t.a().reaches(t.ab, CopyState::synchronized)) << salt << t.a().report(t.ab).cause;
    ASSERT_TRUE(t.a().reaches(t.ac, CopyState::synchronized)) << salt << t.a().report(t.ac).cause;
    t.a().write("db-v1", 999, Bytes{1_MiB});
    ASSERT_TRUE(t.level(t.a(), t.b())) << salt;
    ASSERT_TRUE(t.level(t.a(), t.c())) << salt;
    for (TestSystem* s : {&t.b(), &t.c()}) {
      EXPECT_EQ(s->content("db-v1"), t.a().content("db-v1")) << salt << s->self.name;
      EXPECT_TRUE(s->snapshots().empty()) << salt << s->self.name;
    }
  }
  EXPECT_GT(lost, 0);
}

}  // namespace
}  // namespace lockstep::replica
