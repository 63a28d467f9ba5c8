// Rewind windows on simulated hosts: any point that is said to be kept opens as exactly what was there, through deaths, for want of space
// and on targets.
#include "replica/rewind/rewind.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <deque>

#include "replica/systems/replica_testing.h"

namespace lockstep::replica {
namespace {

using namespace testing;
using pool::testing::TestPool;
using ::testing::HasSubstr;

RewindOptions small_rewind() {
  RewindOptions o;
  o.snapshot_every = Bytes{256 << 10};
  o.snapshot_after = std::chrono::seconds(20);
  o.look_every = std::chrono::milliseconds(5);
  o.rest = std::chrono::seconds(2);
  o.piece = Bytes{64 << 10};
  return o;
}

// A pool with a group "db" of two volumes, its windows, and a model that knows what every point held.
struct One final : Pools {
  static constexpr std::uint64_t volume_size = 1 << 20;
  static constexpr std::uint64_t blocks = volume_size / block_size;
  using State = std::map<std::string, std::vector<std::uint64_t>>;   // tag of each block
  struct Point {
    WallTime time;
    Origin position;
    State state;
  };

  explicit One(std::uint64_t salt, pool::Options options = pool::testing::small_options(), RewindOptions rewinding = small_rewind())
      : world(test_seed(salt)), rng(test_seed(salt)), p(world, std::move(options)), options_(rewinding) {
    must(p.open());
    std::vector<VolumeId> members;
    for (const char* name : {"v", "w"}) {
      members.push_back(must(p.run(p.pool->create_volume(name, Bytes{volume_size}))));
      state[name].resize(blocks);
    }
    group = must(p.run(p.pool->create_group("db", members)));
    start();
  }
  ~One() override {
    if (rewind) stop();
    if (p.pool) must(p.close());
  }

  std::vector<pool::Pool*> pools() override { return {p.pool.get()}; }
  pool::Pool* find(PoolId id) override { return p.pool && p.pool->id() == id ? p.pool.get() : nullptr; }
  pool::Pool* find(std::string_view) override { return p.pool.get(); }

  void start() {
    rewind = make_rewind(p.host.loop(), *this, options_);
    must(p.run(rewind->start()));
  }
  void stop() {
    p.run(rewind->stop());
    rewind.reset();
  }
  void die(bool power) {
    if (power) p.host.power_cut(os::sim::Tear::any);
    else p.host.kill();
    p.host.finish(end_dead(*rewind));
    rewind.reset();
    p.die_and_stop();
    p.host.restart();
    must(p.open(false));
    start();
  }
  static rt::Task<void> end_dead(Rewind& rewind) { return rewind.stop(); }

  void window(Duration time, Bytes bytes = 256_MiB) { must(p.run(rewind->set_window(p.pool->id(), group, {time, bytes}))); }
  RecoveryPoints points() { return must(p.run(rewind->points(p.pool->id(), group))); }

  void write(const std::string& name, std::uint64_t tag, std::uint64_t block, std::uint64_t count) {
    for (std::uint64_t i = 0; i < count; ++i) state[name][block + i] = tag;
    must(tag == 0 ? p.zero(name, Bytes{block * block_size}, count * block_size) : p.write(name, tag, Bytes{block * block_size}, count * block_size));
    remember();
  }
  void remember() { past.push_back({p.pool->dated(group), p.pool->position(group), state}); }
  void some_writes(int n) {
    for (int i = 0; i < n; ++i) {
      std::uint64_t count = rng.chance(80) ? 1 + rng.below(4) : 16 + rng.below(32);   // the long ones go past the journal
      std::uint64_t block = rng.below(blocks - count);
      std::uint64_t tag = rng.chance(10) ? 0 : ++tag_;
      write(rng.coin() ? "v" : "w", tag, block, count);
      world.run_for(std::chrono::microseconds(rng.below(3000)));
    }
  }

