#include "pool/native/times.h"

#include <gtest/gtest.h>

namespace lockstep::pool::native {
namespace {

TEST(Times, BytesAreCountedFromAnywhere) {
  Times times;
  for (std::uint64_t i = 1; i <= 100; ++i) times.add(Lsn{i}, WallTime{static_cast<std::int64_t>(i) * 20'000}, 4096);
  EXPECT_EQ(times.total(), 100u * 4096);
  EXPECT_EQ(times.bytes_after(Lsn{0}), 100u * 4096);
  EXPECT_EQ(times.bytes_after(Lsn{40}), 60u * 4096);
  EXPECT_EQ(times.bytes_after(Lsn{100}), 0u);
  times.forget(Lsn{30});
  EXPECT_EQ(times.bytes_after(Lsn{40}), 60u * 4096);
  EXPECT_EQ(times.bytes_after(Lsn{30}), 70u * 4096);
  EXPECT_EQ(times.oldest_after(Lsn{40}).us, 41 * 20'000);
}

TEST(Times, RecordsOfOneMomentAreShared) {
  Times times;
  for (std::uint64_t i = 1; i <= 10; ++i) times.add(Lsn{i * 10}, WallTime{1000}, 1000);   // other groups wrote between
  EXPECT_EQ(times.bytes_after(Lsn{50}), 5000u);
  EXPECT_EQ(times.bytes_after(Lsn{99}), 100u);
  EXPECT_EQ(times.bytes_after(Lsn{100}), 0u);
}

TEST(Times, ThinnedItStillCountsAll) {
  Times times;
  for (std::uint64_t i = 1; i <= 50'000; ++i) times.add(Lsn{i}, WallTime{static_cast<std::int64_t>(i) * 20'000}, 10);
  EXPECT_EQ(times.bytes_after(Lsn{0}), 500'000u);
  EXPECT_NEAR(static_cast<double>(times.bytes_after(Lsn{25'000})), 250'000.0, 100);
  EXPECT_EQ(times.bytes_after(Lsn{49'999}), 10u);
}

}  // namespace
}  // namespace lockstep::pool::native
