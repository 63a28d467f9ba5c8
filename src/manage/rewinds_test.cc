#include "manage/rewinds.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "manage/manage_testing.h"

namespace lockstep::manage {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::TestSystem;

constexpr WallTime noon{1'769'860'800'000'000};

TEST(Point, TimesAgesPositionsAndTheEndAreUnderstood) {
  EXPECT_EQ(parse_point("2026-01-31T12:00:00Z", WallTime{})->time, noon);
  EXPECT_EQ(parse_point("2026-01-31T14:00:00+02:00", WallTime{})->time, noon);
  EXPECT_EQ(parse_point("10m ago", noon)->time, (WallTime{noon.us - 600'000'000}));
  EXPECT_EQ(parse_point("1.5h ago", noon)->time, (WallTime{noon.us - 5'400'000'000}));
  EXPECT_EQ(parse_point("@1a2b3c4d:77", noon)->position, "@1a2b3c4d:77");
  EXPECT_TRUE(parse_point("latest", noon)->latest);
}

TEST(Point, AnythingElseIsRefusedWithHowToWriteIt) {
  for (const char* wrong : {"", "noon", "10 ago", "m ago", "-5m ago", "2026-01-31T12:00:00", "nan ago", "1e300d ago"}) {
    auto point = parse_point(wrong, noon);
    ASSERT_FALSE(point) << wrong;
    EXPECT_EQ(point.error().code, ReturnCode::invalid_parameter);
    EXPECT_EQ(point.error().parameter, "To");
    EXPECT_THAT(point.error().next_step, HasSubstr("10m ago"));
  }
}

struct RewindCalls : ::testing::Test {
  RewindCalls() {
    t.start();
    t.make_objects();
  }
  void write(std::uint64_t tag) {
    pool::Pool& pool = *t.system->pool_of_export("p/data");
    t.world.run(pool.loop(), write_in(pool, tag));
  }
  std::uint64_t read(const std::string& name) {
    pool::Pool& pool = *t.system->pool_of_export("p/data");
    return t.world.run(pool.loop(), read_in(pool, name));
  }
  static rt::Task<void> write_in(pool::Pool& pool, std::uint64_t tag) {
    pool::VolumeRef volume = os::sim::must(pool.open_volume(pool.find_volume("data").value()));
    Buffer block(block_size);
    store_le(block.data(), tag);
    os::sim::must(co_await volume->write(Bytes{0}, block));
    os::sim::must(co_await volume->flush());
  }
  static rt::Task<std::uint64_t> read_in(pool::Pool& pool, std::string name) {
    pool::VolumeRef volume = os::sim::must(pool.open_volume(pool.find_volume(name).value()));
    Buffer block(block_size);
    os::sim::must(co_await volume->read(Bytes{0}, block));
    co_return load_le<std::uint64_t>(block.data());
  }
  Answer<> set(std::optional<Duration> time, std::optional<Bytes> bytes = {}) { return t.run(t.system->set_rewind_window(t.admin(), "db", time, bytes)); }
  Answer<Outcome> rewind(std::string to, std::string name = "back") { return t.run(t.system->rewind_group(t.admin(), "db", std::move(to), std::move(name))); }
  TestSystem t;
};

TEST_F(RewindCalls, AGroupGoesBackToAnyTimeOfItsWindow) {
  t.ok(set(std::chrono::hours(2), 1_GiB));
  write(1);
  t.pass(std::chrono::seconds(10));
  WallTime then = t.system->now();
  t.pass(std::chrono::seconds(10));
  write(2);
  Outcome outcome = t.ok(rewind(text_of(then)));
  EXPECT_FALSE(outcome.job);
  EXPECT_EQ(outcome.object, "p/back");
  EXPECT_EQ(read("back-data"), 1U);
  EXPECT_EQ(read("data"), 2U);
  t.ok(rewind("latest", "now"));
  EXPECT_EQ(read("now-data"), 2U);
  t.ok(rewind("15s ago", "older"));
  EXPECT_EQ(read("older-data"), 1U);
  auto points = t.ok(t.run(t.system->recovery_points("db")));
  EXPECT_EQ(points.known.window.time, std::chrono::hours(2));
  ASSERT_TRUE(points.known.range.has_value());
  EXPECT_THAT(t.event_lines(), ::testing::Contains(HasSubstr("Changed Group p/db rewind window of 7200 s, 1073741824 bytes")));
  EXPECT_THAT(t.event_lines(), ::testing::Contains(HasSubstr("Created Group p/back as of ")));
}

TEST_F(RewindCalls, TheWindowIsThereAfterARestart) {
  t.ok(set(std::chrono::hours(2)));
  write(1);
  t.pass(std::chrono::seconds(5));
  WallTime then = t.system->now();
  t.pass(std::chrono::seconds(5));
  write(2);
  t.restart();
  t.pass(std::chrono::seconds(5));
  for (const GroupInfo& info : t.run(t.system->groups())) EXPECT_EQ(info.rewind.time, std::chrono::hours(2));
  t.ok(rewind(text_of(then)));
  EXPECT_EQ(read("back-data"), 1U);
}

TEST_F(RewindCalls, RefusalsNameTheParameterAndTheWindow) {
  auto refused = [](const auto& answer) { return std::to_string(static_cast<unsigned>(answer.error().code)) + " " + answer.error().parameter; };
  EXPECT_EQ(refused(rewind("5m ago")), "5 To");
  EXPECT_THAT(rewind("5m ago").error().message, HasSubstr("keeps no history"));
  t.ok(set(std::chrono::hours(1)));
  Answer<Outcome> early = rewind("5m ago");
  EXPECT_EQ(refused(early), "5 To");
  EXPECT_THAT(early.error().message, HasSubstr("outside"));
  EXPECT_EQ(refused(rewind("soon")), "5 To");
  EXPECT_EQ(refused(rewind("latest", ".x")), "5 Name");
  t.ok(rewind("latest", "taken"));
  EXPECT_EQ(refused(rewind("latest", "taken")), "5 Name");
  EXPECT_EQ(refused(t.run(t.system->rewind_group(t.admin(), "none", "latest", ""))), "8 Group");
  EXPECT_EQ(refused(set(std::chrono::hours(24 * 400))), "5 RewindWindowSeconds");
  EXPECT_EQ(refused(set({}, Bytes{4096})), "5 RewindBytes");
  t.ok(set(Duration{0}));
  EXPECT_EQ(refused(set({}, 1_GiB)), "5 RewindBytes");
  Caller eve{"eve", RoleName::read_only};
  EXPECT_EQ(t.run(t.system->set_rewind_window(eve, "db", std::chrono::hours(1), {})).error().code, ReturnCode::access_denied);
  EXPECT_EQ(t.run(t.system->rewind_group(eve, "db", "latest", "")).error().code, ReturnCode::access_denied);
}

// The engine here does as it is told: a target is made by hand.
struct DrillCalls : RewindCalls {
  DrillCalls() {
    t.ok(t.run(t.system->create_volume(t.admin(), "p/there", 8_MiB)));
    std::vector<std::string> volumes{"p/there"};
    t.ok(t.run(t.system->create_group(t.admin(), "target", volumes)));
    pool::Pool& pool = *t.system->pool_of_export("p/data");
    t.world.run(pool.loop(), be_target(pool));
    t.ok(t.run(t.system->create_replica(t.admin(), t.mirror("r"))));
    t.engine->of("r").relationship.peer = t.system->self().id;
    t.engine->of("r").reachable = true;
    t.engine->of("r").lag = std::chrono::milliseconds(1500);
  }
  static rt::Task<void> be_target(pool::Pool& pool) {
    for (const auto& [id, row] : pool.catalog().groups) {
      if (row.name != "target") continue;
      pool::VolumeRef volume = os::sim::must(pool.open_volume(row.members.front()));
      Buffer block(3 * block_size);
      store_le(block.data(), std::uint64_t{7});
      os::sim::must(co_await volume->write(Bytes{8 * block_size}, block));
      os::sim::must(co_await volume->flush());
      volume.reset();
      store::GroupRow next = row;
      next.was_synchronized = true;
      os::sim::must(co_await pool.change_group(std::move(next)));
      break;
    }
  }
};

TEST_F(DrillCalls, ADrillReportsTimeToOpenRecoveryPointAndChecksums) {
  Drill drill = t.ok(t.run(t.system->drill(t.admin(), "r", "one")));
  EXPECT_EQ(drill.relationship, "r");
  EXPECT_EQ(drill.recovery_point, std::chrono::milliseconds(1500));
  EXPECT_GT(drill.open_took, Duration{0});
  EXPECT_LT(drill.open_took, std::chrono::milliseconds(200));
  ASSERT_EQ(drill.volumes.size(), 1U);
  EXPECT_EQ(drill.volumes[0].name, "one-there");
  EXPECT_EQ(drill.volumes[0].data, Bytes{3 * block_size});
  EXPECT_EQ(drill.volumes[0].checksum.size(), 16U);
  EXPECT_FALSE(drill.position.generation.is_none());
  Drill again = t.ok(t.run(t.system->drill(t.admin(), "r", "two")));
  EXPECT_EQ(again.volumes[0].checksum, drill.volumes[0].checksum);
  EXPECT_EQ(t.run(t.system->drills()).size(), 2U);
  // Nothing but the drills is left behind.
  std::size_t snapshots = 0;
  for (const SnapshotInfo& info : t.run(t.system->snapshots())) snapshots += info.row.hidden ? 0 : 1;
  EXPECT_EQ(snapshots, 0U);
}

TEST_F(DrillCalls, ReadingADrillFindsWhatWasWrittenAndEndsAsAJob) {
  t.ok(t.run(t.system->drill(t.admin(), "r", "one")));
  Outcome outcome = t.ok(t.run(t.system->read_drill(t.admin(), "p/one")));
  EXPECT_EQ(outcome.object, "p/one");
  std::vector<Drill> drills = t.run(t.system->drills());
  ASSERT_EQ(drills.size(), 1U);
  EXPECT_TRUE(drills[0].read);
  EXPECT_TRUE(drills[0].volumes[0].damage.empty());
  t.ok(t.run(t.system->end_drill(t.admin(), "r", "one")));
  EXPECT_TRUE(t.run(t.system->drills()).empty());
  for (const VolumeInfo& info : t.run(t.system->volumes())) EXPECT_FALSE(info.row.name.starts_with("one"));
  EXPECT_EQ(t.run(t.system->end_drill(t.admin(), "r", "db")).error().code, ReturnCode::invalid_parameter);
}

}  // namespace
}  // namespace lockstep::manage
