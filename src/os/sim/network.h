// Network: what lies between hosts, and how it fails.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/base.h"
#include "os/sim/options.h"
#include "os/sim/rng.h"

namespace lockstep::os::sim {

class Host;
class Life;
class World;

class Network {
 public:
  explicit Network(World& world);
  ~Network();

  // For the parts of the simulation.
  void host_died(Life& life, bool silently);

 private:
  World& world_;
};

}  // namespace lockstep::os::sim
