// The pool's side of replication: streams out, units in, followers, answers that wait for targets.
#include <gmock/gmock.h>

#include "pool/pool_testing.h"

namespace lockstep::pool::testing {
namespace {

using journal::Kind;
using journal::Record;

std::vector<std::uint64_t> all(std::uint64_t tag, std::size_t sectors) { return std::vector<std::uint64_t>(sectors, tag); }

struct FakeAcks final : Acks {
  Lsn received, durable;
  std::optional<Error> refusal;
  int wanted = 0;
  Lsn received_elsewhere() const override { return received; }
  Lsn durable_elsewhere() const override { return durable; }
  void durable_wanted(Lsn) override { ++wanted; }
  std::optional<Error> refuses_writes() const override { return refusal; }
};

struct CountingWatch final : AnswerWatch {
  int told = 0;
  void answers_moved() override { ++told; }
};

struct ShippingTest : ::testing::Test {
  os::sim::World world{test_seed()};
  TestPool source{world, small_options(), "a"};
  TestPool target{world, small_options(), "b"};
  GroupId from, to;
  Lsn shipped;

  void SetUp() override {
    from = make(source, store::Role::source);
    to = make(target, store::Role::target);
  }
  static GroupId make(TestPool& p, store::Role role) {
    must(p.open());
    std::vector<VolumeId> members;
    for (const char* name : {"v", "w"}) members.push_back(must(p.run(p.pool->create_volume(name, 4_MiB))));
    GroupId group = must(p.run(p.pool->create_group("g", members)));
    store::GroupRow row = p.pool->catalog().groups.at(group);
    row.role = role;
    must(p.run(p.pool->change_group(row)));
    return group;
  }
  // One piece of the stream, out of the source; then into the target. Each on the loop of its pool.
  struct Piece {
    std::vector<Record> records;
    std::vector<Buffer> scratch;
    Lsn upto;
  };
  static rt::Task<Result<Piece>> take(Pool& pool, GroupId group, Lsn after) {
    CO_TRY(Stream stream, co_await pool.stream(group, after, Bytes{64 << 10}));
    Piece piece;
    piece.upto = stream.upto;
    piece.scratch.resize(stream.records.size());
    const auto& members = pool.catalog().groups.at(group).members;
    for (std::size_t i = 0; i < stream.records.size(); ++i) {
      Record record = stream.records[i];
      if (record.kind == Kind::catalog) {
        record.kind = Kind::position;
        record.data = {};
      } else {
        CO_TRY(record.data, co_await pool.data_of(record, piece.scratch[i]));
        if (record.kind == Kind::direct) record.kind = Kind::write;
        record.places = {};
        record.volume = VolumeId{static_cast<std::uint64_t>(std::find(members.begin(), members.end(), record.volume) - members.begin())};
      }
      piece.records.push_back(std::move(record));
    }
    co_return piece;
  }
  void ship() {
    while (shipped < source.pool->status().received) {
      Piece piece = must(source.run(take(*source.pool, from, shipped)));
      const auto& members = target.pool->catalog().groups.at(to).members;
      for (Record& record : piece.records)
        if (record.kind != Kind::position) record.volume = members[record.volume.value];
      shipped = piece.upto;
      if (piece.records.empty()) continue;
      Lsn lsn = must(target.run(target.pool->apply(to, piece.records)));
      must(target.run(target.pool->await_received(lsn)));
    }
  }
  void expect_equal() {
    for (const char* name : {"v", "w"}) EXPECT_EQ(source.tags(name, Bytes{0}, 4 << 20), target.tags(name, Bytes{0}, 4 << 20)) << name;
    EXPECT_EQ(source.pool->position(from), target.pool->position(to));
  }
  RelationshipId follower_id{[] {
    RelationshipId id;
    id.bytes[0] = std::byte{7};
    return id;
  }()};
  store::FollowerRow follower(Lsn durable, Bytes budget) {
    store::FollowerRow row;
    row.id = follower_id;
    row.group = from;
    row.durable = durable;
    row.journal_budget = budget;
    return row;
  }
};

// Records of big writes are small in the journal; what they name goes along with them.
TEST_F(ShippingTest, APieceIsNoLargerThanAskedForWhateverItsRecordsName) {
  for (std::uint64_t i = 0; i < 60; ++i) must(source.write("v", i + 1, Bytes{i << 16}, 64 << 10));
  for (std::uint64_t i = 0; i < 40; ++i) must(source.write("w", 100 + i, Bytes{i << 14}, 4096));
  const Bytes most{256 << 10};
  std::size_t direct = 0;
  while (shipped < source.pool->status().received) {
    Stream piece = must(source.run(source.pool->stream(from, shipped, most)));
    ASSERT_GT(piece.upto, shipped);
    shipped = piece.upto;
    std::uint64_t size = 0;
    for (const Record& record : piece.records) {
      size += record.kind == Kind::direct ? record.count * block_size : record.data.size();
      direct += record.kind == Kind::direct ? 1 : 0;
    }
    EXPECT_TRUE(size <= most.value || piece.records.size() == 1) << size << " bytes in " << piece.records.size() << " records";
  }
  EXPECT_EQ(direct, 60u);
}

TEST_F(ShippingTest, RecordsKeepTheDateThatTheirSourceGaveThem) {
  source.host.jump_wall(std::chrono::hours(1));
  must(source.write("v", 1, Bytes{0}, 4096));
  const WallTime dated = source.pool->dated(from);
  ship();
  EXPECT_EQ(target.pool->dated(to), dated);
  // What is written here meanwhile has the date of here; a lag counts from when the record came.
  must(target.run(target.pool->create_volume("own", 1_MiB)));
  must(target.write("own", 2, Bytes{0}, 4096));
  const WallTime now = target.host.clock().wall();
  EXPECT_LE(target.pool->time_of_oldest_after(to, Lsn{0}), now);
  SnapshotId snapshot = must(target.run(target.pool->snapshot(to, "s", "")));
  EXPECT_EQ(target.pool->catalog().snapshots.at(snapshot).as_of, dated);
  EXPECT_LE(target.pool->catalog().snapshots.at(snapshot).time, target.host.clock().wall());
  target.kill();
  must(target.open(false));
  EXPECT_EQ(target.pool->dated(to), dated);
  // A source's clock that goes back does not take its records back.
  source.host.jump_wall(std::chrono::hours(-2));
  must(source.write("v", 3, Bytes{0}, 4096));
  EXPECT_GE(source.pool->dated(from), dated);
}

TEST_F(ShippingTest, AGroupIsClonedAndDiscardedInOneStep) {
  must(source.write("v", 1, Bytes{0}, 4096));
  SnapshotId snapshot = must(source.run(source.pool->snapshot(from, "s", "")));
  store::GroupRow row;
  row.name = "copy";
  GroupId copy = must(source.run(source.pool->clone_group(snapshot, {"cv", "cw"}, row)));
  EXPECT_EQ(source.tags("cv", Bytes{0}, 4096), source.tags("v", Bytes{0}, 4096));
  EXPECT_EQ(source.run(source.pool->clone_group(snapshot, {"dv", "dw"}, row)).error().code, Code::exists);
  EXPECT_FALSE(source.pool->find_volume("dv").has_value());
  {
    VolumeRef open = source.volume("cw");
    EXPECT_EQ(source.run(source.pool->discard_group(copy)).error().code, Code::busy);
  }
  must(source.run(source.pool->discard_group(copy)));
  EXPECT_FALSE(source.pool->find_volume("cv").has_value());
  EXPECT_EQ(source.pool->catalog().groups.size(), 1u);
}

TEST_F(ShippingTest, ATargetThatAppliesTheStreamIsTheSource) {
  must(source.write("v", 1, Bytes{0}, 4096));
  must(source.write("v", 2, Bytes{512}, 512));
  must(source.write("w", 3, Bytes{1 << 20}, 1 << 20));   // past the journal
  ship();
  expect_equal();
  must(source.zero("w", Bytes{(1 << 20) + 1000 * 512}, 600 << 10));
  must(source.run(source.pool->checkpoint()));   // no follower: but the segment in use stays
  must(source.write("v", 4, Bytes{65536}, 200 << 10));
  ship();
  expect_equal();
  EXPECT_EQ(target.run(target.volume("v")->write(Bytes{0}, pattern(9, Bytes{0}, 4096))).error().code, Code::read_only);
  target.kill();
  must(target.open());
  expect_equal();
  EXPECT_EQ(target.pool->catalog().groups.at(to).history.size(), 1u);   // a target begins no generation
  must(source.write("w", 5, Bytes{0}, 8192));
  ship();
  expect_equal();
}

TEST_F(ShippingTest, APeerCannotMakeAPoolBelieveNonsense) {
  must(source.write("v", 1, Bytes{0}, 8192));
  Stream piece = must(source.run(source.pool->stream(from, shipped, 1_MiB)));
  ASSERT_FALSE(piece.records.empty());
  VolumeId v = target.pool->catalog().groups.at(to).members[0];
  auto apply = [&](auto&& change) {
    Record record = piece.records.back();
    record.volume = v;
    change(record);
    std::vector<Record> records{record};
    auto done = target.run(target.pool->apply(to, std::move(records)));
    return done ? std::optional<Code>() : done.error().code;
  };
  Buffer garbage(8192, std::byte{0x55});
  EXPECT_EQ(apply([&](Record& r) { r.data = garbage; }), Code::corrupt);
  EXPECT_EQ(apply([&](Record& r) { r.block = Block{1023}; }), Code::out_of_range);
  EXPECT_EQ(apply([&](Record& r) { r.block = Block{~std::uint64_t{0} - 1}; }), Code::out_of_range);
  EXPECT_EQ(apply([&](Record& r) { r.count = 3; }), Code::invalid);
  EXPECT_EQ(apply([&](Record& r) { r.volume = VolumeId{77}; }), Code::invalid);
  EXPECT_EQ(apply([&](Record& r) { r.kind = Kind::mark; }), Code::invalid);
  EXPECT_EQ(apply([&](Record& r) { r.origin = {}; }), Code::invalid);
  Buffer rows = store::encode(std::vector<store::CatalogChange>{store::Removed<VolumeId>{v}});
  EXPECT_EQ(apply([&](Record& r) {
              r.kind = Kind::catalog;
              r.data = rows;
              r.checksums = {};
            }),
            Code::invalid);
  EXPECT_EQ(apply([](Record&) {}), std::nullopt);
  EXPECT_EQ(target.tags("v", Bytes{0}, 8192), all(1, 16));
  auto refused = source.run(source.pool->apply(from, piece.records));
  EXPECT_EQ(refused.error().code, Code::denied);
}

TEST_F(ShippingTest, OriginsAreFoundBeforeAndAfterRestarts) {
  must(source.run(source.pool->set_follower(follower(Lsn{1}, 64_MiB))));
  std::vector<std::pair<Origin, Lsn>> steps;
  for (std::uint64_t i = 0; i < 700; ++i) {
    Lsn lsn = must(source.write(i % 3 ? "v" : "w", i + 1, Bytes{(i % 64) * 4096}, 4096));
    steps.emplace_back(source.pool->position(from), lsn);
  }
  for (int round = 0; round < 3; ++round) {
    for (std::size_t i = 0; i < steps.size(); i += 37) EXPECT_EQ(must(source.run(source.pool->lsn_of(from, steps[i].first))), steps[i].second) << round << " " << i;
    Origin unknown{source.host.random().id<Generation>(), Lsn{5}};
    EXPECT_EQ(must(source.run(source.pool->lsn_of(from, unknown))), std::nullopt);
    EXPECT_NE(source.pool->time_of_oldest_after(from, steps[100].second).us, 0);
    EXPECT_EQ(source.pool->time_of_oldest_after(from, steps.back().second).us, 0);
    if (round == 0) must(source.run(source.pool->checkpoint()));
    must(source.close());
    must(source.open());
  }
}

TEST_F(ShippingTest, AFollowerKeepsTheJournalWithinItsBudgetThenAMap) {
  Lsn start = source.pool->status().appended;
  must(source.run(source.pool->set_follower(follower(start, 1_MiB))));
  must(source.write("v", 1, Bytes{0}, 4096));
  must(source.run(source.pool->checkpoint()));
  EXPECT_TRUE(source.run(source.pool->stream(from, start, 1_MiB)).has_value());
  EXPECT_FALSE(source.pool->catalog().followers.at(follower_id).mapped);
  must(source.zero("w", Bytes{1 << 20}, 1 << 20));   // first: a checkpoint may begin by itself further on, and take only what was there
  for (std::uint64_t i = 0; i < 400; ++i) must(source.write("v", i + 2, Bytes{(i % 200) * 4096}, 4096));
  must(source.run(source.pool->checkpoint()));
  auto row = source.pool->catalog().followers.at(follower_id);
  EXPECT_TRUE(row.mapped);
  EXPECT_EQ(row.durable, start);
  EXPECT_EQ(must(source.run(source.pool->change_map_blocks(follower_id))), 200u + 256u);
  // The map and the claim survive a death; more writes fold on.
  source.kill();
  must(source.open());
  EXPECT_TRUE(source.pool->catalog().followers.at(follower_id).mapped);
  must(source.write("v", 900, Bytes{300 * 4096}, 4096));
  Lsn upto = source.pool->status().appended;
  must(source.run(source.pool->fold_follower(follower_id, upto)));
  EXPECT_EQ(must(source.run(source.pool->change_map_blocks(follower_id))), 200u + 256u + 1u);
  EXPECT_EQ(source.pool->catalog().followers.at(follower_id).mapped_upto, upto);
  // A pass that ended where the map ends leaves nothing to map.
  must(source.write("v", 901, Bytes{301 * 4096}, 4096));
  must(source.run(source.pool->clear_change_map(follower_id, upto)));
  row = source.pool->catalog().followers.at(follower_id);
  EXPECT_FALSE(row.mapped);
  EXPECT_EQ(row.durable, upto);
  EXPECT_EQ(must(source.run(source.pool->change_map_blocks(follower_id))), 0u);
  Stream rest = must(source.run(source.pool->stream(from, upto, 1_MiB)));
  EXPECT_EQ(rest.records.size(), 1u);
  must(source.run(source.pool->drop_follower(follower_id)));
}

TEST_F(ShippingTest, WhatWasFoldedDuringAPassStays) {
  must(source.run(source.pool->set_follower(follower(source.pool->status().appended, 1_MiB))));
  must(source.write("v", 1, Bytes{0}, 4096));
  Lsn begun = source.pool->status().appended;
  must(source.run(source.pool->fold_follower(follower_id, begun)));
  for (std::uint64_t i = 0; i < 400; ++i) must(source.write("w", i + 2, Bytes{(i % 100) * 4096}, 4096));
  must(source.run(source.pool->checkpoint()));
  EXPECT_GT(source.pool->catalog().followers.at(follower_id).mapped_upto, begun);
  EXPECT_EQ(source.run(source.pool->stream(from, begun, 1_MiB)).error().code, Code::changed);
  must(source.run(source.pool->clear_change_map(follower_id, begun)));
  auto row = source.pool->catalog().followers.at(follower_id);
  EXPECT_TRUE(row.mapped);
  EXPECT_EQ(row.durable, begun);
  EXPECT_GE(must(source.run(source.pool->change_map_blocks(follower_id))), 100u);
}

// A resync may begin while a checkpoint runs that began before: what was written since is in the map too.
TEST_F(ShippingTest, AFoldThatMeetsARunningCheckpointTakesWhatCameAfterItsBeginningToo) {
  must(source.run(source.pool->set_follower(follower(source.pool->status().appended, 64_MiB))));
  std::uint64_t written = 0;
  for (std::uint64_t events = 0; events < 60; events += 3) {
    for (int i = 0; i < 8; ++i, ++written) must(source.write("v", written + 1, Bytes{written * 8192}, 4096));
    auto checkpoint = world.start(source.host.loop(), source.pool->checkpoint());
    const std::uint64_t begun = world.events();
    world.run_until([&] { return checkpoint->has_value() || world.events() - begun >= events; }, std::chrono::minutes(1));
    must(source.write("v", written + 1, Bytes{written * 8192}, 4096));
    ++written;
    const Lsn upto = source.pool->status().appended;
    must(source.run(source.pool->fold_follower(follower_id, upto)));
    EXPECT_GE(source.pool->catalog().followers.at(follower_id).mapped_upto, upto);
    EXPECT_EQ(must(source.run(source.pool->change_map_blocks(follower_id))), written) << events << " events into a checkpoint";
    ASSERT_TRUE(world.run_until([&] { return checkpoint->has_value(); }, std::chrono::minutes(1)));
  }
}

// A follower may be begun anew, and folded, while a checkpoint runs that began before: the map outlives the next checkpoint.
TEST_F(ShippingTest, AFoldOfAFollowerThatWasBegunAnewDuringACheckpointStays) {
  std::uint64_t written = 0;
  for (std::uint64_t events = 0; events < 60; events += 3) {
    const Lsn from_here = source.pool->status().appended;
    must(source.run(source.pool->set_follower(follower(from_here, 64_MiB))));
    for (int i = 0; i < 8; ++i, ++written) must(source.write("v", written + 1, Bytes{written * 8192}, 4096));
    const Lsn upto = source.pool->status().appended;
    auto checkpoint = world.start(source.host.loop(), source.pool->checkpoint());
    const std::uint64_t begun = world.events();
    world.run_until([&] { return checkpoint->has_value() || world.events() - begun >= events; }, std::chrono::minutes(1));
    must(source.run(source.pool->set_follower(follower(from_here, 64_MiB))));
    must(source.run(source.pool->fold_follower(follower_id, upto)));
    ASSERT_TRUE(world.run_until([&] { return checkpoint->has_value(); }, std::chrono::minutes(1)));
    must(source.run(source.pool->checkpoint()));
    EXPECT_EQ(must(source.run(source.pool->change_map_blocks(follower_id))), 8u) << events << " events into a checkpoint";
  }
}

// What a target has is told at any time, in the middle of a checkpoint too; a power cut takes the claim back to what that commit knew.
TEST_F(ShippingTest, AClaimThatARestartGoesBackToStillHasItsJournal) {
  must(source.run(source.pool->set_follower(follower(source.pool->status().appended, 64_MiB))));
  for (int round = 0; round < 20; ++round) {
    for (std::uint64_t i = 0; i < 500; ++i) must(source.write("v", i + 1, Bytes{i % 100 * 8192}, 4096));
    const Lsn last = source.pool->status().appended;
    must(source.flush("v"));
    auto checkpoint = world.start(source.host.loop(), source.pool->checkpoint());
    const std::uint64_t most = 3 * static_cast<std::uint64_t>(round);   // events: somewhere before, inside or after its commit
    const std::uint64_t begun = world.events();
    world.run_until([&] { return checkpoint->has_value() || world.events() - begun >= most; }, std::chrono::minutes(1));
    source.pool->follower_durable(follower_id, last);
    ASSERT_TRUE(world.run_until([&] { return checkpoint->has_value(); }, std::chrono::minutes(1)));
    must(**checkpoint);
    source.power_cut(os::sim::Tear::lose_all);
    must(source.open(false));
    const Lsn known = source.pool->catalog().followers.at(follower_id).durable;
    EXPECT_LE(source.pool->status().first, known + Lsn{1}) << "round " << round;
    must(source.run(source.pool->fold_follower(follower_id, source.pool->status().appended)));
    must(source.run(source.pool->set_follower(follower(source.pool->status().appended, 64_MiB))));
  }
}

TEST_F(ShippingTest, AnswersWaitForTargets) {
  FakeAcks acks;
  CountingWatch watch;
  acks.received = acks.durable = source.pool->status().appended;
  source.pool->set_acks(from, &acks);
  VolumeRef v = source.volume("v");
  v->watch_answers(watch);
  Buffer data = pattern(1, Bytes{0}, 4096);
  Lsn lsn = must(v->try_write(Bytes{0}, data)).value();
  world.run_for(std::chrono::milliseconds(5));
  EXPECT_GE(source.pool->status().received, lsn);
  EXPECT_LT(v->answerable(), lsn);
  auto flushing = world.start(source.host.loop(), v->flush());
  world.run_for(std::chrono::milliseconds(50));
  EXPECT_FALSE(flushing->has_value());
  EXPECT_GT(acks.wanted, 0);
  int before = watch.told;
  acks.received = lsn;
  source.pool->acks_moved(from);
  EXPECT_GT(watch.told, before);
  EXPECT_GE(v->answerable(), lsn);
  EXPECT_FALSE(flushing->has_value());
  acks.durable = lsn;
  source.pool->acks_moved(from);
  world.run_for(std::chrono::milliseconds(5));
  ASSERT_TRUE(flushing->has_value());
  EXPECT_TRUE((*flushing)->has_value());
  // Policy `stop`.
  acks.refusal = Error{Code::unreachable, "target gone"};
  EXPECT_EQ(v->try_write(Bytes{0}, data).error().code, Code::unreachable);
  EXPECT_TRUE(v->answers_failed().has_value());
  acks.refusal.reset();
  v->unwatch_answers(watch);
  source.pool->set_acks(from, nullptr);
  EXPECT_TRUE(must(v->try_write(Bytes{0}, data)).has_value());
}

TEST_F(ShippingTest, ADemotedSourceTakesNoWrites) {
  VolumeRef v = source.volume("v");
  EXPECT_TRUE(v->writable());
  store::GroupRow row = source.pool->catalog().groups.at(from);
  row.role = store::Role::demoted;
  must(source.run(source.pool->change_group(row)));
  EXPECT_FALSE(v->writable());
  EXPECT_EQ(v->try_write(Bytes{0}, pattern(1, Bytes{0}, 4096)).error().code, Code::read_only);
  // It begins no generation of its own after a death, and takes no records.
  v.reset();
  source.kill();
  must(source.open());
  EXPECT_EQ(source.pool->catalog().groups.at(from).history.size(), 1u);
}

}  // namespace
}  // namespace lockstep::pool::testing
