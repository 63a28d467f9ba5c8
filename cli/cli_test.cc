#include "cli/context.h"

#include <gtest/gtest.h>

#include "cli/task.h"
#include "cli/text.h"

namespace lockstep::cli {
namespace {

TEST(Text, SizesAreReadInPowersOf1024) {
  EXPECT_EQ(parse_size("512M").value(), 512_MiB);
  EXPECT_EQ(parse_size("8G").value(), 8_GiB);
  EXPECT_EQ(parse_size("1.5K").value(), Bytes{1536});
  EXPECT_EQ(parse_size("4096").value(), Bytes{4096});
}

TEST(Text, WhatIsNoSizeIsRefused) {
  for (const char* wrong : {"", "G", "-1G", "8X", "8 G", "nan", "inf", "99999999P"}) EXPECT_FALSE(parse_size(wrong)) << wrong;
}

TEST(Text, TimesAreReadInSeconds) {
  EXPECT_EQ(parse_seconds("30s").value(), 30u);
  EXPECT_EQ(parse_seconds("5m").value(), 300u);
  EXPECT_FALSE(parse_seconds("5 minutes"));
}

TEST(Text, NumbersAreShownForPeople) {
  EXPECT_EQ(size_text(0), "0 B");
  EXPECT_EQ(size_text(1536), "1.5 KiB");
  EXPECT_EQ(size_text(8ull << 30), "8 GiB");
  EXPECT_EQ(seconds_text(0.4), "0.4 s");
  EXPECT_EQ(seconds_text(200), "3 m 20 s");
  EXPECT_EQ(bar(50, 4), "[##..]");
}

TEST(Text, ColumnsAlign) { EXPECT_EQ(table({{"NAME", "SIZE"}, {"a", "1"}}), "NAME  SIZE\na     1\n"); }

TEST(Url, VolumeNamesBecomeIds) {
  EXPECT_EQ(id_in_url("p/data"), "p:data");
  EXPECT_EQ(id_in_url("a b"), "a%20b");
}

TEST(Errors, SayWhatToDoOnALineOfItsOwn) {
  Told of_system = told(Error{Code::busy, "pool 'p' is full; all of it\nAdd space."});
  EXPECT_EQ(of_system.message, "pool 'p' is full; all of it");
  EXPECT_EQ(of_system.next_step, "Add space.");
  Told own = told(Error{Code::invalid, "'zz' is not understood; write it like 512M"});
  EXPECT_EQ(own.message, "'zz' is not understood");
  EXPECT_EQ(own.next_step, "Write it like 512M.");
  EXPECT_FALSE(told(Error{Code::io, "odd"}).next_step.empty());
}

TEST(Task, AJobShowsWhatTheTaskSays) {
  Json task{{"Id", "4f"}, {"Name", "CreateReplica"}, {"TaskState", "Exception"}, {"PercentComplete", 40}, {"Messages", {{{"Message", "pool p is full"}, {"Resolution", "Add space."}}}},
            {"Oem", {{"Lockstep", {{"Object", "r"}, {"DoneBytes", 4}, {"TotalBytes", 10}}}}}};
  Json job = job_of(task);
  EXPECT_EQ(job["percent"], 40);
  EXPECT_EQ(job["total_bytes"], 10);
  EXPECT_EQ(job["error"], "pool p is full; Add space.");
}

}  // namespace
}  // namespace lockstep::cli
