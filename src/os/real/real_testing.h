// A real host as a world under test, for each kind of loop.
#pragma once

#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "os/real/real.h"
#include "os/world_testing.h"

namespace lockstep::os::real {

using namespace std::chrono_literals;

// A directory of its own under TMPDIR (or /tmp), removed with everything in it.
class TestDirectory {
 public:
  TestDirectory() {
    path_ = (std::filesystem::temp_directory_path() / "lockstep-XXXXXX").string();
    CHECK(::mkdtemp(path_.data()) != nullptr);
  }
  ~TestDirectory() {
    std::error_code error;
    std::filesystem::remove_all(path_, error);
  }
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  std::string path_;
};

inline RealOptions options_with(Io io) {
  RealOptions options;
  options.io = io;
  return options;
}

class RealWorld final : public conformance::TestWorld {
 public:
  explicit RealWorld(Io io) : host_(logging_into(log_, io)) {}
  Host& host() override { return host_; }
  RealHost& real() { return host_; }
  [[nodiscard]] std::string logged() {
    std::lock_guard lock(log_.mutex);
    return log_.text;
  }
  rt::Loop& loop() override { return host_.control_loop(); }
  void run(rt::Task<void> task) override {
    rt::Scope scope(loop());
    loop().post(rt::Callback([&] { scope.spawn(finish(host_, std::move(task))); }));
    host_.run_control();
  }
  std::string directory() override { return directory_.path(); }
  Address anywhere() override { return parse_address("127.0.0.1:0").value(); }
  Address nowhere() override { return parse_address("127.0.0.1:1").value(); }

 private:
  struct TestLog {
    std::mutex mutex;
    std::string text;  // by mutex
  };
  static RealOptions logging_into(TestLog& log, Io io) {
    RealOptions options = options_with(io);
    options.log = [&log](std::string_view line) {
      std::lock_guard lock(log.mutex);
      log.text += std::string(line) + "\n";
    };
    return options;
  }
  static rt::Task<void> finish(RealHost& host, rt::Task<void> task) {
    co_await task;
    host.stop_control();
  }
  TestDirectory directory_;
  TestLog log_;
  RealHost host_;
};

// The kinds of loop that this machine offers.
inline std::vector<Io> kinds() {
  RealHost probe(options_with(Io::automatic));
  if (probe.io() == Io::uring) return {Io::threads, Io::uring};
  return {Io::threads};
}

// Each test runs once per kind of loop.
class Real : public testing::TestWithParam<Io> {
 protected:
  // Runs `body` on the control loop of a fresh world.
  void run(rt::Task<void> (*body)(RealWorld&)) {
    RealWorld world(GetParam());
    world.run(body(world));
  }
};

#define REAL_TEST(name)                         \
  rt::Task<void> Real_##name(RealWorld& world); \
  TEST_P(Real, name) { run(&Real_##name); }     \
  rt::Task<void> Real_##name([[maybe_unused]] RealWorld& world)

}  // namespace lockstep::os::real
