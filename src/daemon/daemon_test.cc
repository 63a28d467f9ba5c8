#include <gtest/gtest.h>

#include <cstdio>
#include <fstream>

#include "daemon/options.h"

namespace lockstep::daemon {
namespace {

std::string file_with(const std::string& text) {
  std::string path = testing::TempDir() + "lockstepd-test.toml";
  std::ofstream(path) << text;
  return path;
}

TEST(Config, KnownKeysAreTaken) {
  Options options;
  auto wrong = read_file(file_with("name = \"a\"\nnbd = [\"localhost:10809\", \"unix:/run/n\"]\nmemory = \"1G\"\n"), options);
  EXPECT_TRUE(wrong.empty());
  EXPECT_EQ(options.name, "a");
  EXPECT_EQ(options.nbd.size(), 2u);
  EXPECT_TRUE(check(options).empty());
}

TEST(Config, EverythingWrongIsNamedAtOnce) {
  Options options;
  auto wrong = read_file(file_with("colour = \"red\"\nname = 7\n"), options);
  ASSERT_EQ(wrong.size(), 2u);
  EXPECT_NE((wrong[0] + wrong[1]).find("colour"), std::string::npos);
  EXPECT_NE((wrong[0] + wrong[1]).find("name"), std::string::npos);
}

TEST(Config, WhatIsNoTomlIsRefusedWithItsPlace) {
  Options options;
  EXPECT_EQ(read_file(file_with("name = \n"), options).size(), 1u);
  EXPECT_EQ(read_file("/nowhere/at/all.toml", options).size(), 1u);
}

TEST(Config, ValuesAreChecked) {
  Options options;
  options.https = "nonsense";
  options.nbd_tls = "perhaps";
  options.memory = "1M";
  EXPECT_EQ(check(options).size(), 3u);
}

TEST(Sizes, AreReadInPowersOf1024) {
  EXPECT_EQ(parse_bytes("512M").value(), 512_MiB);
  for (const char* wrong : {"", "M", "5X", "99999999999999999999"}) EXPECT_FALSE(parse_bytes(wrong)) << wrong;
}

}  // namespace
}  // namespace lockstep::daemon
