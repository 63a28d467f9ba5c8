// Probe: how long the loops let a call wait. Private to manage.
#pragma once

#include <map>
#include <string>

#include "manage/metrics.h"
#include "manage/pools.h"

namespace lockstep::manage {

class Probe {
 public:
  Probe(rt::Loop& control, PoolSet& pools) : control_(control), pools_(pools), scope_(control) {}
  void start() { scope_.spawn(run()); }
  rt::Task<void> stop() { return scope_.stop_and_join(); }
  [[nodiscard]] std::vector<LoopDelay> delays() const;

 private:
  rt::Task<void> run();
  void note(const std::string& loop, Duration waited);

  rt::Loop& control_;
  PoolSet& pools_;
  std::map<std::string, LoopDelay> delays_;
  rt::Scope scope_;
};

}  // namespace lockstep::manage
