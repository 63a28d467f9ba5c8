// Files on a device keep the contract of files, on a simulated machine and on this one.
#include "os/conformance_testing.h"

#include "os/real/real_testing.h"
#include "os/sim/sim.h"
#include "os/sim/testing.h"
#include "pool/device/device_testing.h"

namespace lockstep::pool::device {
namespace {

using os::conformance::TestWorld;

// The files of `machine`, on an image file of it.
class OnDevice final : public TestWorld {
 public:
  OnDevice(std::unique_ptr<TestWorld> machine, Bytes size, Bytes chunk) : machine_(std::move(machine)), size_(size), chunk_(chunk) {}
  os::Host& host() override { return *host_; }
  rt::Loop& loop() override { return machine_->loop(); }
  void run(rt::Task<void> task) override { machine_->run(on_device(std::move(task))); }
  std::string directory() override { return image() + "/d"; }
  os::Address anywhere() override { return machine_->anywhere(); }
  os::Address nowhere() override { return machine_->nowhere(); }

 private:
  [[nodiscard]] std::string image() const { return machine_->path("image"); }
  rt::Task<void> on_device(rt::Task<void> task) {
    auto make = [this]() -> Result<std::unique_ptr<Device>> {
      TRY_VOID(make_image(machine_->host().files(), image(), size_));
      return Device::open(machine_->host().files(), machine_->host().random(), image(), true, chunk_);
    };
    OS_MUST(auto device, co_await rt::work(machine_->loop(), make));
    host_ = std::make_unique<DeviceHost>(machine_->host(), std::move(device));
    OS_MUST_VOID(host_->files().make_directories(directory()));
    co_await task;
    auto close = [this] { host_.reset(); };
    co_await rt::work(machine_->loop(), close);
  }
  std::unique_ptr<TestWorld> machine_;
  const Bytes size_, chunk_;
  std::unique_ptr<os::Host> host_;
};

class SimMachine final : public TestWorld {
 public:
  SimMachine() : world_(os::sim::test_seed(7)), host_(world_.add_host("a")) {}
  os::Host& host() override { return host_; }
  rt::Loop& loop() override { return host_.loop(); }
  void run(rt::Task<void> task) override { world_.run(loop(), std::move(task)); }
  std::string directory() override { return ""; }
  os::Address anywhere() override { return {}; }
  os::Address nowhere() override { return {}; }

 private:
  os::sim::World world_;
  os::sim::Host& host_;
};

std::vector<os::conformance::Param> worlds() {
  std::vector<os::conformance::Param> all;
  // Chunks so small that files lie in many pieces, and ones that hold each file whole.
  for (Bytes chunk : {Bytes{4096}, 1_MiB}) {
    const std::string name = chunk == 1_MiB ? "WholeFiles" : "Pieces";
    all.push_back({"Sim" + name, [chunk] { return std::make_unique<OnDevice>(std::make_unique<SimMachine>(), 64_MiB, chunk); }});
    all.push_back({"Real" + name, [chunk] { return std::make_unique<OnDevice>(std::make_unique<os::real::RealWorld>(os::real::Io::automatic), 64_MiB, chunk); }});
  }
  return all;
}
const std::vector<os::conformance::Param> all_worlds = worlds();

}  // namespace
}  // namespace lockstep::pool::device

namespace lockstep::os::conformance {
inline std::string name_of_device(const testing::TestParamInfo<Param>& which) { return which.param.name; }
INSTANTIATE_TEST_SUITE_P(Device, Files, testing::ValuesIn(pool::device::all_worlds), name_of_device);
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(Loops);
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(Streams);
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(TlsStreams);
}  // namespace lockstep::os::conformance
