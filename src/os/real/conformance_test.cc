#include "os/conformance_testing.h"

#include "os/real/real_testing.h"

namespace lockstep::os::real {
namespace {

std::vector<conformance::Param> worlds() {
  std::vector<conformance::Param> all;
  for (Io io : kinds()) {
    conformance::Param param;
    param.name = io == Io::uring ? "uring" : "threads";
    param.make = [io] { return std::make_unique<RealWorld>(io); };
    all.push_back(std::move(param));
  }
  return all;
}
const std::vector<conformance::Param> all_worlds = worlds();

}  // namespace
}  // namespace lockstep::os::real

LOCKSTEP_OS_CONFORMANCE(Real, testing::ValuesIn(lockstep::os::real::all_worlds))
