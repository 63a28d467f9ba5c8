// What may be sent: limits, schedules, compression. All of it changes while data flow.
#include <gtest/gtest.h>

#include "replica/systems/load_testing.h"

namespace lockstep::replica {
namespace {

using namespace testing;
using std::chrono::milliseconds;
using std::chrono::seconds;

struct Limited {
  Limited(std::uint64_t salt, Settings asked) : pair(salt), settings(asked) {
    GroupId group = pair.a.make_group("db", 1, 4_MiB);
    id = pair.create(group, settings);
    EXPECT_TRUE(pair.a.reaches(id, CopyState::synchronized));
  }
  void set() { must(pair.a.run(pair.a.engine->set(id, settings))); }
  double sent_in(Duration length) {  // bytes a second
    Bytes before = pair.a.report(id).sent_total;
    pair.world.run_for(length);
    return static_cast<double>((pair.a.report(id).sent_total - before).value) / std::chrono::duration<double>(length).count();
  }
  static HostLoad::Options busy() {
    HostLoad::Options o;
    o.flush_every = 0;   // 4 x 4 KiB every 10 ms: about 1.5 MiB a second
    return o;
  }
  Pair pair;
  Settings settings;
  RelationshipId id;
};

Settings limited(Bytes rate, std::string_view schedule = {}) {
  Settings s;
  s.limit_per_second = rate;
  s.schedule = must(parse_schedule(schedule));
  s.journal_budget = 64_MiB;
  return s;
}

TEST(Limit, HoldsAndChangesLive) {
  Limited t{110, limited(256_KiB)};
  RunningLoad load(t.pair.a, "db-v1", Limited::busy());
  t.pair.world.run_for(seconds(1));
  EXPECT_NEAR(t.sent_in(seconds(20)), 256e3 * 1.024, 256e3 * 0.1);
  t.settings.limit_per_second = 32_KiB;   // a batch is two seconds' worth
  t.set();
  t.pair.world.run_for(seconds(3));
  EXPECT_NEAR(t.sent_in(seconds(60)), 32e3 * 1.024, 32e3 * 0.15);
  t.settings.limit_per_second = Bytes{0};
  t.set();
  t.pair.world.run_for(seconds(2));
  EXPECT_GT(t.sent_in(seconds(5)), 1e6);
  load.stop();
  ASSERT_TRUE(t.pair.world.run_until([&] { return t.pair.a.report(t.id).lag == Duration{0}; }, seconds(60)));
}

TEST(Limit, FollowsTheTimeOfTheDay) {
  Limited t{111, limited(64_KiB)};
  // From the minute after next on, for one minute: as much as goes.
  std::int64_t minute = t.pair.a.host.clock().wall().us / 60'000'000 + 2;
  auto window = [](std::int64_t m) { return static_cast<std::uint16_t>(m % (24 * 60)); };
  ASSERT_TRUE(t.settings.schedule.add({window(minute), window(minute + 1), Bytes{0}}));
  t.set();
  RunningLoad load(t.pair.a, "db-v1", Limited::busy());
  auto run_to = [&](std::int64_t us) { t.pair.world.run_for(std::chrono::microseconds(us - t.pair.a.host.clock().wall().us)); };
  t.pair.world.run_for(seconds(5));
  EXPECT_LT(t.sent_in(seconds(20)), 80e3);
  run_to(minute * 60'000'000 + 20'000'000);
  EXPECT_GT(t.sent_in(seconds(10)), 1e6);
  run_to((minute + 1) * 60'000'000 + 5'000'000);
  EXPECT_LT(t.sent_in(seconds(20)), 80e3);
  load.stop();
}

TEST(Limit, IsToldToTheTargetAndSurvivesARestart) {
  Limited t{112, limited(256_KiB, "22:00-06:00=unlimited")};
  t.settings.compress = true;
  t.set();
  EXPECT_TRUE(t.pair.world.run_until([&] { return t.pair.b.report(t.id).relationship.settings.compress; }, seconds(5)));
  EXPECT_EQ(t.pair.b.report(t.id).relationship.settings.schedule, t.settings.schedule);
  t.pair.a.power_cut();
  t.pair.a.start();
  EXPECT_EQ(t.pair.a.report(t.id).relationship.settings.schedule, t.settings.schedule);
}

rt::Task<Result<>> write_text(pool::VolumeRef volume, std::uint64_t blocks) {
  Buffer bytes(block_size);
  for (std::uint64_t i = 0; i < blocks; ++i) {
    for (std::size_t k = 0; k < bytes.size(); ++k) bytes[k] = static_cast<std::byte>((k / 64 + i) % 23);
    CO_TRY_VOID(co_await volume->write(offset_of(Block{i}), bytes));
  }
  co_return co_await volume->flush();
}

TEST(Compression, SendsLessAndArrivesWhole) {
  std::uint64_t sent[2];
  for (bool compress : {false, true}) {
    Settings settings;
    settings.compress = compress;
    Limited t{113, settings};
    Bytes before = t.pair.a.report(t.id).sent_total;
    must(t.pair.a.on_pool(write_text(t.pair.a.volume("db-v1"), 512)));
    ASSERT_TRUE(t.pair.world.run_until([&] { return t.pair.b.group("db")->position == t.pair.a.group("db")->position; }, seconds(60)));
    sent[compress ? 1 : 0] = (t.pair.a.report(t.id).sent_total - before).value;
    EXPECT_EQ(t.pair.a.content("db-v1"), t.pair.b.content("db-v1"));
  }
  EXPECT_GE(sent[0], 512U * 4096);
  EXPECT_LT(sent[1], sent[0] / 5);
}

TEST(Compression, ServesACopyToo) {
  Pair pair{114};
  GroupId group = pair.a.make_group("db", 1, 4_MiB);
  must(pair.a.on_pool(write_text(pair.a.volume("db-v1"), 1024)));
  Settings settings;
  settings.compress = true;
  RelationshipId id = pair.create(group, settings);
  ASSERT_TRUE(pair.a.reaches(id, CopyState::synchronized));
  EXPECT_EQ(pair.a.content("db-v1"), pair.b.content("db-v1"));
  EXPECT_LT(pair.a.report(id).sent_total.value, 1024U * 4096 / 5);
}

}  // namespace
}  // namespace lockstep::replica