  Result<Rewound> open(RewindTo to, const std::string& name = "back") {
    Patient watcher;
    RewindRequest request{p.pool->id(), group, std::move(to), name};
    return p.run(rewind->open(std::move(request), watcher));
  }
  State look(const std::string& prefix = "back-") {
    State out;
    for (const char* name : {"v", "w"}) {
      std::vector<std::uint64_t> tags = p.tags(prefix + name, Bytes{0}, volume_size);
      for (std::uint64_t i = 0; i < tags.size(); i += block_size / sector_size) {
        for (std::uint64_t j = 1; j < block_size / sector_size; ++j) EXPECT_EQ(tags[i + j], tags[i]);
        out[name].push_back(tags[i]);
      }
    }
    return out;
  }
  const store::GroupRow* row_of(const std::string& name) {
    for (const auto& [id, row] : p.pool->catalog().groups)
      if (row.name == name) return &row;
    return nullptr;
  }
  void throw_away(const std::string& name = "back") {
    GroupId id = row_of(name)->id;
    must(p.run(p.pool->discard_group(id)));
  }
  std::size_t kept() {
    std::size_t n = 0;
    for (const auto& [id, row] : p.pool->catalog().snapshots) n += row.purpose == "rewind" && !row.hidden ? 1 : 0;
    return n;
  }
  // Random points of what is said to be kept, by position and by time.
  void check_points(int n, bool full = false) {
    RecoveryPoints known = points();
    ASSERT_TRUE(known.range.has_value());
    std::vector<const Point*> inside;
    for (const Point& point : past)
      if (point.time >= known.range->from && point.position.lsn > known.range->first.lsn) inside.push_back(&point);
    ASSERT_FALSE(inside.empty());
    for (int i = 0; i < n; ++i) {
      const Point& point = *inside[rng.below(inside.size())];
      RewindTo to;
      const bool by_time = rng.coin();
      if (by_time) to.time = WallTime{point.time.us};
      else to.position = text_of(point.position);
      const Point* expected = &point;
      if (by_time)   // everything dated up to it
        for (const Point& other : past)
          if (other.time <= point.time && other.position.lsn > expected->position.lsn) expected = &other;
      Result<Rewound> opened = open(to);
      if (full && !opened && opened.error().code == Code::no_space) {   // what it needs itself, a window cannot give up
        EXPECT_EQ(row_of("back"), nullptr);
        continue;
      }
      ASSERT_TRUE(opened.has_value()) << opened.error().message;
      EXPECT_EQ(opened->position, expected->position);
      EXPECT_EQ(look(), expected->state) << text_of(point.position) << (by_time ? " by time" : " by position");
      EXPECT_EQ(row_of("back")->role, store::Role::source);
      throw_away();
    }
  }

  os::sim::World world;
  os::sim::Rng rng;
  TestPool p;
  std::unique_ptr<Rewind> rewind;
  GroupId group;
  State state;
  std::deque<Point> past;

