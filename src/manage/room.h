// Room: pools that are nearly full. Private to manage.
// Promises: what is made only by wish (snapshots, clones, points in time, tokens, drills) is refused with 40002 before hosts' writes are;
//           one event when a pool becomes nearly full and one when it no longer is.
// Never refused here: what keeps data that would be lost (role changes, stand-ins), deletions, detaching.
#pragma once

#include <set>
#include <string>

#include "manage/events.h"
#include "manage/pools.h"

namespace lockstep::manage {

// `what`: "a snapshot", for the message.
[[nodiscard]] rt::Task<Answer<>> room_for(PoolSet::Hold& hold, std::string what);

class Watermark {
 public:
  Watermark(rt::Loop& control, PoolSet& pools, Events& events) : control_(control), pools_(pools), events_(events), scope_(control) {}
  void start() { scope_.spawn(run()); }
  rt::Task<void> stop() { return scope_.stop_and_join(); }

 private:
  rt::Task<void> run();

  rt::Loop& control_;
  PoolSet& pools_;
  Events& events_;
  std::set<std::string> nearly_full_;
  rt::Scope scope_;
};

}  // namespace lockstep::manage
