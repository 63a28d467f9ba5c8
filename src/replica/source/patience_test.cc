#include "replica/source/patience.h"

#include <gtest/gtest.h>

namespace lockstep::replica {
namespace {

using std::chrono::milliseconds;

Instant at(int ms) { return Instant{milliseconds(ms)}; }

TEST(Patience, NobodyWaitsLongerThanTheBound) {
  Patience patience{milliseconds(100)};
  EXPECT_FALSE(patience.due());
  patience.written(Lsn{5}, at(0));
  patience.written(Lsn{6}, at(50));
  EXPECT_EQ(patience.due(), at(100));
  patience.received(Lsn{5});
  EXPECT_EQ(patience.due(), at(150));
  patience.received(Lsn{6});
  EXPECT_FALSE(patience.due());
}

TEST(Patience, ThoseOfOneMomentAreOneWaitByTheFirstOfThem) {
  Patience patience{milliseconds(160)};
  for (int i = 0; i < 100; ++i) patience.written(Lsn{static_cast<std::uint64_t>(i) + 1}, at(i / 10));
  EXPECT_EQ(patience.due(), at(160));
  patience.received(Lsn{99});
  EXPECT_EQ(patience.due(), at(160));   // never too late; a sixteenth too early at most
  patience.received(Lsn{100});
  EXPECT_FALSE(patience.due());
}

TEST(Patience, AFlushWaitsForDurabilityAndNotForReception) {
  Patience patience{milliseconds(100)};
  patience.written(Lsn{5}, at(0));
  patience.flushing(Lsn{5}, at(10));
  patience.received(Lsn{5});
  EXPECT_EQ(patience.due(), at(110));
  EXPECT_TRUE(patience.flush_is_oldest());
  patience.durable(Lsn{5});
  EXPECT_FALSE(patience.due());
  patience.flushing(Lsn{6}, at(20));
  patience.nobody_waits();
  EXPECT_FALSE(patience.due());
}

TEST(Patience, TrustComesFromFiveSecondsOfMeasuredAnswers) {
  Patience patience{milliseconds(100)};
  EXPECT_FALSE(patience.trusts(at(60'000)));   // silence proves nothing
  patience.answered(milliseconds(10), at(1000));
  EXPECT_FALSE(patience.trusts(at(5999)));
  EXPECT_TRUE(patience.trusts(at(6000)));
  patience.answered(milliseconds(49), at(6100));
  EXPECT_TRUE(patience.trusts(at(6100)));
  patience.answered(milliseconds(50), at(6200));   // half the bound
  EXPECT_FALSE(patience.trusts(at(60'000)));
  patience.answered(milliseconds(1), at(7000));
  patience.late();
  EXPECT_FALSE(patience.trusts(at(60'000)));
}

}  // namespace
}  // namespace lockstep::replica
