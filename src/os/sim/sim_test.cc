#include "os/sim/sim.h"

#include <gtest/gtest.h>

#include "os/conformance_testing.h"
#include "os/sim/testing.h"

namespace lockstep::os::sim {
namespace {

class SimTestWorld final : public conformance::TestWorld {
 public:
  explicit SimTestWorld(std::uint64_t salt) : world_(test_seed(salt)), host_(world_.add_host("a")) {
    must(host_.files().make_directories("/test"));
  }
  os::Host& host() override { return host_; }
  rt::Loop& loop() override { return host_.loop(); }
  void run(rt::Task<void> task) override { world_.run(loop(), std::move(task)); }
  std::string directory() override { return "/test"; }
  Address anywhere() override { return at(0); }
  Address nowhere() override { return at(9); }

 private:
  static Address at(std::uint16_t port) {
    Address address;
    address.host = "127.0.0.1";
    address.port = port;
    return address;
  }
  World world_;
  Host& host_;
};

template <std::uint64_t salt>
std::unique_ptr<conformance::TestWorld> make_world() {
  return std::make_unique<SimTestWorld>(salt);
}

}  // namespace
}  // namespace lockstep::os::sim

LOCKSTEP_OS_CONFORMANCE(Sim, testing::Values(Param{"seed1", lockstep::os::sim::make_world<1>},
                                             Param{"seed2", lockstep::os::sim::make_world<2>},
                                             Param{"seed3", lockstep::os::sim::make_world<3>}));