 private:
  RewindOptions options_;
  std::uint64_t tag_ = 0;
};

RewindTo at(WallTime time) {
  RewindTo to;
  to.time = time;
  return to;
}

TEST(Rewind, AnyPointOfTheWindowOpensAsTheGroupWasThere) {
  for (std::uint64_t salt = 0; salt < 5; ++salt) {
    One one(salt);
    one.some_writes(20);
    one.window(std::chrono::hours(1));
    one.some_writes(150);
    EXPECT_GT(one.kept(), 3U);
    one.check_points(12);
    one.some_writes(30);
    one.check_points(4);
    EXPECT_EQ(one.look(""), one.state);
  }
}

TEST(Rewind, WhatIsOpenedMayBeWrittenAndIsAHistoryOfItsOwn) {
  One one(20);
  one.window(std::chrono::hours(1));
  one.some_writes(40);
  One::Point point = one.past[25];
  must(one.open(at(point.time)));
  const store::GroupRow* row = one.row_of("back");
  ASSERT_NE(row, nullptr);
  EXPECT_EQ(row->history.back().parent, point.position);
  EXPECT_TRUE(row->following.is_none());
  must(one.p.write("back-v", 77777, Bytes{0}, 4096));
  must(one.p.flush("back-v"));
  EXPECT_EQ(one.look("").at("v")[0], one.state.at("v")[0]);
  one.die(true);
  EXPECT_EQ(one.look().at("v")[0], 77777U);
}

TEST(Rewind, TheWindowMovesOnWithItsBytesAndSaysSo) {
  One one(30);
  one.window(std::chrono::hours(1), 4_MiB);
  one.some_writes(25);
  WallTime early = one.past[2].time;
  must(one.open(at(early)));
  one.throw_away();
  one.some_writes(500);
  one.world.run_for(std::chrono::milliseconds(50));
  RecoveryPoints points = one.points();
  ASSERT_TRUE(points.range.has_value());
  EXPECT_GT(points.range->from, early);
  EXPECT_LE(points.held.value, (4_MiB).value);
  EXPECT_GE(points.held.value, (3_MiB).value);
  must(one.p.run(one.p.pool->checkpoint()));
  EXPECT_LE(one.p.pool->status().journal_bytes.value, (5_MiB).value);
  Result<Rewound> refused = one.open(at(early));
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().code, Code::out_of_range);
  EXPECT_THAT(refused.error().message, HasSubstr(text_of(points.range->from)));
  EXPECT_EQ(one.row_of("back"), nullptr);
  one.check_points(6);
}

TEST(Rewind, TheWindowMovesOnWithTime) {
  RewindOptions slow = small_rewind();
  slow.look_every = std::chrono::seconds(1);
  One one(40, pool::testing::small_options(), slow);
  one.window(std::chrono::minutes(10));
  WallTime begun = one.points().range->from;
  for (int i = 0; i < 60; ++i) {
    one.some_writes(3);
    one.world.run_for(std::chrono::seconds(30));
  }
  RecoveryPoints points = one.points();
  std::int64_t back = points.range->to.us - points.range->from.us;
  EXPECT_GT(points.range->from, begun);
  EXPECT_GE(back, 10LL * 60 * 1'000'000);
  EXPECT_LE(back, 13LL * 60 * 1'000'000);
  one.check_points(6);
  one.window(std::chrono::minutes(2));   // smaller, and what fits stays
  EXPECT_LE(one.points().range->to.us - one.points().range->from.us, 5LL * 60 * 1'000'000);
  EXPECT_GT(one.points().range->from, points.range->from);
  one.check_points(4);
}

TEST(Rewind, PointsOutsideAreRefusedAndWhatIsNotTakenOnIsNotKept) {
  One one(50);
  one.some_writes(5);
  Result<Rewound> none = one.open(at(one.past[3].time));
  ASSERT_FALSE(none.has_value());
  EXPECT_THAT(none.error().message, HasSubstr("keeps no history"));
  one.window(std::chrono::hours(1));
  one.some_writes(5);
  EXPECT_EQ(one.open(at(one.past[3].time)).error().code, Code::out_of_range);
  EXPECT_EQ(one.open(at(WallTime{one.points().range->to.us + 60'000'000})).error().code, Code::out_of_range);
  RewindTo wrong;
  wrong.position = "@zz:1";
  EXPECT_EQ(one.open(wrong).error().code, Code::out_of_range);
  wrong.position = "yesterday";
  EXPECT_EQ(one.open(wrong).error().code, Code::invalid);
  wrong.position = text_of(Origin{one.past.back().position.generation, Lsn{1 << 30}});
  EXPECT_EQ(one.open(wrong).error().code, Code::out_of_range);
  RewindTo latest;
  latest.latest = true;
  must(one.open(latest));
  EXPECT_EQ(one.look(), one.state);
  one.throw_away();
  one.window(Duration{0});
  EXPECT_EQ(one.kept(), 0U);
  EXPECT_FALSE(one.points().range.has_value());
  must(one.p.run(one.p.pool->checkpoint()));
  must(one.p.run(one.p.pool->checkpoint()));
  EXPECT_LE(one.p.pool->status().journal_bytes.value, (512_KiB).value);
}

TEST(Rewind, ASnapshotOfAUserIsAPointToo) {
  One one(55);
  one.some_writes(10);
  must(one.p.run(one.p.pool->snapshot(one.group, "monday", "")));
  One::Point point = one.past.back();
  one.some_writes(10);
  RewindTo to;
  to.position = text_of(point.position);
  must(one.open(to));
  EXPECT_EQ(one.look(), point.state);
  ASSERT_EQ(one.points().points.size(), 1U);
  EXPECT_EQ(one.points().points[0].name, "monday");
}

TEST(Rewind, AForecastSaysWhatWouldBeDoneAndDoesNothing) {
  One one(60);
  one.window(std::chrono::hours(1));
  one.some_writes(40);
  RewindRequest request{one.p.pool->id(), one.group, at(one.past[30].time), "back"};
  RewindForecast forecast = must(one.p.run(one.rewind->forecast(request)));
  EXPECT_EQ(forecast.position, one.past[30].position);
  EXPECT_EQ(forecast.time, one.past[30].time);
  EXPECT_THAT(forecast.volumes, ::testing::ElementsAre("back-v", "back-w"));
  EXPECT_LE(forecast.snapshot_time, forecast.time);
  EXPECT_EQ(one.row_of("back"), nullptr);
  EXPECT_EQ(one.p.pool->catalog().volumes.size(), 2U);
}

TEST(Rewind, DeathsChangeNothingThatIsKept) {
  for (std::uint64_t salt = 70; salt < 76; ++salt) {
    One one(salt);
    one.window(std::chrono::hours(1));
    for (int life = 0; life < 4; ++life) {
      one.some_writes(40);
      must(one.p.flush("v"));
      one.world.run_for(std::chrono::milliseconds(20));
      one.die(one.rng.coin());
      // A generation has begun; what was there before is there still.
      EXPECT_EQ(one.look(""), one.state);
      one.remember();
      one.check_points(3);
    }
    EXPECT_EQ(one.points().range->first.lsn.value < one.past[5].position.lsn.value, true);
  }
}

TEST(Rewind, ARewindThatDiesLeavesNothing) {
  int interrupted = 0;
  for (std::uint64_t salt = 80; salt < 90; ++salt) {
    One one(salt);
    one.window(std::chrono::hours(1));
    one.some_writes(120);
    must(one.p.flush("v"));
    std::optional<Result<Rewound>> outcome;
    Patient watcher;
    RewindRequest request{one.p.pool->id(), one.group, at(one.past[one.past.size() - 2].time), "back"};
    struct Runner {
      static rt::Task<void> go(Rewind& rewind, RewindRequest request, Watcher& watcher, std::optional<Result<Rewound>>& outcome) { outcome = co_await rewind.open(std::move(request), watcher); }
    };
    auto scope = std::make_unique<rt::Scope>(one.p.host.loop());
    one.p.host.loop().post(rt::Callback([&] { scope->spawn(Runner::go(*one.rewind, request, watcher, outcome)); }));
    one.world.run_for(std::chrono::microseconds(50 + one.rng.below(3000)));
    const bool was_open = outcome.has_value();
    one.p.host.power_cut(os::sim::Tear::any);
    one.p.host.finish(One::end_dead(*one.rewind));
    one.p.host.finish(scope->join());
    scope.reset();
    one.rewind.reset();
    one.p.die_and_stop();
    one.p.host.restart();
    must(one.p.open(false));
    one.start();
    one.world.run_for(std::chrono::milliseconds(50));
    if (was_open && outcome->has_value()) continue;
    const store::GroupRow* row = one.row_of("back");
    if (row != nullptr && row->role == store::Role::source) continue;   // its last step was durable
    ++interrupted;
    EXPECT_EQ(row, nullptr);
    for (const auto& [id, volume] : one.p.pool->catalog().volumes) EXPECT_FALSE(volume.name.starts_with("back")) << volume.name;
    one.check_points(2);
  }
  EXPECT_GT(interrupted, 2);
}

TEST(Rewind, ACancelledRewindLeavesNothing) {
  One one(95);
  one.window(std::chrono::hours(1));
  one.some_writes(60);
  Patient watcher;
  watcher.stop().request();
  RewindRequest request{one.p.pool->id(), one.group, at(one.past[50].time), "back"};
  Result<Rewound> cancelled = one.p.run(one.rewind->open(request, watcher));
  ASSERT_FALSE(cancelled.has_value());
  EXPECT_EQ(cancelled.error().code, Code::cancelled);
  EXPECT_EQ(one.p.pool->catalog().volumes.size(), 2U);
  EXPECT_EQ(one.p.pool->catalog().groups.size(), 1U);
  must(one.open(at(one.past[50].time)));
}

TEST(Rewind, AWindowGivesWayBeforeAWriteIsRefused) {
  pool::Options options = pool::testing::small_options();
  options.store.capacity = 16_MiB;
  options.journal_budget = 64_MiB;
  One one(100, options);
  one.window(std::chrono::hours(24), 64_MiB);
  // 2 MiB are alive; what is overwritten would fill the pool many times over.
  one.some_writes(2500);
  EXPECT_EQ(one.look(""), one.state);
  one.world.run_for(std::chrono::seconds(3));
  one.some_writes(20);
  ASSERT_TRUE(one.points().range.has_value());
  one.check_points(2, true);
}

TEST(Rewind, AChangeOfMembersIsNotCrossed) {
  One one(110);
  one.window(std::chrono::hours(1));
  one.some_writes(20);
  One::Point before = one.past.back();
  VolumeId more = must(one.p.run(one.p.pool->create_volume("x", 1_MiB)));
  std::vector<VolumeId> members = one.row_of("db")->members;
  members.push_back(more);
  must(one.p.run(one.p.pool->set_members(one.group, members)));
  one.world.run_for(std::chrono::milliseconds(20));   // its keeper looks
  one.some_writes(20);
  must(one.open(at(before.time)));
  EXPECT_EQ(one.look(), before.state);
  EXPECT_EQ(one.row_of("back")->members.size(), 2U);
  one.throw_away();
  must(one.open(at(one.past.back().time)));
  EXPECT_EQ(one.look(), one.state);
  EXPECT_EQ(one.row_of("back")->members.size(), 3U);
}

TEST(Rewind, ARevertIsAPointLikeAnyOther) {
  One one(115);
  one.window(std::chrono::hours(1));
  one.some_writes(20);
  SnapshotId monday = must(one.p.run(one.p.pool->snapshot(one.group, "monday", "")));
  One::State then = one.state;
  one.some_writes(20);
  One::Point before = one.past.back();
  must(one.p.run(one.p.pool->revert(one.group, monday, "kept")));
  one.state = then;
  one.world.run_for(std::chrono::milliseconds(20));
  one.some_writes(10);
  must(one.open(at(before.time)));
  EXPECT_EQ(one.look(), before.state);
  one.throw_away();
  must(one.open(at(one.past.back().time)));
  EXPECT_EQ(one.look(), one.state);
}

TEST(Rewind, ADeletedGroupTakesItsWindowAlong) {
  One one(120);
  one.window(std::chrono::hours(1));
  one.some_writes(40);
  must(one.p.run(one.p.pool->delete_group(one.group)));
  one.world.run_for(std::chrono::milliseconds(50));
  EXPECT_EQ(one.kept(), 0U);
  EXPECT_TRUE(one.p.pool->catalog().followers.empty());
  EXPECT_EQ(one.p.run(one.rewind->points(one.p.pool->id(), one.group)).error().code, Code::not_found);
}

// A target's records carry their source's numbers and times; a resync is a gap.
TEST(Rewind, ATargetGoesBackToStatesOfItsSource) {
  for (std::int64_t skew : {-3600, 0, 3600}) {
    Pair pair{130 + static_cast<std::uint64_t>(skew)};
    pair.b.host.jump_wall(std::chrono::seconds(skew));
    GroupId group = pair.a.make_group("db", 1, 1_MiB);
    RelationshipId id = pair.create(group);
    ASSERT_TRUE(pair.a.reaches(id, CopyState::synchronized));
    auto rewind = make_rewind(pair.b.host.loop(), pair.b, small_rewind());
    must(pair.b.run(rewind->start()));
    GroupId there = pair.b.group("db")->id;
    PoolId pool = pair.b.pool().id();
    must(pair.b.run(rewind->set_window(pool, there, {std::chrono::hours(2), 256_MiB})));

    struct Point {
      WallTime time;
      Origin position;
      Buffer content;
    };
    std::vector<Point> past;
    auto write = [&](int from, int n) {
      for (int i = from; i < from + n; ++i) {
        pair.a.write("db-v1", static_cast<std::uint64_t>(i), Bytes{static_cast<std::uint64_t>(i) * 7 % 200 * 4096}, 4096 * (1 + static_cast<std::uint64_t>(i) % 20));
        past.push_back({pair.a.pool().dated(group), pair.a.pool().position(group), pair.a.content("db-v1")});
        pair.world.run_for(std::chrono::milliseconds(2));
      }
    };
    auto in_step = [&] { return pair.b.group("db")->position == pair.a.group("db")->position; };
    write(1, 100);
    ASSERT_TRUE(pair.world.run_until(in_step, std::chrono::seconds(10)));
    auto open = [&](RewindTo to) {
      Patient watcher;
      RewindRequest request{pool, there, std::move(to), "back"};
      return pair.b.run(rewind->open(std::move(request), watcher));
    };
    auto check = [&](std::size_t i, bool by_time) {
      RewindTo to;
      if (by_time) to.time = past[i].time;
      else to.position = text_of(past[i].position);
      Result<Rewound> opened = open(to);
      ASSERT_TRUE(opened.has_value()) << i << ": " << opened.error().message;
      EXPECT_EQ(opened->position, past[i].position);
      EXPECT_EQ(opened->time, past[i].time);
      EXPECT_EQ(pair.b.content("back-db-v1"), past[i].content) << i;
      GroupId made = pair.b.group("back")->id;
      must(pair.b.on_pool(pair.b.pool().discard_group(made)));
    };
    for (std::size_t i : {30U, 55U, 99U}) check(i, i != 55);

    // Away for longer than the journal is kept: a resync, whose states in between were never here.
    pair.cut();
    ASSERT_TRUE(pair.a.reaches(id, CopyState::broken));
    write(200, 500);
    must(pair.a.on_pool(pair.a.pool().checkpoint()));
    pair.heal();
    ASSERT_TRUE(pair.a.reaches(id, CopyState::synchronized)) << pair.a.report(id).cause;
    pair.world.run_for(std::chrono::milliseconds(100));
    write(800, 40);
    ASSERT_TRUE(pair.world.run_until(in_step, std::chrono::seconds(10)));
    check(60, true);
    check(past.size() - 1, true);
    check(past.size() - 20, false);
    RewindTo gap;
    gap.time = past[400].time;
    Result<Rewound> refused = open(gap);
    ASSERT_FALSE(refused.has_value());
    EXPECT_EQ(refused.error().code, Code::out_of_range) << refused.error().message;
    pair.b.run(rewind->stop());
  }
}

}  // namespace
}  // namespace lockstep::replica
