#include "replica/wire/packing.h"

#include <gtest/gtest.h>

#include "replica/wire/throttle.h"

namespace lockstep::replica {
namespace {

Buffer noise(std::size_t size) {
  Buffer out(size);
  std::uint64_t x = 88172645463325252ULL;
  for (std::byte& b : out) {
    x ^= x << 13, x ^= x >> 7, x ^= x << 17;
    b = static_cast<std::byte>(x);
  }
  return out;
}

TEST(Packing, WhatIsPackedComesOutAgain) {
  Buffer text(100'000), other(4096);
  for (std::size_t i = 0; i < text.size(); ++i) text[i] = static_cast<std::byte>(i / 50 % 7);
  std::vector<Span> parts{text, other};
  auto small = packed(parts);
  ASSERT_TRUE(small.has_value());
  EXPECT_LT(small->size(), 10'000U);
  Buffer back(text.size() + other.size());
  ASSERT_TRUE(unpack(*small, back).has_value());
  EXPECT_TRUE(std::equal(text.begin(), text.end(), back.begin()));
}

TEST(Packing, WhatDoesNotPayIsLeftAlone) {
  Buffer random = noise(1 << 20);
  std::vector<Span> parts{random};
  EXPECT_FALSE(packed(parts).has_value());
}

TEST(Packing, DamageIsNeverData) {
  Buffer zeroes(64 << 10);
  std::vector<Span> parts{zeroes};
  auto small = packed(parts);
  ASSERT_TRUE(small.has_value());
  Buffer back(zeroes.size());
  EXPECT_EQ(unpack(Span(*small).first(small->size() - 1), back).error().code, Code::corrupt);
  EXPECT_EQ(unpack(*small, MutSpan(back).first(back.size() - 1)).error().code, Code::corrupt);
  Buffer larger(zeroes.size() + 1);
  EXPECT_EQ(unpack(*small, larger).error().code, Code::corrupt);
  EXPECT_EQ(unpack(noise(100), back).error().code, Code::corrupt);
}

TEST(Packing, BadLuckIsTriedLessAndLessOften) {
  PackingLuck luck;
  EXPECT_FALSE(luck.try_it(100));
  unsigned tries = 0;
  for (int i = 0; i < 1000; ++i) {
    if (!luck.try_it(65536)) continue;
    ++tries;
    luck.paid(false);
  }
  EXPECT_LE(tries, 25U);
  while (!luck.try_it(65536)) {
  }
  luck.paid(true);
  EXPECT_TRUE(luck.try_it(65536));
}

TEST(Throttle, HoldsTheRateWhateverIsSentAtOnce) {
  for (std::uint64_t piece : {1'000, 100'000, 5'000'000}) {
    Throttle throttle;
    Bytes rate{100'000};
    Instant now;
    std::uint64_t sent = 0;
    while (now.since_start < std::chrono::seconds(1000)) {
      throttle.sent(piece, rate, now);
      sent += piece;
      now = now + throttle.wait(rate, now);
    }
    EXPECT_LE(sent, 100'000'000U + piece + 5'000) << piece;
    EXPECT_GE(sent, 99'000'000U) << piece;
    EXPECT_EQ(throttle.wait(Bytes{0}, now), Duration{0});
  }
}

}  // namespace
}  // namespace lockstep::replica
