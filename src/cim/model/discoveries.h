// Discoveries: what was found on peer systems when they were last looked at. Private to cim.
// What a client names out of it may be gone by now: that is told apart from what never was (return value 40003, not 8).
#pragma once

#include <map>
#include <string>
#include <vector>

#include "base/base.h"
#include "replica/replica.h"

namespace lockstep::cim::model {

struct Discovery {
  SystemId system;
  std::string name;
  WallTime when;
  std::string failed;                                  // why nothing could be found out; empty: it could
  std::vector<replica::Engine::RemotePool> pools;
};

class Discoveries {
 public:
  void keep(Discovery discovery) { kept_[discovery.system] = std::move(discovery); }
  void forget(SystemId system) { kept_.erase(system); }
  [[nodiscard]] const std::map<SystemId, Discovery>& all() const { return kept_; }
  [[nodiscard]] bool knows(SystemId system) const { return kept_.contains(system); }
  [[nodiscard]] bool knows(PoolId pool) const {
    for (const auto& [id, discovery] : kept_)
      for (const auto& found : discovery.pools)
        if (found.id == pool) return true;
    return false;
  }

 private:
  std::map<SystemId, Discovery> kept_;
};

}  // namespace lockstep::cim::model
