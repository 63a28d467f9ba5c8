#include "store/store.h"

#include <gtest/gtest.h>

#include "store/store_testing.h"

namespace lockstep::store {
namespace {

constexpr VolumeId v1{1};
constexpr VolumeId v2{2};
constexpr Epoch e1{1};
constexpr Epoch e2{2};

TEST(Store, WhatWasCommittedIsFoundAgainAfterReopening) {
  TestStore s(os::sim::test_seed(1));
  Place p = s.place();
  Commit c;
  c.catalog = {volume_row(1)};
  c.map = {change(v1, e1, 1000, {placed(p, 42)})};
  s.commit(c);
  EXPECT_EQ(s.lookup(s.head(v1), 1000), placed(p, 42));
  EXPECT_EQ(s.lookup(s.head(v1), 1001).kind, EntryKind::absent);
  s.reopen();
  EXPECT_EQ(s.store->checkpoint_lsn(), Lsn{1});
  EXPECT_EQ(s.lookup(s.head(v1), 1000), placed(p, 42));
  EXPECT_EQ(s.store->space().used, Bytes{block_size});
}

TEST(Store, ASnapshotKeepsWhatTheHeadOverwrites) {
  TestStore s(os::sim::test_seed(2));
  Place a = s.place(), b = s.place();
  Commit first;
  first.catalog = {volume_row(1)};
  first.map = {change(v1, e1, 5, {placed(a, 1)})};
  s.commit(first);
  Commit second;
  second.catalog = {snapshot_row(1, {v1}, e1)};
  second.map = {change(v1, e2, 5, {placed(b, 2)})};
  s.commit(second);
  EXPECT_EQ(s.lookup({v1, e1}, 5), placed(a, 1));
  EXPECT_EQ(s.lookup({v1, e2}, 5), placed(b, 2));
  s.options().delta_budget = Bytes{0};
  s.reopen();
  s.tidy_all();
  EXPECT_EQ(s.lookup({v1, e1}, 5), placed(a, 1));
  EXPECT_EQ(s.lookup({v1, e2}, 5), placed(b, 2));
  Commit third;
  third.catalog = {Removed<SnapshotId>{snapshot_row(1, {}, e1).id}};
  s.commit(third);
  s.tidy_all();
  s.release();
  EXPECT_EQ(s.lookup(s.head(v1), 5), placed(b, 2));
  EXPECT_EQ(s.store->space().used, Bytes{block_size});
}

TEST(Store, AHeadThatWasAskedForBeforeTheEpochMovedOnIsStillTheHead) {
  TestStore s(os::sim::test_seed(4));
  s.options().delta_budget = Bytes{0};
  s.reopen();
  Commit first;
  first.catalog = {volume_row(1), volume_row(2)};
  first.map = {change(v1, e1, 5, {placed(s.place(), 1), placed(s.place(), 2)})};
  s.commit(first);
  Commit second;
  second.catalog = {snapshot_row(1, {v2}, e1)};   // of others
  second.map = {change(v1, e2, 5, {placed(s.place(), 3)})};
  s.commit(second);
  s.tidy_all();
  EXPECT_EQ(s.lookup({v1, e1}, 6).checksum, Checksum{2});
  s.reopen();
  EXPECT_EQ(s.lookup({v1, e1}, 6).checksum, Checksum{2});
}

TEST(Store, DataAreWrittenAndReadByPlace) {
  TestStore s(os::sim::test_seed(3));
  Place p = s.place();
  alignas(4096) static std::byte page[4096];
  for (auto& byte : page) byte = std::byte{0x5a};
  std::vector<Span> parts{Span(page)};
  must(s.run(s.store->write_data(p, parts)));
  must(s.run(s.store->sync_data()));
  Buffer back(4096);
  must(s.run(s.store->read_data(p, back)));
  EXPECT_EQ(back[4095], std::byte{0x5a});
}

}  // namespace
}  // namespace lockstep::store
