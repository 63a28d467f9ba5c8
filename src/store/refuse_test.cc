// What a store refuses, and what it says then.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "store/store_testing.h"

namespace lockstep::store {
namespace {

using testing::HasSubstr;

constexpr VolumeId v1{1};
constexpr Epoch e1{1};

void make_two_leaves(TestStore& s) {
  s.options().delta_budget = Bytes{0};
  s.reopen();
  Commit c;
  c.catalog = {volume_row(1)};
  c.map = {change(v1, e1, 0, {placed(s.place(), 1)}), change(v1, e1, leaf_blocks, {placed(s.place(), 2)})};
  s.commit(c);
  s.tidy_all();
}

// Runs SQL on the closed store's database, as damage that page checksums cannot see.
void alter(TestStore& s, const std::string& sql) {
  s.close();
  must(s.run(s.blocking([&]() -> Result<> {
    TRY(auto database, db::Database::open(s.host.files(), s.host.random(), s.host.clock(), "/pool/map.db"));
    return database->writer().execute(sql);
  })));
}

TEST(Store, AnotherPoolsDirectoryIsRefused) {
  TestStore s(os::sim::test_seed(11));
  s.close();
  s.set_pool(PoolId{});
  auto opened = s.try_open();
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code, Code::corrupt);
  EXPECT_THAT(opened.error().message, HasSubstr("belongs to pool"));
}

TEST(Store, DataWithoutTheirMapAreRefused) {
  TestStore s(os::sim::test_seed(12));
  s.close();
  must(s.run(s.blocking([&]() -> Result<> {
    for (const char* name : {"map.db", "map.db-wal", "map.db-shm"}) {
      std::string path = std::string("/pool/") + name;
      TRY(bool there, s.host.files().exists(path));
      if (there) TRY_VOID(s.host.files().remove(path));
    }
    return {};
  })));
  auto opened = s.try_open();
  ASSERT_FALSE(opened);
  EXPECT_THAT(opened.error().message, HasSubstr("no map"));
}

TEST(Store, ALeafWithAWrongChecksumIsNamedAndTheOthersStayReadable) {
  TestStore s(os::sim::test_seed(13));
  make_two_leaves(s);
  alter(s, "UPDATE leaf SET row=zeroblob(9) WHERE leaf=1");
  s.open();
  EXPECT_EQ(s.lookup({v1, e1}, 0).checksum, Checksum{1});
  std::vector<Entry> out(1);
  auto bad = s.run(s.store->lookup({v1, e1}, Block{leaf_blocks}, out));
  ASSERT_FALSE(bad);
  EXPECT_EQ(bad.error().code, Code::corrupt);
  EXPECT_THAT(bad.error().message, HasSubstr("table leaf, volume 1, leaf 1, epoch 1"));
  EXPECT_THAT(bad.error().message, HasSubstr("replica"));
}

TEST(Store, ADamagedLeafStopsNobodyAndHealsWhenItIsOverwrittenWhole) {
  TestStore s(os::sim::test_seed(23));
  make_two_leaves(s);
  alter(s, "UPDATE leaf SET sum=sum+1 WHERE leaf=1");
  s.open();
  Commit c;
  c.map = {change(v1, e1, leaf_blocks, {placed(s.place(), 3)}), change(v1, e1, 5, {placed(s.place(), 4)})};
  s.commit(c);
  s.tidy_all();
  ASSERT_EQ(s.store->damage().size(), 1u);
  EXPECT_THAT(s.store->damage()[0].message, HasSubstr("volume 1, leaf 1"));
  EXPECT_EQ(s.lookup({v1, e1}, 5).checksum, Checksum{4});
  s.reopen();
  Commit whole;
  whole.map = {zeroes(v1, e1, leaf_blocks, leaf_blocks), change(v1, e1, leaf_blocks + 9, {placed(s.place(), 6)})};
  s.commit(whole);
  s.tidy_all();
  EXPECT_TRUE(s.store->damage().empty());
  s.reopen();
  EXPECT_EQ(s.lookup({v1, e1}, leaf_blocks).kind, EntryKind::zero);
  EXPECT_EQ(s.lookup({v1, e1}, leaf_blocks + 9).checksum, Checksum{6});
}

TEST(Store, AVolumeWithADamagedLeafCanBeDeleted) {
  TestStore s(os::sim::test_seed(24));
  make_two_leaves(s);
  alter(s, "UPDATE leaf SET sum=sum+1 WHERE leaf=1");
  s.open();
  Commit c;
  c.catalog = {Removed<VolumeId>{v1}};
  s.commit(c);
  s.tidy_all();
  s.release();
  EXPECT_EQ(s.store->space().used, Bytes{block_size});   // what the damaged leaf named
}

TEST(Store, ALeafOfAnotherPlaceIsAsWrongAsADamagedOne) {
  TestStore s(os::sim::test_seed(14));
  make_two_leaves(s);
  alter(s, "UPDATE leaf SET row=(SELECT row FROM leaf WHERE leaf=0), sum=(SELECT sum FROM leaf WHERE leaf=0) WHERE leaf=1");
  s.open();
  std::vector<Entry> out(1);
  EXPECT_EQ(s.run(s.store->lookup({v1, e1}, Block{leaf_blocks}, out)).error().code, Code::corrupt);
}

TEST(Store, ADamagedLogRefusesToOpenAndNamesTheRow) {
  for (const char* table : {"delta", "space_log", "catalog"}) {
    TestStore s(os::sim::test_seed(15));
    Commit c;
    c.catalog = {volume_row(1)};
    c.map = {change(v1, e1, 0, {placed(s.place(), 1)})};
    s.commit(c);
    Commit again;
    again.map = {change(v1, e1, 0, {placed(s.place(), 2)})};
    s.commit(again);
    alter(s, std::string("UPDATE ") + table + " SET sum=sum+1");
    auto opened = s.try_open();
    ASSERT_FALSE(opened) << table;
    EXPECT_EQ(opened.error().code, Code::corrupt);
    EXPECT_THAT(opened.error().message, HasSubstr(std::string("table ") + table));
  }
}

TEST(Store, ACommitThatGoesBackInTheJournalIsRefused) {
  TestStore s(os::sim::test_seed(16));
  Commit c;
  c.checkpoint_lsn = Lsn{10};
  c.catalog = {volume_row(1)};
  s.commit(c);
  Commit back;
  back.checkpoint_lsn = Lsn{9};
  EXPECT_EQ(s.run(s.store->commit(back)).error().code, Code::invalid);
}

TEST(Store, AnUnknownVolumeIsNotFound) {
  TestStore s(os::sim::test_seed(17));
  std::vector<Entry> out(1);
  EXPECT_EQ(s.store->try_lookup({v1, e1}, Block{0}, out).error().code, Code::not_found);
  EXPECT_EQ(s.run(s.store->lookup({v1, e1}, Block{0}, out)).error().code, Code::not_found);
}

TEST(Store, AfterAFailedTransactionNothingMoreIsAccepted) {
  TestStore s(os::sim::test_seed(18));
  Commit c;
  c.catalog = {volume_row(1)};
  s.commit(c);
  s.host.disk().fail_writes("/pool/map.db-wal", 1000);
  Commit second;
  second.checkpoint_lsn = Lsn{2};
  second.map = {change(v1, e1, 0, {placed(s.place(), 1)})};
  EXPECT_FALSE(s.run(s.store->commit(second)));
  Commit third;
  third.checkpoint_lsn = Lsn{3};
  auto refused = s.run(s.store->commit(third));
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message, HasSubstr("opened again"));
  EXPECT_FALSE(s.run(s.store->tidy()));
  s.host.disk().fail_writes("/pool/map.db-wal", 0);
  s.reopen();
  EXPECT_EQ(s.store->checkpoint_lsn(), Lsn{1});
}

