// Which blocks a pass sends, as text.
#include "replica/ends/pass.h"

#include <gtest/gtest.h>

namespace lockstep::replica {
namespace {

std::string text_of(const std::vector<PassRun>& runs) {
  std::string out;
  for (const PassRun& run : runs) out += (out.empty() ? "" : " ") + std::to_string(run.member) + ":" + std::to_string(run.block.value) + "+" + std::to_string(run.count);
  return out;
}

LeafMask mask(std::uint32_t member, std::uint64_t leaf, std::vector<std::uint64_t> blocks) {
  LeafMask out{member, leaf, {}};
  for (std::uint64_t b : blocks) out.mask[b / 64] |= 1ULL << (b % 64);
  return out;
}

TEST(Pass, WhatTheTargetHoldsIsLeftOut) {
  EXPECT_EQ(text_of(without({0, Block{10}, 5, false}, {})), "0:10+5");
  std::vector<LeafMask> held{mask(0, 0, {10, 12, 127}), mask(0, 1, {0, 1}), mask(0, 3, {64}), mask(1, 0, {0})};
  EXPECT_EQ(text_of(without({0, Block{10}, 5, false}, held)), "0:11+1 0:13+2");
  EXPECT_EQ(text_of(without({0, Block{126}, 6, false}, held)), "0:126+1 0:130+2");
  EXPECT_EQ(text_of(without({0, Block{127}, 3, false}, held)), "");
  EXPECT_EQ(text_of(without({0, Block{256}, 400, false}, held)), "0:256+192 0:449+207");
  EXPECT_EQ(text_of(without({1, Block{0}, 3, false}, held)), "1:1+2");
  EXPECT_EQ(text_of(without({2, Block{0}, 3, false}, held)), "2:0+3");
}

TEST(Pass, ARecordOfItSaysWhoseItIs) {
  Origin towards;
  towards.generation.bytes[0] = std::byte{7};
  journal::Record record = record_of({1, Block{5}, 3, true}, towards, WallTime{9});
  EXPECT_EQ(record.kind, journal::Kind::zero);
  EXPECT_EQ(record.flags, journal::flag_resync);
  EXPECT_EQ(record.origin.lsn, Lsn{1});
  EXPECT_EQ(record.volume.value, 1U);
  EXPECT_EQ(record.count, 3U);
}

}  // namespace
}  // namespace lockstep::replica
