// Read repair: bytes that go bad at rest, in the journal and on the wire.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "replica/systems/damage_testing.h"
#include "replica/systems/replica_testing.h"

namespace lockstep::replica {
namespace {

using namespace testing;
using ::testing::AllOf;
using ::testing::Contains;
using ::testing::Field;
using ::testing::HasSubstr;

struct Mirrored : Pair {
  explicit Mirrored(std::uint64_t salt) : Pair(salt) {
    GroupId group = a.make_group("db", 1, 2_MiB);
    for (std::uint64_t i = 0; i < 32; ++i) a.write("db-v1", 100 + i, Bytes{i * 4096});
    id = create(group);
    reached = a.reaches(id, CopyState::synchronized) && level();
    must(a.on_pool(a.pool().checkpoint()));
    must(b.on_pool(b.pool().checkpoint()));
  }
  bool level() {
    return world.run_until([&] { return b.group("db")->position == a.group("db")->position; }, std::chrono::seconds(20));
  }
  Result<std::vector<std::uint64_t>> read(TestSystem& system, Bytes at) {
    return world.run(*system.loops[0], pool::testing::TestPool::tags_task(system.volume("db-v1"), at, 4096), std::chrono::minutes(1));
  }
  static std::size_t repairs(const TestSystem& system, const std::string& after) {
    return static_cast<std::size_t>(std::count_if(system.events.all.begin(), system.events.all.end(), [&](const Change& c) { return c.what == "Repair" && c.after == after; }));
  }
  RelationshipId id;
  bool reached = false;
};

TEST(Repair, AHostReadsGoodBytesAndTheDamageIsTold) {
  Mirrored m{721};
  ASSERT_TRUE(m.reached);
  ASSERT_EQ(damage(m.a, pattern_at(105, Bytes{5 * 4096})), 1U);
  auto tags = m.read(m.a, Bytes{5 * 4096});
  ASSERT_TRUE(tags.has_value()) << tags.error().message;
  EXPECT_EQ(tags->front(), 105U);
  m.world.run_for(std::chrono::milliseconds(10));
  EXPECT_THAT(m.a.events.all, Contains(AllOf(Field(&Change::what, "Repair"), Field(&Change::after, "repaired"), Field(&Change::volume, "p/db-v1"),
                                             Field(&Change::cause, AllOf(HasSubstr("offset 20480"), HasSubstr("/p/store/data at "), HasSubstr("system 'b'"))))));
  // In its new place, it needs nobody any more.
  m.cut();
  must(m.a.on_pool(m.a.pool().checkpoint()));
  m.a.shut_down();
  m.a.start();
  EXPECT_EQ(m.read(m.a, Bytes{5 * 4096})->front(), 105U);
  EXPECT_EQ(Mirrored::repairs(m.a, "repaired"), 1U);
}

TEST(Repair, ATargetIsRepairedFromItsSourceAndStaysWhereItIs) {
  Mirrored m{722};
  ASSERT_TRUE(m.reached);
  ASSERT_EQ(damage(m.b, pattern_at(107, Bytes{7 * 4096})), 1U);
  Origin before = m.b.group("db")->position;
  EXPECT_EQ(m.read(m.b, Bytes{7 * 4096})->front(), 107U);
  EXPECT_EQ(m.b.group("db")->position, before);
  m.a.write("db-v1", 900, Bytes{0});
  ASSERT_TRUE(m.level());
  EXPECT_EQ(m.a.content("db-v1"), m.b.content("db-v1"));
  EXPECT_EQ(m.a.report(m.id).copy_state, CopyState::synchronized);
}

TEST(Repair, DamageAtBothEndsFailsTheReadAndIsToldOnce) {
  Mirrored m{723};
  ASSERT_TRUE(m.reached);
  ASSERT_EQ(damage(m.a, pattern_at(103, Bytes{3 * 4096})), 1U);
  ASSERT_EQ(damage(m.b, pattern_at(103, Bytes{3 * 4096})), 1U);
  for (int i = 0; i < 3; ++i) {
    auto tags = m.read(m.a, Bytes{3 * 4096});
    ASSERT_FALSE(tags.has_value());
    EXPECT_EQ(tags.error().code, Code::corrupt);
    EXPECT_THAT(tags.error().message, AllOf(HasSubstr("'db-v1', offset 12288"), HasSubstr("/p/store/data at "), HasSubstr("system 'b'")));
  }
  m.world.run_for(std::chrono::milliseconds(10));
  EXPECT_EQ(Mirrored::repairs(m.a, "not repaired"), 1U);
  EXPECT_EQ(m.read(m.a, Bytes{4 * 4096})->front(), 104U);   // its neighbours are good
  // A part-write does not make it good; a whole one does, and the target gets it.
  EXPECT_EQ(m.a.try_write("db-v1", 1, Bytes{3 * 4096}, 512).error().code, Code::corrupt);
  m.a.write("db-v1", 5, Bytes{3 * 4096});
  ASSERT_TRUE(m.level());
  EXPECT_EQ(m.b.tag("db-v1", Bytes{3 * 4096}), 5U);
}

TEST(Repair, ALateTargetGivesNoOlderBytes) {
  Mirrored m{724};
  ASSERT_TRUE(m.reached);
  must(m.a.operate(m.id, Operation::suspend));
  m.a.write("db-v1", 500, Bytes{4096});
  must(m.a.on_pool(m.a.pool().checkpoint()));
  ASSERT_GE(damage(m.a, pattern_at(500, Bytes{4096})), 1U);
  auto tags = m.read(m.a, Bytes{4096});
  ASSERT_FALSE(tags.has_value());   // there, but as it was
  EXPECT_EQ(tags.error().code, Code::corrupt);
  m.cut();
  Instant before = m.world.now();
  tags = m.read(m.a, Bytes{4096});
  ASSERT_FALSE(tags.has_value());   // out of reach
  EXPECT_EQ(tags.error().code, Code::corrupt);
  EXPECT_LE(m.world.now() - before, std::chrono::seconds(10));
}

TEST(Repair, BothPoolsOfOneSystemHelpEachOther) {
  os::sim::World world(test_seed(725));
  TestSystem a(world, "a", {"p", "q"});
  GroupId group = a.make_group("db", 1, 1_MiB);
  for (std::uint64_t i = 0; i < 20; ++i) a.write("db-v1", 100 + i, Bytes{i * 4096});
  CreateRequest request;
  request.pool = a.pool().id();
  request.group = group;
  request.target_pool = "q";
  request.name = "r";
  RelationshipId id = must(a.run(a.engine->create(request)));
  ASSERT_TRUE(a.reaches(id, CopyState::synchronized));
  for (std::size_t i : {0U, 1U}) must(a.on_pool(a.pool(i).checkpoint(), i));
  ASSERT_EQ(damage(a, pattern_at(102, Bytes{8192}), "p"), 1U);
  ASSERT_EQ(damage(a, pattern_at(103, Bytes{12288}), "q"), 1U);
  EXPECT_EQ(a.tag("db-v1", Bytes{8192}), 102U);
  std::string there;
  for (const auto& [volume, row] : a.pool(1).catalog().volumes) there = row.name;
  EXPECT_EQ(a.tag(there, Bytes{12288}, 1), 103U);
  world.run_for(std::chrono::milliseconds(10));
  EXPECT_EQ(Mirrored::repairs(a, "repaired"), 2U);
}

// --- the wire

TEST(Repair, AFlippedBitOnTheWayNeverArrivesAsData) {
  Mirrored m{729};
  ASSERT_TRUE(m.reached);
  for (std::uint64_t i = 0; i < 60; ++i) {
    // Anywhere in heads, messages, checksums and blocks; of what the source sends, and of what the target answers.
    if (i % 4 == 3) m.world.network().flip_bit(m.b.host, m.a.host, i * 7 % 120);
    else m.world.network().flip_bit(m.a.host, m.b.host, i * 487 % 9000);
    m.a.write("db-v1", 3000 + i, Bytes{i * 4096}, i % 3 == 0 ? 65536 : 8192);
    m.world.run_for(std::chrono::milliseconds(50));
  }
  ASSERT_TRUE(m.a.reaches(m.id, CopyState::synchronized)) << m.a.report(m.id).cause;
  ASSERT_TRUE(m.level());
  EXPECT_EQ(m.a.content("db-v1"), m.b.content("db-v1"));
  Patient watcher;
  EXPECT_TRUE(must(m.a.run(m.a.engine->verify(m.id, {.read = true}, watcher))).good());
  EXPECT_THAT(m.a.events.states(), HasSubstr("Broken"));   // it was noticed
}

// --- the journal

TEST(Repair, ARetainedBigWriteThatWentBadIsPassedOverWhenItWasOverwritten) {
  Mirrored m{726};
  ASSERT_TRUE(m.reached);
  m.cut();
  ASSERT_TRUE(m.a.reaches(m.id, CopyState::broken));
  m.a.write("db-v1", 600, 1_MiB, 128 << 10);   // goes to the data file first
  ASSERT_EQ(damage(m.a, pattern_at(600, 1_MiB + Bytes{8192})), 1U);
  m.a.write("db-v1", 601, 1_MiB, 64 << 10);    // what was damaged is not needed any more, but the journal still names it
  m.heal();
  ASSERT_TRUE(m.a.reaches(m.id, CopyState::synchronized)) << m.a.report(m.id).cause;
  ASSERT_TRUE(m.level());
  EXPECT_EQ(m.a.content("db-v1"), m.b.content("db-v1"));
}

TEST(Repair, WhatOnlyTheSourceHadAndLostIsNamedAndNeverServed) {
  Mirrored m{727};
  ASSERT_TRUE(m.reached);
  m.cut();
  ASSERT_TRUE(m.a.reaches(m.id, CopyState::broken));
  m.a.write("db-v1", 600, 1_MiB, 128 << 10);
  ASSERT_EQ(damage(m.a, pattern_at(600, 1_MiB + Bytes{8192})), 1U);
  m.heal();
  m.world.run_for(std::chrono::seconds(20));
  Report report = m.a.report(m.id);
  EXPECT_NE(report.copy_state, CopyState::synchronized);
  EXPECT_TRUE(m.world.run_until([&] { return m.a.report(m.id).cause.find("offset 1056768") != std::string::npos; }, std::chrono::seconds(20)))
      << m.a.report(m.id).cause;
  EXPECT_EQ(m.b.tag("db-v1", Bytes{0}), 100U);   // the target's state is one of the source's, still
  // Written anew, it is good, and the target follows again.
  m.a.write("db-v1", 602, 1_MiB, 128 << 10);
  ASSERT_TRUE(m.a.reaches(m.id, CopyState::synchronized)) << m.a.report(m.id).cause;
  ASSERT_TRUE(m.level());
  EXPECT_EQ(m.a.content("db-v1"), m.b.content("db-v1"));
}

TEST(Repair, DamageInTheRetainedJournalEndsInAComparisonNotInAFullCopy) {
  Mirrored m{728};
  ASSERT_TRUE(m.reached);
  m.cut();
  ASSERT_TRUE(m.a.reaches(m.id, CopyState::broken));
  for (std::uint64_t i = 0; i < 300; ++i) m.a.write("db-v1", 2000 + i, Bytes{(i % 200) * 4096});
  must(m.a.on_pool(m.a.pool().checkpoint()));
  std::size_t flipped = 0;
  for (const std::string& path : m.a.host.disk().all_files()) {
    if (path.find("/p/journal/") == std::string::npos) continue;
    for (Bytes at : places_of(m.a, path, Span(pattern_at(2010, Bytes{10 * 4096})), 8)) {
      m.a.host.disk().corrupt(path, at + Bytes{64});
      ++flipped;
    }
  }
  ASSERT_GE(flipped, 1U);
  // Nothing of the journal may be in memory any more.
  m.a.shut_down();
  m.a.start();
  Bytes before = m.a.report(m.id).sent_total;
  m.heal();
  ASSERT_TRUE(m.a.reaches(m.id, CopyState::synchronized)) << m.a.report(m.id).cause;
  ASSERT_TRUE(m.level());
  EXPECT_EQ(m.a.content("db-v1"), m.b.content("db-v1"));
  EXPECT_LE((m.a.report(m.id).sent_total - before).value, 260U * 4096);
}

}  // namespace
}  // namespace lockstep::replica