TEST(Store, AFullPoolSaysSoAtAdmissionAndItsReserveStillServesCheckpoints) {
  TestStore s(os::sim::test_seed(19));
  s.options().capacity = 8_MiB;
  s.close();
  s.open();
  std::uint64_t admitted = 0;
  for (;;) {
    auto reserved = s.store->reserve(16);
    if (reserved) {
      admitted += 16;
      continue;
    }
    if (reserved.error().code == Code::no_space) break;
    ASSERT_EQ(reserved.error().code, Code::busy);
    must(s.run(s.store->room()));
  }
  EXPECT_GE(admitted * block_size + s.options().keep_back.value + 32 * block_size, s.store->space().total.value);
  EXPECT_TRUE(s.store->reserve(16, true));
  EXPECT_TRUE(s.store->allocate(admitted));
}

TEST(Store, WhatTheFileSystemHasLeftCountsFromTheBeginning) {
  TestStore s(os::sim::test_seed(21));
  s.options().grow_step = 1_MiB;
  s.reopen();
  EXPECT_GT(s.store->space().total, 200_MiB);
  s.reopen();   // with free places enough, nothing had to grow
  EXPECT_GT(s.store->space().total, 200_MiB);
}

TEST(Store, WhoWantsMoreThanAGrowthStepLeavesIsServedWhileTheFileSystemHasRoom) {
  TestStore s(os::sim::test_seed(22));
  s.options().grow_step = 1_MiB;
  s.reopen();
  for (std::uint64_t blocks : {100, 200, 1000, 3000}) {
    for (;;) {
      auto reserved = s.store->reserve(blocks);
      if (reserved) break;
      ASSERT_EQ(reserved.error().code, Code::busy) << blocks << " blocks: " << reserved.error().message;
      must(s.run(s.store->room()));
    }
  }
}

