#include "pool/pool_testing.h"

#include <gmock/gmock.h>

namespace lockstep::pool::testing {
namespace {

using ::testing::Each;
using ::testing::ElementsAre;

std::vector<std::uint64_t> all(std::uint64_t tag, std::size_t sectors) { return std::vector<std::uint64_t>(sectors, tag); }

struct PoolTest : ::testing::Test {
  os::sim::World world{test_seed()};
  TestPool p{world};
  void SetUp() override { must(p.open()); }
  VolumeId make(const std::string& name, Bytes size = 4_MiB) { return must(p.run(p.pool->create_volume(name, size))); }
  GroupId group(const std::string& name, std::vector<VolumeId> members) { return must(p.run(p.pool->create_group(name, std::move(members)))); }
  void checkpoint() { must(p.run(p.pool->checkpoint())); }
};

TEST_F(PoolTest, WhatWasWrittenIsRead) {
  make("v");
  must(p.write("v", 1, Bytes{0}, 4096));
  must(p.write("v", 2, Bytes{8192}, 8192));
  EXPECT_EQ(p.tags("v", Bytes{0}, 4096), all(1, 8));
  EXPECT_EQ(p.tags("v", Bytes{4096}, 4096), all(0, 8));
  EXPECT_EQ(p.tags("v", Bytes{8192}, 8192), all(2, 16));
}

TEST_F(PoolTest, CheckpointMovesBlocksAndChangesNothing) {
  make("v");
  for (std::uint64_t i = 0; i < 64; ++i) must(p.write("v", i + 1, Bytes{i * 8192}, 4096));
  checkpoint();
  EXPECT_EQ(p.pool->status().overlay_used.value, 0u);
  for (std::uint64_t i = 0; i < 64; ++i) EXPECT_EQ(p.tags("v", Bytes{i * 8192}, 8192), ([&] {
                                                       auto t = all(i + 1, 8);
                                                       t.resize(16);
                                                       return t;
                                                     })());
  EXPECT_EQ(p.pool->status().checkpoint, p.pool->status().appended);
}

TEST_F(PoolTest, CleanRestartKeepsEverything) {
  make("v");
  must(p.write("v", 7, Bytes{4096}, 65536));
  must(p.close());
  must(p.open(false));
  EXPECT_EQ(p.tags("v", Bytes{4096}, 65536), all(7, 128));
}

TEST_F(PoolTest, AHistoryForgetsItsOldestGenerations) {
  GroupId g = group("g", {make("v")});
  must(p.write("v", 1, Bytes{0}, 4096));
  const Generation first = p.pool->catalog().groups.at(g).history.front().generation;
  Generation last;
  for (int i = 0; i < 1100; ++i) last = must(p.run(p.pool->begin_generation(g)));
  auto row = p.pool->catalog().groups.at(g);
  ASSERT_EQ(row.history.size(), 1000u);
  EXPECT_EQ(row.history.back().generation, last);
  EXPECT_EQ(row.history.front().parent.generation, first);   // nothing was written since: the position is what it was
  EXPECT_EQ(p.pool->position(g).generation, first);
  must(p.write("v", 2, Bytes{4096}, 4096));
  p.kill();
  must(p.open(false));
  EXPECT_EQ(p.pool->catalog().groups.at(g).history.size(), 1000u);
  EXPECT_EQ(p.pool->position(g).generation, last);
  EXPECT_EQ(p.tags("v", Bytes{0}, 8192), ([&] {
              auto t = all(1, 16);
              std::fill(t.begin() + 8, t.end(), 2);
              return t;
            })());
}

TEST_F(PoolTest, KilledProcessLosesNothingAnswered) {
  make("v");
  must(p.write("v", 7, Bytes{4096}, 4096));
  must(p.write("v", 8, Bytes{1 << 20}, 512 << 10));   // a big one
  p.kill();
  must(p.open(false));
  EXPECT_EQ(p.tags("v", Bytes{4096}, 4096), all(7, 8));
  EXPECT_EQ(p.tags("v", Bytes{1 << 20}, 512 << 10), all(8, 1024));
}

TEST_F(PoolTest, PowerCutLosesNothingFlushed) {
  make("v");
  must(p.write("v", 7, Bytes{4096}, 4096));
  must(p.write("v", 8, Bytes{1 << 20}, 512 << 10));
  must(p.flush("v"));
  must(p.write("v", 9, Bytes{1 << 20}, 512 << 10));
  p.power_cut(os::sim::Tear::lose_all);
  must(p.open(false));
  EXPECT_EQ(p.tags("v", Bytes{4096}, 4096), all(7, 8));
  EXPECT_EQ(p.tags("v", Bytes{1 << 20}, 512 << 10), all(8, 1024));
}

TEST_F(PoolTest, PartWritesMergeWithWhatWasThere) {
  make("v", Bytes{(1 << 20) + 512});
  must(p.write("v", 1, Bytes{0}, 16384));
  must(p.write("v", 2, Bytes{3584}, 1024));
  EXPECT_THAT(p.tags("v", Bytes{3072}, 2048), ElementsAre(1, 2, 2, 1));
  checkpoint();
  must(p.write("v", 3, Bytes{4608}, 512));
  EXPECT_THAT(p.tags("v", Bytes{3072}, 2048), ElementsAre(1, 2, 2, 3));
  must(p.write("v", 4, Bytes{1 << 20}, 512));   // the last sector, alone in its block
  EXPECT_THAT(p.tags("v", Bytes{1 << 20}, 512), ElementsAre(4));
  must(p.write("v", 5, Bytes{512}, 300 << 10));   // edges merged, the middle past the journal
  EXPECT_EQ(p.tags("v", Bytes{512}, 300 << 10), all(5, 600));
  EXPECT_THAT(p.tags("v", Bytes{0}, 512), ElementsAre(1));
}

TEST_F(PoolTest, ZeroesAndDiscardsReadAsZeroes) {
  make("v");
  must(p.write("v", 1, Bytes{0}, 1 << 20));
  must(p.zero("v", Bytes{1536}, 100'864));
  EXPECT_THAT(p.tags("v", Bytes{1024}, 512), ElementsAre(1));
  EXPECT_THAT(p.tags("v", Bytes{1536}, 100'864), Each(0));
  EXPECT_THAT(p.tags("v", Bytes{1536 + 100'864}, 512), ElementsAre(1));
  checkpoint();
  EXPECT_THAT(p.tags("v", Bytes{1536}, 100'864), Each(0));
  must(p.zero("v", Bytes{0}, 4 << 20, true));
  EXPECT_THAT(p.tags("v", Bytes{0}, 4 << 20), Each(0));
  checkpoint();
  EXPECT_THAT(p.tags("v", Bytes{0}, 4 << 20), Each(0));
}

TEST_F(PoolTest, SnapshotsKeepWhatTheySaw) {
  GroupId g = group("g", {make("v"), make("w")});
  must(p.write("v", 1, Bytes{0}, 8192));
  must(p.write("w", 2, Bytes{0}, 8192));
  SnapshotId s = must(p.run(p.pool->snapshot(g, "s", "")));
  must(p.write("v", 3, Bytes{4096}, 8192));
  must(p.zero("w", Bytes{0}, 4096));
  for (int round = 0; round < 3; ++round) {
    auto v = must(p.pool->open_snapshot(s, 0));
    auto w = must(p.pool->open_snapshot(s, 1));
    EXPECT_EQ(must(p.tags(v, Bytes{0}, 8192)), all(1, 16));
    EXPECT_EQ(must(p.tags(v, Bytes{8192}, 4096)), all(0, 8));
    EXPECT_EQ(must(p.tags(w, Bytes{0}, 8192)), all(2, 16));
    EXPECT_EQ(p.tags("v", Bytes{4096}, 8192), all(3, 16));
    EXPECT_EQ(p.tags("w", Bytes{0}, 4096), all(0, 8));
    EXPECT_EQ(p.run(v->write(Bytes{0}, pattern(9, Bytes{0}, 4096))).error().code, Code::read_only);
    v.reset();
    w.reset();
    if (round == 0) checkpoint();
    if (round == 1) {
      p.kill();
      must(p.open(false));
    }
  }
}

TEST_F(PoolTest, ClonesShareUntilTheyAreWritten) {
  GroupId g = group("g", {make("v")});
  must(p.write("v", 1, Bytes{0}, 16384));
  SnapshotId s = must(p.run(p.pool->snapshot(g, "s", "")));
  must(p.write("v", 2, Bytes{0}, 4096));
  must(p.run(p.pool->clone(s, {"c"})));
  EXPECT_EQ(p.tags("c", Bytes{0}, 16384), all(1, 32));
  must(p.write("c", 3, Bytes{4096}, 4096));
  EXPECT_EQ(p.tags("v", Bytes{4096}, 4096), all(1, 8));
  checkpoint();
  EXPECT_EQ(p.tags("c", Bytes{0}, 4096), all(1, 8));
  EXPECT_EQ(p.tags("c", Bytes{4096}, 4096), all(3, 8));
  // What a clone needs outlives its deletion, and goes when the clone goes.
  must(p.run(p.pool->delete_snapshot(s)));
  EXPECT_TRUE(p.pool->catalog().snapshots.at(s).hidden);
  must(p.run(p.pool->delete_group(g)));
  VolumeId v = p.pool->find_volume("v").value();
  must(p.run(p.pool->delete_volume(v)));
  EXPECT_TRUE(p.pool->catalog().volumes.at(v).hidden);
  EXPECT_EQ(p.tags("c", Bytes{8192}, 4096), all(1, 8));
  must(p.run(p.pool->delete_volume(p.pool->find_volume("c").value())));
  EXPECT_TRUE(p.pool->catalog().volumes.empty());
  EXPECT_TRUE(p.pool->catalog().snapshots.empty());
  checkpoint();
}

TEST_F(PoolTest, RevertGoesBackAndKeepsWhatWas) {
  GroupId g = group("g", {make("v"), make("w")});
  must(p.write("v", 1, Bytes{0}, 8192));
  SnapshotId s = must(p.run(p.pool->snapshot(g, "s", "")));
  must(p.write("v", 2, Bytes{0}, 4096));
  VolumeRef open = p.volume("v");
  SnapshotId kept = must(p.run(p.pool->revert(g, s, "before")));
  EXPECT_EQ(must(p.tags(open, Bytes{0}, 8192)), all(1, 16));
  must(p.write("v", 3, Bytes{4096}, 4096));
  EXPECT_EQ(must(p.tags(open, Bytes{4096}, 4096)), all(3, 8));
  EXPECT_EQ(must(p.tags(must(p.pool->open_snapshot(kept, 0)), Bytes{0}, 4096)), all(2, 8));
  open.reset();
  checkpoint();
  must(p.close());
  must(p.open(false));
  EXPECT_EQ(p.tags("v", Bytes{4096}, 4096), all(3, 8));
  EXPECT_EQ(must(p.tags(must(p.pool->open_snapshot(kept, 0)), Bytes{0}, 4096)), all(2, 8));
}

TEST_F(PoolTest, BadBytesAreNeverReturned) {
  make("v");
  must(p.write("v", 1, Bytes{0}, 64 << 10));
  must(p.write("v", 2, Bytes{64 << 10}, 4096));
  checkpoint();
  Buffer data = p.host.disk().bytes_of("/pool/store/data");
  std::vector<Bytes> places;
  for (std::uint64_t at = 0; at + 4096 <= data.size(); at += 4096) {
    if (is_zero(Span(data).subspan(at, 4096))) continue;
    p.host.disk().corrupt("/pool/store/data", Bytes{at + 77});
  }
  for (Bytes at : {Bytes{0}, Bytes{8192}, Bytes{64 << 10}}) {
    auto read = p.tags(p.volume("v"), at, 4096);
    ASSERT_FALSE(read);
    EXPECT_EQ(read.error().code, Code::corrupt);
    EXPECT_THAT(read.error().message, ::testing::HasSubstr("'v', offset " + std::to_string(at.value)));
  }
  // A part-write does not make them good; a whole one does.
  EXPECT_EQ(p.write("v", 3, Bytes{512}, 512).error().code, Code::corrupt);
  must(p.write("v", 3, Bytes{0}, 4096));
  EXPECT_EQ(p.tags("v", Bytes{0}, 4096), all(3, 8));
}

struct OneCopy final : Repair {
  Buffer copy;
  int asked = 0;
  rt::Task<Result<Buffer>> good_copy(VolumeId, Block, Checksum) override {
    ++asked;
    co_return copy;
  }
};

TEST_F(PoolTest, ABadBlockIsRepairedOnlyByWhatItsChecksumSays) {
  make("v");
  must(p.write("v", 1, Bytes{0}, 4096));
  checkpoint();
  Buffer data = p.host.disk().bytes_of("/pool/store/data");
  for (std::uint64_t at = 0; at + 4096 <= data.size(); at += 4096)
    if (!is_zero(Span(data).subspan(at, 4096))) p.host.disk().corrupt("/pool/store/data", Bytes{at});
  OneCopy repair;
  p.pool->set_repair(&repair);
  repair.copy = pattern(2, Bytes{0}, 4096);
  EXPECT_EQ(p.tags(p.volume("v"), Bytes{0}, 4096).error().code, Code::corrupt);
  repair.copy = pattern(1, Bytes{0}, 4096);
  EXPECT_EQ(p.tags("v", Bytes{0}, 4096), all(1, 8));
  int asked = repair.asked;
  checkpoint();
  EXPECT_EQ(p.tags("v", Bytes{0}, 4096), all(1, 8));   // good again by itself
  EXPECT_EQ(repair.asked, asked);
  p.pool->set_repair(nullptr);
}

TEST_F(PoolTest, ARepairOfATargetMovesNoPositionAndDamageIsNamed) {
  make("v");
  VolumeId volume = *p.pool->find_volume("v");
  GroupId group = must(p.run(p.pool->create_group("g", {volume})));
  must(p.write("v", 1, Bytes{8192}, 4096));
  checkpoint();
  store::GroupRow row = p.pool->catalog().groups.at(group);
  row.role = store::Role::target;
  must(p.run(p.pool->change_group(row)));
  Buffer data = p.host.disk().bytes_of("/pool/store/data");
  for (std::uint64_t at = 0; at + 4096 <= data.size(); at += 4096)
    if (!is_zero(Span(data).subspan(at, 4096))) p.host.disk().corrupt("/pool/store/data", Bytes{at});
  EXPECT_EQ(p.tags(p.volume("v"), Bytes{8192}, 4096).error().code, Code::corrupt);
  OneCopy repair;
  repair.copy = pattern(1, Bytes{8192}, 4096);
  p.pool->set_repair(&repair);
  Origin before = p.pool->position(group);
  Lsn records = p.pool->status().received;
  EXPECT_EQ(p.tags("v", Bytes{8192}, 4096), all(1, 8));
  p.pool->set_repair(nullptr);
  EXPECT_EQ(p.tags("v", Bytes{8192}, 4096), all(1, 8));   // from its new place
  EXPECT_EQ(p.pool->position(group), before);
  pool::Stream stream = must(p.run(p.pool->stream(group, records, 1_MiB)));
  EXPECT_TRUE(stream.records.empty());
  std::vector<Damage> met = p.pool->damages(0);
  ASSERT_EQ(met.size(), 2u);
  EXPECT_FALSE(met[0].repaired);
  EXPECT_TRUE(met[1].repaired);
  EXPECT_EQ(met[1].block, Block{2});
  EXPECT_THAT(met[1].where, ::testing::AllOf(::testing::HasSubstr("'v', offset 8192"), ::testing::HasSubstr("/pool/store/data at ")));
  EXPECT_TRUE(p.pool->damages(met[1].number).empty());
}

TEST_F(PoolTest, RewritingBlocksMakesRecordsOfWhatTheyHold) {
  make("v");
  VolumeId volume = *p.pool->find_volume("v");
  GroupId group = must(p.run(p.pool->create_group("g", {volume})));
  for (std::uint64_t i = 0; i < 20; ++i) must(p.write("v", 10 + i, Bytes{i * 4096}, 4096));
  checkpoint();
  Lsn before = p.pool->status().received;
  {
    VolumeRef v = p.volume("v");
    must(p.run(v->rewrite(Block{1}, 40)));
  }
  pool::Stream stream = must(p.run(p.pool->stream(group, before, 1_MiB)));
  std::uint64_t blocks = 0;
  for (const auto& record : stream.records) blocks += record.count;
  EXPECT_EQ(blocks, 40u);
  EXPECT_EQ(stream.records.back().kind, journal::Kind::zero);
  for (std::uint64_t i = 0; i < 20; ++i) EXPECT_EQ(p.tags("v", Bytes{i * 4096}, 4096), all(10 + i, 8));
  VolumeRef v = p.volume("v");
  EXPECT_EQ(p.run(v->rewrite(Block{1}, 300)).error().code, Code::out_of_range);
}

TEST_F(PoolTest, FullPoolRefusesAtAdmissionAndDeletesStillWork) {
  p.options.store.capacity = 16_MiB;
  must(p.close());
  must(p.open(false));
  make("v", 64_MiB);
  std::uint64_t written = 0;
  Result<Lsn> last;
  for (; written < 64; ++written) {
    last = p.write("v", written + 1, Bytes{written << 20}, written % 2 ? 1 << 20 : 32 << 10);
    if (!last) break;
  }
  ASSERT_FALSE(last);
  EXPECT_EQ(last.error().code, Code::no_space);
  EXPECT_GT(written, 8u);
  for (std::uint64_t i = 0; i < written; ++i) EXPECT_EQ(p.tags("v", Bytes{i << 20}, 32 << 10), all(i + 1, 64));
  checkpoint();
  must(p.zero("v", Bytes{0}, 8 << 20, true));
  checkpoint();
  must(p.write("v", 99, Bytes{40 << 20}, 1 << 20));
  must(p.run(p.pool->delete_volume(p.pool->find_volume("v").value())));
  make("w", 64_MiB);
  for (std::uint64_t i = 0; i < 8; ++i) must(p.write("w", i + 1, Bytes{i << 20}, 1 << 20));
  for (std::uint64_t i = 0; i < 8; ++i) EXPECT_EQ(p.tags("w", Bytes{i << 20}, 1 << 20), all(i + 1, 2048));
}

TEST_F(PoolTest, ADeletedSnapshotOfAFullPoolMakesRoomForTheNextWrite) {
  p.options.store.capacity = 16_MiB;
  must(p.close());
  must(p.open(false));
  GroupId group = must(p.run(p.pool->create_group("g", {make("v", 64_MiB)})));
  for (std::uint64_t i = 0; i < 4; ++i) must(p.write("v", i + 1, Bytes{i << 20}, 1 << 20));
  SnapshotId snapshot = must(p.run(p.pool->snapshot(group, "old", "")));
  std::uint64_t written = 0;
  Result<Lsn> last;
  for (; written < 64; ++written) {   // big ones: nothing of them waits for a checkpoint
    last = p.write("v", 100 + written, Bytes{written << 20}, 1 << 20);
    if (!last) break;
  }
  ASSERT_FALSE(last);
  EXPECT_EQ(last.error().code, Code::no_space);
  checkpoint();
  ASSERT_FALSE(p.write("v", 200, Bytes{written << 20}, 1 << 20));
  must(p.run(p.pool->delete_snapshot(snapshot)));
  for (std::uint64_t i = 0; i < 3; ++i) must(p.write("v", 200 + i, Bytes{(written + i) << 20}, 1 << 20));
  for (std::uint64_t i = 0; i < written; ++i) EXPECT_EQ(p.tags("v", Bytes{i << 20}, 1 << 20), all(100 + i, 2048));
}

TEST_F(PoolTest, ATargetThatCaughtUpMakesRoomForTheNextWrite) {
  p.options.store.capacity = 16_MiB;
  must(p.close());
  must(p.open(false));
  GroupId group = must(p.run(p.pool->create_group("g", {make("v", 64_MiB)})));
  store::FollowerRow target;
  target.id.bytes[0] = std::byte{7};
  target.group = group;
  target.durable = p.pool->status().appended;
  target.journal_budget = 1_GiB;
  must(p.run(p.pool->set_follower(target)));
  std::uint64_t written = 0;
  Result<Lsn> last;
  for (; written < 64; ++written) {   // the same place again: what it held before is still to be sent
    last = p.write("v", 1 + written, Bytes{0}, 1 << 20);
    if (!last) break;
  }
  ASSERT_FALSE(last);
  EXPECT_EQ(last.error().code, Code::no_space);
  checkpoint();
  ASSERT_FALSE(p.write("v", 100, Bytes{0}, 1 << 20));
  p.pool->follower_durable(target.id, p.pool->status().appended);
  for (std::uint64_t i = 0; i < 8; ++i) must(p.write("v", 200 + i, Bytes{i << 20}, 1 << 20));
  for (std::uint64_t i = 0; i < 8; ++i) EXPECT_EQ(p.tags("v", Bytes{i << 20}, 1 << 20), all(200 + i, 2048));
}

TEST_F(PoolTest, FailedSyncStopsThePool) {
  make("v");
  must(p.write("v", 1, Bytes{0}, 4096));
  must(p.flush("v"));
  for (const std::string& path : p.host.disk().all_files())
    if (path.find("/journal/") != std::string::npos) p.host.disk().fail_syncs(path, 100);
  must(p.write("v", 2, Bytes{4096}, 4096));
  EXPECT_FALSE(p.flush("v"));
  EXPECT_TRUE(p.pool->status().stopped);
  auto refused = p.write("v", 3, Bytes{8192}, 4096);
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message, ::testing::HasSubstr("stopped"));
  EXPECT_EQ(p.tags("v", Bytes{0}, 4096), all(1, 8));                     // known to be safe
  EXPECT_FALSE(p.tags(p.volume("v"), Bytes{4096}, 4096).has_value());    // not known
}

TEST_F(PoolTest, AnUncleanOpenBeginsAGeneration) {
  GroupId g = group("g", {make("v")});
  must(p.write("v", 1, Bytes{0}, 4096));
  Origin before = p.pool->position(g);
  EXPECT_EQ(p.pool->catalog().groups.at(g).history.size(), 1u);
  must(p.close());
  must(p.open(false));
  EXPECT_EQ(p.pool->position(g), before);
  EXPECT_EQ(p.pool->catalog().groups.at(g).history.size(), 1u);
  p.kill();
  must(p.open(false));
  auto row = p.pool->catalog().groups.at(g);
  ASSERT_EQ(row.history.size(), 2u);
  EXPECT_EQ(row.history[1].parent, before);
  EXPECT_EQ(p.pool->position(g), before);
  must(p.write("v", 2, Bytes{0}, 4096));
  EXPECT_EQ(p.pool->position(g).generation, row.history[1].generation);
}

}  // namespace
}  // namespace lockstep::pool::testing
