#include "replica/model/verify.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "replica/systems/damage_testing.h"
#include "replica/systems/replica_testing.h"
#include "replica/systems/trio_testing.h"

namespace lockstep::replica {
namespace {

using namespace testing;
using ::testing::AllOf;
using ::testing::Contains;
using ::testing::Field;
using ::testing::HasSubstr;

struct Verified : Pair {
  explicit Verified(std::uint64_t salt, Settings settings = {}) : Pair(salt) {
    group = a.make_group("db", 2, 2_MiB);
    for (std::uint64_t i = 0; i < 64; ++i) a.write("db-v1", 100 + i, Bytes{i * 8192});
    for (std::uint64_t i = 0; i < 64; ++i) a.write("db-v2", 300 + i, Bytes{i * 16384});
    id = create(group, settings);
    reached = a.reaches(id, CopyState::synchronized);
  }
  Result<VerifyReport> verify(VerifyRequest request = {}) {
    Patient watcher;
    Result<VerifyReport> report = world.run(a.host.loop(), a.engine->verify(id, request, watcher), std::chrono::minutes(10));
    if (report) {
      EXPECT_EQ(watcher.done, watcher.total);
    }
    return report;
  }
  // What the target holds of one block becomes something else, behind everybody's back.
  void alter(const std::string& volume, std::uint64_t tag, Bytes at) { replica::testing::alter(b, "db", volume, tag, at); }
  bool level() {
    return world.run_until([&] { return b.group("db")->position == a.group("db")->position; }, std::chrono::seconds(20));
  }
  void expect_clean() {
    EXPECT_EQ(a.internal_snapshots(), 0U);
    EXPECT_TRUE(world.run_until([&] { return b.internal_snapshots() == 0; }, std::chrono::seconds(5)));
  }
  GroupId group;
  RelationshipId id;
  bool reached = false;
};

// On the scope's loop.
rt::Task<void> begin(rt::Scope* scope, rt::Task<void> task) {
  scope->spawn(std::move(task));
  co_return;
}

rt::Task<void> keep_writing(TestSystem* system, const bool* done) {
  rt::Stop never;
  for (std::uint64_t i = 0; !*done; ++i) {
    pool::VolumeRef v = system->volume(i % 2 == 0 ? "db-v1" : "db-v2");
    Result<Lsn> written = co_await pool::testing::TestPool::write_task(v, 1000 + i, Bytes{(i * 37 % 400) * 4096}, i % 5 == 0 ? 8192 : 4096);
    CHECK(written.has_value());
    Duration pause = std::chrono::microseconds(300);
    bool slept = co_await rt::sleep_for(system->pool().loop(), pause, never);
    CHECK(slept);
  }
}

TEST(Verify, EqualEndsAreEqualWhileHostsWrite) {
  for (bool sync : {false, true}) {
    Verified v{sync ? 701U : 702U, sync ? synchronous() : Settings{}};
    ASSERT_TRUE(v.reached);
    for (int round = 0; round < 3; ++round) {
      bool done = false;
      rt::Scope writing(v.a.pool().loop());
      v.world.run(v.a.pool().loop(), begin(&writing, keep_writing(&v.a, &done)));
      v.world.run_for(std::chrono::milliseconds(30));
      Result<VerifyReport> report = v.verify();
      done = true;
      v.world.run(v.a.pool().loop(), writing.join());
      ASSERT_TRUE(report.has_value()) << report.error().message;
      EXPECT_TRUE(report->equal()) << text_of(*report);
      EXPECT_TRUE(report->good());
      EXPECT_EQ(report->compared, 4_MiB);
      EXPECT_FALSE(report->position.generation.is_none());
      EXPECT_TRUE(v.a.reaches(v.id, CopyState::synchronized));
    }
    v.expect_clean();
    ASSERT_TRUE(v.level());
    EXPECT_EQ(v.a.content("db-v1"), v.b.content("db-v1"));
  }
}

TEST(Verify, EqualEndsAreComparedWithoutReadingData) {
  Verified v{703};
  ASSERT_TRUE(v.reached && v.level());
  must(v.a.on_pool(v.a.pool().checkpoint()));
  must(v.b.on_pool(v.b.pool().checkpoint()));
  for (TestSystem* system : {&v.a, &v.b}) {
    Bytes size{system->host.disk().bytes_of("/p/store/data").size()};
    system->host.disk().fail_reads("/p/store/data", Bytes{0}, size);
  }
  Result<VerifyReport> report = v.verify();
  ASSERT_TRUE(report.has_value()) << report.error().message;
  EXPECT_TRUE(report->equal());
}

TEST(Verify, DifferencesAreNamedAndSentAgain) {
  Verified v{704};
  ASSERT_TRUE(v.reached && v.level());
  v.alter("db-v1", 9001, Bytes{8192});
  v.alter("db-v1", 9002, Bytes{12288});
  v.alter("db-v2", 9003, 1_MiB);
  Result<VerifyReport> report = v.verify();
  ASSERT_TRUE(report.has_value()) << report.error().message;
  EXPECT_EQ(report->different, 3U);
  ASSERT_EQ(report->volumes.size(), 2U);
  EXPECT_EQ(report->volumes[0].different, 2U);
  EXPECT_EQ(report->volumes[1].different, 1U);
  ASSERT_EQ(report->ranges.size(), 2U);
  EXPECT_EQ(report->ranges[0].at, Bytes{8192});
  EXPECT_EQ(report->ranges[0].length, Bytes{8192});
  EXPECT_EQ(report->ranges[1].volume, 1U);
  EXPECT_EQ(report->repaired, 0U);
  EXPECT_FALSE(report->good());
  EXPECT_THAT(findings(*report), Contains("volume 'db-v2', offset 1048576: 4096 bytes differ"));
  EXPECT_THAT(v.a.events.all, Contains(AllOf(Field(&Change::what, "Verify"), Field(&Change::after, "different"), Field(&Change::cause, HasSubstr("offset 8192")))));
  ASSERT_NE(v.a.report(v.id).verified, nullptr);
  EXPECT_EQ(v.a.report(v.id).verified->different, 3U);
  EXPECT_EQ(v.b.tag("db-v2", 1_MiB), 9003U);   // looking changes nothing

  VerifyRequest repair;
  repair.repair = true;
  report = v.verify(repair);
  ASSERT_TRUE(report.has_value()) << report.error().message;
  EXPECT_EQ(report->repaired, 3U);
  EXPECT_TRUE(report->good()) << text_of(*report);
  EXPECT_EQ(v.a.content("db-v1"), v.b.content("db-v1"));
  EXPECT_EQ(v.a.content("db-v2"), v.b.content("db-v2"));
  EXPECT_EQ(v.a.report(v.id).copy_state, CopyState::synchronized);
  report = v.verify();
  ASSERT_TRUE(report.has_value());
  EXPECT_TRUE(report->equal());
  EXPECT_THAT(v.a.events.all, Contains(AllOf(Field(&Change::what, "Verify"), Field(&Change::before, "different"), Field(&Change::after, "equal"))));
  v.expect_clean();
}

TEST(Verify, RepairingUnderWritesLosesNoWrite) {
  Verified v{705};
  ASSERT_TRUE(v.reached && v.level());
  for (std::uint64_t i = 0; i < 100; ++i) v.alter("db-v1", 9100 + i, Bytes{i * 3 * 4096});
  bool done = false;
  rt::Scope writing(v.a.pool().loop());
  v.world.run(v.a.pool().loop(), begin(&writing, keep_writing(&v.a, &done)));
  VerifyRequest repair;
  repair.repair = true;
  Result<VerifyReport> report = v.verify(repair);
  done = true;
  v.world.run(v.a.pool().loop(), writing.join());
  ASSERT_TRUE(report.has_value()) << report.error().message;
  EXPECT_GT(report->different, 50U);
  EXPECT_TRUE(report->good()) << text_of(*report);
  ASSERT_TRUE(v.level());
  EXPECT_EQ(v.a.content("db-v1"), v.b.content("db-v1"));
  EXPECT_EQ(v.a.content("db-v2"), v.b.content("db-v2"));
}

TEST(Verify, ReadingFindsDamageAtBothEndsAndRepairsIt) {
  Verified v{706};
  ASSERT_TRUE(v.reached && v.level());
  must(v.a.on_pool(v.a.pool().checkpoint()));
  must(v.b.on_pool(v.b.pool().checkpoint()));
  damage(v.a, pattern_at(100, Bytes{0}));
  damage(v.b, pattern_at(101, Bytes{8192}));
  Result<VerifyReport> report = v.verify();
  ASSERT_TRUE(report.has_value());
  EXPECT_TRUE(report->equal());     // the maps agree
  EXPECT_EQ(report->damaged, 0U);   // and nobody read
  VerifyRequest read;
  read.read = true;
  report = v.verify(read);
  ASSERT_TRUE(report.has_value()) << report.error().message;
  EXPECT_TRUE(report->equal());
  EXPECT_EQ(report->damaged, 2U);
  EXPECT_EQ(report->mended, 2U);
  EXPECT_TRUE(report->good());
  EXPECT_GE(report->read.value, 2U * 128 * 4096);
  EXPECT_THAT(findings(*report), Contains(AllOf(HasSubstr("target: pool 'p', volume 'db-v1', offset 8192"), HasSubstr("/p/store/data at "), HasSubstr("repaired"))));
  EXPECT_THAT(v.a.events.all, Contains(AllOf(Field(&Change::what, "Repair"), Field(&Change::after, "repaired"), Field(&Change::volume, "p/db-v1"), Field(&Change::cause, HasSubstr("system 'b'")))));
  EXPECT_THAT(v.b.events.all, Contains(AllOf(Field(&Change::what, "Repair"), Field(&Change::cause, HasSubstr("system 'a'")))));
  report = v.verify(read);
  ASSERT_TRUE(report.has_value());
  EXPECT_EQ(report->damaged, 0U);   // in their new places they are good
}

TEST(Verify, IsRefusedWhereItWouldProveNothing) {
  Verified v{707};
  ASSERT_TRUE(v.reached);
  Patient watcher;
  auto there = v.b.run(v.b.engine->verify(v.id, {}, watcher));
  ASSERT_FALSE(there.has_value());
  EXPECT_THAT(there.error().message, HasSubstr("system 'a'"));
  must(v.a.operate(v.id, Operation::suspend));
  auto stopped = v.verify();
  ASSERT_FALSE(stopped.has_value());
  EXPECT_EQ(stopped.error().code, Code::busy);
  must(v.a.operate(v.id, Operation::resume));
  EXPECT_TRUE(v.verify().has_value());
}

TEST(Verify, ALostConnectionEndsItAndLeavesNothing) {
  Verified v{708};
  ASSERT_TRUE(v.reached);
  for (int i = 0; i < 6; ++i) {
    Patient watcher;
    rt::Scope scope(v.a.host.loop());
    std::optional<Result<VerifyReport>> ended;
    struct Run {
      static rt::Task<void> one(TestSystem* system, RelationshipId id, Patient* watcher, std::optional<Result<VerifyReport>>* out) {
        out->emplace(co_await system->engine->verify(id, {.read = true}, *watcher));
      }
    };
    v.world.run(v.a.host.loop(), begin(&scope, Run::one(&v.a, v.id, &watcher, &ended)));
    v.world.run_for(std::chrono::microseconds(400 * i * i));
    v.cut();
    v.world.run(v.a.host.loop(), scope.join(), std::chrono::minutes(1));
    ASSERT_TRUE(ended.has_value());
    v.heal();
    ASSERT_TRUE(v.a.reaches(v.id, CopyState::synchronized));
    v.expect_clean();
    EXPECT_TRUE(v.verify().has_value());
  }
}

TEST(Verify, ACancelledOneEndsAndTheNextIsNotConfusedByIt) {
  Verified v{709};
  ASSERT_TRUE(v.reached);
  for (int i = 0; i < 5; ++i) {
    struct Run {
      static rt::Task<void> one(TestSystem* system, RelationshipId id, Patient* watcher, std::optional<Result<VerifyReport>>* out) {
        out->emplace(co_await system->engine->verify(id, {.read = true}, *watcher));
      }
    };
    Patient watcher;
    std::optional<Result<VerifyReport>> ended;
    rt::Scope scope(v.a.host.loop());
    v.world.run(v.a.host.loop(), begin(&scope, Run::one(&v.a, v.id, &watcher, &ended)));
    v.world.run_for(std::chrono::milliseconds(i));
    watcher.stop().request();
    v.world.run(v.a.host.loop(), scope.join(), std::chrono::minutes(1));
    ASSERT_TRUE(ended.has_value());
    Result<VerifyReport> report = v.verify();
    ASSERT_TRUE(report.has_value()) << report.error().message;
    EXPECT_TRUE(report->equal());
    v.expect_clean();
  }
  EXPECT_EQ(v.a.report(v.id).copy_state, CopyState::synchronized);
}

TEST(Verify, ANextHopIsBroughtLevelByAComparison) {
  Trio t{711};
  t.a().make_group("db", 1, 8_MiB);
  for (std::uint64_t i = 0; i < 40; ++i) t.a().write("db-v1", 1 + i, Bytes{i * 65536});
  RelationshipId ab = t.create(t.a(), "db", t.b());
  ASSERT_TRUE(t.a().reaches(ab, CopyState::synchronized));
  RelationshipId bc = t.create(t.b(), "db", t.c());
  ASSERT_TRUE(t.b().reaches(bc, CopyState::synchronized));
  ASSERT_TRUE(t.level(t.a(), t.c()));
  alter(t.c(), "db", "db-v1", 9001, 1_MiB);
  Patient watcher;
  auto verify = [&](TestSystem& system, RelationshipId id, bool repair) {
    return must(t.world.run(system.host.loop(), system.engine->verify(id, {.repair = repair}, watcher), std::chrono::minutes(10)));
  };
  EXPECT_TRUE(verify(t.a(), ab, false).equal());
  VerifyReport report = verify(t.b(), bc, true);
  EXPECT_EQ(report.different, 1U);
  EXPECT_TRUE(report.good()) << text_of(report);
  ASSERT_TRUE(t.b().reaches(bc, CopyState::synchronized));
  EXPECT_TRUE(verify(t.b(), bc, false).equal());
  // A block that differs at the first hop flows on from there once it was sent again.
  alter(t.b(), "db", "db-v1", 9002, 2_MiB);
  report = verify(t.a(), ab, true);
  EXPECT_EQ(report.repaired, 1U);
  t.a().write("db-v1", 7, Bytes{0});
  ASSERT_TRUE(t.level(t.a(), t.c()));
  EXPECT_EQ(t.a().content("db-v1"), t.b().content("db-v1"));
  EXPECT_EQ(t.a().content("db-v1"), t.c().content("db-v1"));
}

TEST(Verify, TwoEndsOfOneSystemAreComparedToo) {
  os::sim::World world(test_seed(710));
  TestSystem a(world, "a", {"p", "q"});
  GroupId group = a.make_group("db", 1, 1_MiB);
  for (std::uint64_t i = 0; i < 20; ++i) a.write("db-v1", 100 + i, Bytes{i * 4096});
  CreateRequest request;
  request.pool = a.pool().id();
  request.group = group;
  request.target_pool = "q";
  request.name = "r";
  request.settings.mode = Mode::asynchronous;
  RelationshipId id = must(a.run(a.engine->create(request)));
  ASSERT_TRUE(a.reaches(id, CopyState::synchronized));
  Patient watcher;
  Result<VerifyReport> report = a.run(a.engine->verify(id, {.read = true}, watcher));
  ASSERT_TRUE(report.has_value()) << report.error().message;
  EXPECT_TRUE(report->equal());
  EXPECT_GT(report->read.value, 0U);
}

}  // namespace
}  // namespace lockstep::replica
