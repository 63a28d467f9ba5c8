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

// While a volume is being filled, absent means "not known here": zeroes that were written must not come to look like it.
TEST(Store, ZeroesOfAVolumeThatIsBeingFilledStayZeroesThroughHousekeeping) {
  TestStore s(os::sim::test_seed(9));
  s.options().delta_budget = Bytes{0};
  s.reopen();
  Place p = s.place();
  VolumeRow row = volume_row(1);
  row.filling = true;
  Commit c;
  c.catalog = {row};
  c.map = {zeroes(v1, e1, 100, 1000), change(v1, e1, 5, {{.kind = EntryKind::zero}}), change(v1, e1, 700, {placed(p, 1)})};
  s.commit(c);
  auto look = [&] {
    EXPECT_EQ(s.lookup(s.head(v1), 5).kind, EntryKind::zero);
    EXPECT_EQ(s.lookup(s.head(v1), 6).kind, EntryKind::absent);
    EXPECT_EQ(s.lookup(s.head(v1), 99).kind, EntryKind::absent);
    for (std::uint64_t b = 100; b < 1100; ++b) EXPECT_EQ(s.lookup(s.head(v1), b).kind, b == 700 ? EntryKind::placed : EntryKind::zero) << b;
    EXPECT_EQ(s.lookup(s.head(v1), 1100).kind, EntryKind::absent);
  };
  look();
  s.tidy_all();
  look();
  s.reopen();
  s.tidy_all();
  look();
  // Whole now: nobody needs to know the one from the other any more.
  Commit whole;
  whole.catalog = {volume_row(1)};
  whole.map = {zeroes(v1, e1, 128, 128)};
  s.commit(whole);
  s.tidy_all();
  EXPECT_EQ(s.lookup(s.head(v1), 700), placed(p, 1));
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
