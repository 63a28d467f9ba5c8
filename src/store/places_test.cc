// Who may be handed out when.
#include "store/places.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <set>

namespace lockstep::store {
namespace {

RC_GTEST_PROP(Bitmap, NothingIsHandedOutTwiceAndEverythingThatIsFreeCanBe, ()) {
  Bitmap bitmap;
  std::uint64_t size = *rc::gen::inRange<std::uint64_t>(1, 40000);
  bitmap.grow(size / 2 + 1);
  bitmap.grow(size + 2);
  std::set<std::uint64_t> held;
  for (int i = 0; i < 20; ++i) {
    auto wanted = *rc::gen::inRange<std::uint64_t>(0, 1 + bitmap.free());
    if (wanted != 0)
      for (const Run& run : bitmap.allocate(wanted))
        for (std::uint64_t k = 0; k < run.count; ++k) RC_ASSERT(held.insert(run.first.value + k).second);
    RC_ASSERT((held.empty() || *held.rbegin() < bitmap.size()));
    RC_ASSERT(bitmap.free() == bitmap.size() - held.size());
    auto keep = *rc::gen::inRange<std::uint64_t>(1, 5);
    for (auto it = held.begin(); it != held.end();) {
      if (*it % keep == 0) {
        RC_ASSERT(bitmap.clear({Place{*it}, 1}) == 1u);
        it = held.erase(it);
      } else {
        ++it;
      }
    }
  }
  if (bitmap.free() != 0) bitmap.allocate(bitmap.free());
  RC_ASSERT(bitmap.free() == 0u);
}

TEST(Bitmap, WhatIsWantedTogetherLiesTogetherWhereSpaceAllows) {
  Bitmap bitmap;
  bitmap.grow(1 << 20);
  for (std::uint64_t i = 0; i < 1 << 19; i += 2) bitmap.set({Place{i}, 1});   // the first half is full of holes
  EXPECT_EQ(bitmap.allocate(16384).size(), 1u);
  EXPECT_EQ(bitmap.allocate(20000).size(), 1u);
}

constexpr Place at(std::uint64_t n) { return Place{n}; }

class PlacesTest : public testing::Test {
 protected:
  PlacesTest() {
    places.grow(101);
    places.reserve_first();
  }
  store::Run take(std::uint64_t blocks) {
    CHECK(places.reserve(blocks, true));
    return places.allocate(blocks).value().at(0);
  }
  Places places{10};
};

TEST_F(PlacesTest, TheReserveIsOnlyForThoseWhoMayHaveIt) {
  EXPECT_FALSE(places.reserve(91, false));
  EXPECT_TRUE(places.reserve(90, false));
  EXPECT_FALSE(places.reserve(1, false));
  EXPECT_TRUE(places.reserve(10, true));
  EXPECT_FALSE(places.reserve(1, true));
}

TEST_F(PlacesTest, MoreThanWasReservedIsNotAllocated) {
  EXPECT_TRUE(places.reserve(5, false));
  EXPECT_EQ(places.allocate(6).error().code, Code::invalid);
  EXPECT_TRUE(places.allocate(5));
  EXPECT_EQ(places.reserved(), 0u);
}

TEST_F(PlacesTest, AFreedPlaceWaitsForTheJournal) {
  auto run = take(100);
  places.quarantine(Lsn{7}, {run});
  EXPECT_EQ(places.used(), 1u);
  EXPECT_FALSE(places.reserve(1, true));
  places.journal_released(Lsn{6});
  EXPECT_FALSE(places.reserve(1, true));
  places.journal_released(Lsn{7});
  EXPECT_TRUE(places.reserve(100, true));
}

TEST_F(PlacesTest, AFreedPlaceWaitsForEveryReadBegunBefore) {
  auto run = take(100);
  auto before = places.begin_read();
  places.journal_released(Lsn{9});
  places.quarantine(Lsn{7}, {run});
  auto after = places.begin_read();
  EXPECT_FALSE(places.reserve(1, true));
  before.reset();
  EXPECT_TRUE(places.reserve(100, true));
}

TEST_F(PlacesTest, APlaceThatAReplayedRecordNamesDoesNotComeBackOutOfQuarantine) {
  places.load_quarantine(Lsn{3}, {{at(20), 10}});
  ASSERT_TRUE(places.claim({at(25), 10}));
  places.journal_released(Lsn{3});
  EXPECT_FALSE(places.is_taken(at(24)));
  EXPECT_TRUE(places.is_taken(at(25)));
  EXPECT_TRUE(places.is_taken(at(34)));
}

TEST_F(PlacesTest, APlaceThatAReplayedRecordNamesIsNotLoggedAsFree) {
  places.load_unlogged({at(5), at(6)});
  ASSERT_TRUE(places.claim({at(5), 1}));
  EXPECT_EQ(places.take_unlogged(), std::vector<Place>{at(6)});
}

TEST_F(PlacesTest, ARecordThatNamesPlacesBeyondTheDataIsRefused) {
  EXPECT_EQ(places.claim({at(100), 2}).error().code, Code::corrupt);
  EXPECT_EQ(places.claim({at(0), 2}).error().code, Code::corrupt);
  EXPECT_EQ(places.claim({at(~0ull), 2}).error().code, Code::corrupt);
}

}  // namespace
}  // namespace lockstep::store
