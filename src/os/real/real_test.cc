#include "os/real/real.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>

#include "os/conformance_testing.h"

namespace lockstep::os::real {
namespace {

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

RealOptions options_with(Io io) {
  RealOptions options;
  options.io = io;
  return options;
}

class RealWorld final : public conformance::TestWorld {
 public:
  explicit RealWorld(Io io) : host_(options_with(io)) {}
  Host& host() override { return host_; }
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
  static rt::Task<void> finish(RealHost& host, rt::Task<void> task) {
    co_await task;
    host.stop_control();
  }
  TestDirectory directory_;
  RealHost host_;
};

std::unique_ptr<conformance::TestWorld> make_world(Io io) { return std::make_unique<RealWorld>(io); }

}  // namespace

std::vector<conformance::Param> worlds() {
  std::vector<conformance::Param> all{{"threads", [] { return make_world(Io::threads); }}};
  RealHost probe(options_with(Io::automatic));
  if (probe.io() == Io::uring) all.push_back({"uring", [] { return make_world(Io::uring); }});
  return all;
}

}  // namespace lockstep::os::real

LOCKSTEP_OS_CONFORMANCE(Real, testing::ValuesIn(lockstep::os::real::worlds()))
