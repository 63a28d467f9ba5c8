#include "replica/model/schedule.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace lockstep::replica {
namespace {

using ::testing::HasSubstr;

WallTime at(int hour, int minute) { return WallTime{((std::int64_t{20'000} * 24 + hour) * 60 + minute) * 60'000'000}; }

Schedule must(std::string_view text) {
  Result<Schedule> schedule = parse_schedule(text);
  EXPECT_TRUE(schedule.has_value()) << text;
  return schedule ? *schedule : Schedule{};
}

TEST(Schedule, WindowsGoOverMidnight) {
  Schedule s = must("22:00-06:00=unlimited,12:00-13:30=5M");
  EXPECT_EQ(limit_at(s, 1_MiB, at(21, 59)), 1_MiB);
  EXPECT_EQ(limit_at(s, 1_MiB, at(22, 0)), Bytes{0});
  EXPECT_EQ(limit_at(s, 1_MiB, at(0, 0)), Bytes{0});
  EXPECT_EQ(limit_at(s, 1_MiB, at(5, 59)), Bytes{0});
  EXPECT_EQ(limit_at(s, 1_MiB, at(6, 0)), 1_MiB);
  EXPECT_EQ(limit_at(s, 1_MiB, at(12, 0)), 5_MiB);
  EXPECT_EQ(limit_at(s, 1_MiB, at(13, 30)), 1_MiB);
}

TEST(Schedule, TheEarlierOfTwoThatOverlapCounts) {
  Schedule s = must("10:00-11:00=1K,00:00-24:00=2K");
  EXPECT_EQ(limit_at(s, Bytes{0}, at(10, 30)), 1_KiB);
  EXPECT_EQ(limit_at(s, Bytes{0}, at(11, 30)), 2_KiB);
  EXPECT_EQ(limit_at(s, Bytes{0}, at(23, 59)), 2_KiB);
}

TEST(Schedule, IsReadAsItIsWritten) {
  for (std::string_view text : {"", "22:00-06:00=unlimited", "00:00-00:00=3G", "08:15-17:45=1500,17:45-08:15=20M"}) EXPECT_EQ(text_of(must(text)), text);
  EXPECT_TRUE(must("none").empty());
  EXPECT_EQ(text_of(must("7:5-24:00=1024K")), "07:05-00:00=1M");
}

TEST(Schedule, RefusesWhatIsNone) {
  for (std::string_view text : {"22:00", "22:00-06:00", "22:00-06:00=", "22:00-06:00=fast", "25:00-06:00=1M", "22:60-06:00=1M", "24:01-06:00=1M", "22:00-06:00=1M,", "=1M", "22:00=06:00-1M",
                                "22:00-06:00=99999999999999999999", "22:00-06:00=99999999999T", "-1:00-2:00=1M", "22:00-06:00=-5"}) {
    Result<Schedule> schedule = parse_schedule(text);
    ASSERT_FALSE(schedule.has_value()) << text;
    EXPECT_EQ(schedule.error().code, Code::invalid);
    EXPECT_THAT(schedule.error().message, HasSubstr("is no window")) << text;
  }
  EXPECT_FALSE(parse_schedule("1:00-2:00=1,1:00-2:00=1,1:00-2:00=1,1:00-2:00=1,1:00-2:00=1,1:00-2:00=1,1:00-2:00=1,1:00-2:00=1,1:00-2:00=1").has_value());
}

}  // namespace
}  // namespace lockstep::replica