TEST(Store, OverwritingInAFullPoolNeverRunsOutOfSpace) {
  TestStore s(os::sim::test_seed(20));
  s.options().capacity = 8_MiB;
  s.options().delta_budget = 16_MiB;
  s.close();
  s.open();
  Commit first;
  first.catalog = {volume_row(1)};
  s.commit(first);
  constexpr std::uint64_t blocks = 1600;   // of 2047 less 256 kept back
  for (int round = 0; round < 20; ++round) {
    for (std::uint64_t at = 0; at < blocks; at += 64) {
      while (!s.store->reserve(64)) must(s.run(s.store->room()));
      std::vector<Entry> entries;
      for (const auto& run : must(s.store->allocate(64)))
        for (std::uint64_t i = 0; i < run.count; ++i) entries.push_back(placed(Place{run.first.value + i}, at));
      Commit c;
      c.map = {change(v1, e1, at, entries)};
      s.commit(c);
      s.release();
    }
  }
  EXPECT_LE(s.store->space().used.value, (blocks + 128) * block_size);
}

TEST(Store, AnEntryOfEveryKindComesBack) {
  TestStore s(os::sim::test_seed(21));
  Place damaged = s.place();
  std::vector<Entry> entries{{EntryKind::zero, {}, {}}, {EntryKind::bad, damaged, Checksum{5}}, {EntryKind::remote, {}, Checksum{6}}};
  Commit c;
  c.catalog = {volume_row(1)};
  c.map = {change(v1, e1, 3, entries)};
  s.commit(c);
  EXPECT_EQ(s.lookup({v1, e1}, 3, 3), entries);
  s.options().delta_budget = Bytes{0};
  s.reopen();
  s.tidy_all();
  s.reopen();
  EXPECT_EQ(s.lookup({v1, e1}, 3, 3), entries);
  EXPECT_EQ(s.store->space().used, Bytes{block_size});
}

}  // namespace
}  // namespace lockstep::store
