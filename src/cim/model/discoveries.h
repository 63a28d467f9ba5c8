// Discoveries: what was found on peer systems when they were last looked at. Private to cim.
// What a client names out of it may be gone by now: that is told apart from what never was (return value 40003, not 8).
#pragma once

#include <map>
#include <optional>
#include <set>
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
  // False: one is under way already.
  [[nodiscard]] bool begin(SystemId system) { return running_.insert(system).second; }
  void keep(Discovery discovery) {
    running_.erase(discovery.system);
    stale_.erase(discovery.system);
    kept_[discovery.system] = std::move(discovery);
  }
  void forget_all() { kept_.clear(); }
  // What was found turned out to be gone: it is not believed again before it was looked at anew.
  void distrust(SystemId system) { stale_.insert(system); }
  [[nodiscard]] bool is_stale(SystemId system) const { return stale_.contains(system); }
  [[nodiscard]] const std::map<SystemId, Discovery>& all() const { return kept_; }
  [[nodiscard]] bool knows(SystemId system) const { return kept_.contains(system); }
  // The system that the pool was found on.
  [[nodiscard]] std::optional<SystemId> system_of(PoolId pool) const {
    for (const auto& [id, discovery] : kept_)
      for (const auto& found : discovery.pools)
        if (found.id == pool) return id;
    return std::nullopt;
  }

 private:
  std::map<SystemId, Discovery> kept_;
  std::set<SystemId> running_, stale_;
};

}  // namespace lockstep::cim::model
