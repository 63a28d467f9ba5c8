#include "sim/history.h"

#include <gtest/gtest.h>

namespace lockstep::sim {
namespace {

TEST(History, AnsweredAndMissingIsLost) {
  History history;
  auto one = history.submit(Spot{0, 1}, 1);
  history.appended(one, Lsn{10});
  Found found{{Spot{0, 1}, 0}};
  EXPECT_FALSE(history.lost_answered(found));
  history.answered(one);
  EXPECT_TRUE(history.lost_answered(found));
  found[Spot{0, 1}] = one;
  EXPECT_FALSE(history.lost_answered(found));
}

TEST(History, OnlyWhatAFlushCoveredIsPromisedAfterAPowerCut) {
  History history;
  auto one = history.submit(Spot{0, 1}, 1);
  history.answered(one);
  auto flush = history.flush_begins();
  auto two = history.submit(Spot{0, 2}, 1);
  history.answered(two);
  Found nothing{{Spot{0, 1}, 0}, {Spot{0, 2}, 0}};
  EXPECT_FALSE(history.lost_flushed(nothing));
  history.flush_answered(flush);
  EXPECT_TRUE(history.lost_flushed(nothing));
  Found first{{Spot{0, 1}, one}, {Spot{0, 2}, 0}};
  EXPECT_FALSE(history.lost_flushed(first));
}

TEST(History, ALaterWriteWithoutAnEarlierOneIsNoPrefix) {
  History history;
  auto one = history.submit(Spot{0, 1}, 1), two = history.submit(Spot{1, 1}, 1);
  history.appended(one, Lsn{1});
  history.appended(two, Lsn{2});
  EXPECT_TRUE(history.not_a_prefix({{Spot{0, 1}, 0}, {Spot{1, 1}, two}}));
  EXPECT_FALSE(history.not_a_prefix({{Spot{0, 1}, one}, {Spot{1, 1}, 0}}));
  EXPECT_FALSE(history.not_a_prefix({{Spot{0, 1}, 0}, {Spot{1, 1}, 0}}));
}

TEST(History, ANumberNobodyWroteThereIsReported) {
  History history;
  auto one = history.submit(Spot{0, 1}, 1);
  EXPECT_TRUE(history.not_a_prefix({{Spot{0, 2}, one}}));
  EXPECT_TRUE(history.lost_answered({{Spot{0, 1}, 99}}));
}

TEST(History, BlocksCarryTheirNumberWhole) {
  Buffer block(block_size);
  EXPECT_EQ(number_in(block), never);
  fill_block(7, block);
  EXPECT_EQ(number_in(block), 7u);
  block[100] ^= std::byte{1};
  EXPECT_EQ(number_in(block), std::nullopt);
}

TEST(History, AStateOfAnInstantHasWhatWasAnsweredBeforeAndNothingThatCameAfter) {
  History history;
  auto one = history.submit(Spot{0, 1}, 1);
  history.answered(one);
  auto before = history.now();
  auto two = history.submit(Spot{0, 2}, 1);
  auto after = history.now();
  auto three = history.submit(Spot{0, 3}, 1);
  Found found{{Spot{0, 1}, one}, {Spot{0, 2}, 0}, {Spot{0, 3}, 0}};
  EXPECT_FALSE(history.not_of_then(found, before, after));
  found[Spot{0, 2}] = two;
  EXPECT_FALSE(history.not_of_then(found, before, after));
  found[Spot{0, 3}] = three;
  EXPECT_TRUE(history.not_of_then(found, before, after));
  found[Spot{0, 3}] = 0;
  found[Spot{0, 1}] = 0;
  EXPECT_TRUE(history.not_of_then(found, before, after));
}

TEST(History, TwoEndsThatPartedShareWhatWasBeforeAndNothingSince) {
  History here;
  auto one = here.submit(Spot{0, 1}, 1);
  here.answered(one);
  Found parted{{Spot{0, 1}, one}, {Spot{0, 2}, 0}};
  History there = here.forked(parted);
  auto two = here.submit(Spot{0, 2}, 1), three = there.submit(Spot{0, 2}, 1);
  EXPECT_NE(two, three);
  EXPECT_FALSE(there.lost_answered(parted));
  EXPECT_FALSE(there.lost_answered({{Spot{0, 1}, one}, {Spot{0, 2}, three}}));
  EXPECT_TRUE(there.lost_answered({{Spot{0, 1}, one}, {Spot{0, 2}, two}}));
  EXPECT_TRUE(here.lost_answered({{Spot{0, 1}, one}, {Spot{0, 2}, three}}));
}

}  // namespace
}  // namespace lockstep::sim
