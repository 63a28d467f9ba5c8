#include <gtest/gtest.h>

#include "daemon/server_metrics.h"
#include "daemon/settings.h"

namespace lockstep::daemon {
namespace {

std::vector<std::string> faults_of(std::string_view text) {
  Settings settings;
  Checked<> read = read_config(text, "x.toml", settings);
  return read ? std::vector<std::string>{} : read.error();
}

CommandLine parsed(std::vector<std::string> words) {
  words.insert(words.begin(), "lockstepd");
  std::vector<char*> arguments;
  for (std::string& word : words) arguments.push_back(word.data());
  return parse_command_line(static_cast<int>(arguments.size()), arguments.data());
}

TEST(Config, EveryKeyIsTaken) {
  Settings settings;
  auto read = read_config(R"(
data = "/srv/a"
name = "a"
https = "0.0.0.0:8443"
nbd = ["localhost:10809", "unix:/run/n"]
peer = "[::]:7000"
nbd-tls = "allow"
io = "threads"
workers = 3
busy-poll = 50
memory = "1G"
journal-budget = 1048576
log-level = "warning"
)", "x.toml", settings);
  ASSERT_TRUE(read) << read.error().front();
  EXPECT_EQ(settings.name, "a");
  ASSERT_EQ(settings.nbd.size(), 2u);
  EXPECT_EQ(settings.nbd[1].path, "/run/n");
  EXPECT_EQ(settings.https.front().port, 8443);
  EXPECT_EQ(settings.nbd_tls, nbd::TlsPolicy::allow);
  EXPECT_EQ(settings.memory, 1_GiB);
  EXPECT_EQ(settings.journal_budget, 1_MiB);
  EXPECT_EQ(settings.workers, 3u);
}

TEST(Config, EverythingWrongIsNamedAtOnceWithItsLine) {
  auto faults = faults_of("colour = \"red\"\nname = 7\nmemory = \"many\"\nhttps = \"nonsense\"\nnbd-tls = \"perhaps\"\n");
  ASSERT_EQ(faults.size(), 5u);
  std::string all;
  for (const std::string& fault : faults) all += fault + "\n";
  EXPECT_NE(all.find("x.toml:1: 'colour'"), std::string::npos) << all;
  EXPECT_NE(all.find("x.toml:2: 'name'"), std::string::npos) << all;
  EXPECT_NE(all.find("x.toml:3: 'memory'"), std::string::npos) << all;
  EXPECT_NE(all.find("x.toml:4: 'https'"), std::string::npos) << all;
  EXPECT_NE(all.find("x.toml:5: 'nbd-tls'"), std::string::npos) << all;
}

TEST(Config, WhatIsNoTomlIsRefusedWithItsLine) {
  auto faults = faults_of("a = 1\nname = \n");
  ASSERT_EQ(faults.size(), 1u);
  EXPECT_TRUE(faults[0].starts_with("x.toml:2")) << faults[0];
  Settings settings;
  EXPECT_FALSE(read_config_file("/nowhere/at/all.toml", settings));
}

TEST(CommandLine, FlagsAreTakenAndOneOptionMayComeTwice) {
  CommandLine line = parsed({"--data", "/srv/a", "--nbd", "localhost:1", "--nbd", "localhost:2", "--memory", "256M"});
  ASSERT_FALSE(line.exit_now);
  EXPECT_EQ(line.settings.data, "/srv/a");
  EXPECT_EQ(line.settings.nbd.size(), 2u);
  EXPECT_EQ(line.settings.memory, 256_MiB);
}

TEST(CommandLine, CimHasItsUsualPortsAndItsOwnSettings) {
  CommandLine line = parsed({"--data", "/srv/a", "--cim", "127.0.0.1", "--cim", "localhost:7", "--cim-http", "localhost", "--cim-listener-ca", "/x.pem"});
  ASSERT_FALSE(line.exit_now);
  ASSERT_EQ(line.settings.cim.size(), 2u);
  EXPECT_EQ(line.settings.cim[0].host, "127.0.0.1");
  EXPECT_EQ(line.settings.cim[0].port, 5989);
  EXPECT_EQ(line.settings.cim[1].port, 7);
  EXPECT_EQ(line.settings.cim_http[0].port, 5988);
  EXPECT_EQ(line.settings.cim_listener_ca, "/x.pem");
  Settings settings;
  ASSERT_TRUE(read_config("cim = \"localhost\"\ncim-http = [\"unix:/run/c\"]\ncim-listener-ca = \"/y.pem\"\n", "x.toml", settings));
  EXPECT_EQ(settings.cim[0].port, 5989);
  EXPECT_EQ(settings.cim_http[0].path, "/run/c");
  EXPECT_EQ(settings.cim_listener_ca, "/y.pem");
}

TEST(CommandLine, WrongFlagsEndWithTwo) {
  EXPECT_EQ(parsed({}).exit_now, 2);
  EXPECT_EQ(parsed({"--data", "/a", "--memory", "1M"}).exit_now, 2);
  EXPECT_EQ(parsed({"--data", "/a", "--https", "nonsense"}).exit_now, 2);
  EXPECT_EQ(parsed({"--data", "/a", "--nbd-tls", "perhaps"}).exit_now, 2);
  EXPECT_EQ(parsed({"--version"}).exit_now, 0);
  EXPECT_EQ(parsed({"--check-config", "/a.toml"}).check_config, "/a.toml");
}

TEST(Sizes, AreReadInPowersOf1024) {
  EXPECT_EQ(parse_size("512M").value(), 512_MiB);
  EXPECT_EQ(parse_size("8GiB").value(), 8_GiB);
  EXPECT_EQ(parse_size("4096").value(), 4096_B);
  for (const char* wrong : {"", "M", "5X", "99999999999999999999", "1000000000T"}) EXPECT_FALSE(parse_size(wrong)) << wrong;
}

TEST(ServerMetrics, EachFamilyIsTypedOnceAndCountsByCommand) {
  nbd::Metrics metrics;
  metrics.requests_total[1] = 7;
  std::string text = metrics_of(metrics, http::Counters{}, http::Counters{}, {{"pool-p", 3, std::chrono::milliseconds(5)}});
  EXPECT_NE(text.find("lockstep_nbd_requests_total{command=\"write\"} 7\n"), std::string::npos);
  EXPECT_NE(text.find("lockstep_loop_stalls_total{loop=\"pool-p\"} 3\n"), std::string::npos);
  EXPECT_NE(text.find("lockstep_loop_longest_turn_seconds{loop=\"pool-p\"} 0.005000\n"), std::string::npos);
  EXPECT_EQ(text.find("# TYPE lockstep_nbd_requests_total"), text.rfind("# TYPE lockstep_nbd_requests_total"));
}

}  // namespace
}  // namespace lockstep::daemon
