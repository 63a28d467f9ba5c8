// Drills: a target opened beside itself, looked at and thrown away. Private to manage.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "manage/events.h"
#include "manage/jobs.h"
#include "manage/locate.h"

namespace lockstep::manage {

class Drills {
 public:
  Drills(rt::Loop& loop, PoolSet& pools, Jobs& jobs, Events& events) : loop_(loop), pools_(pools), jobs_(jobs), events_(events) {}

  // `target`: the group at the target's end, POOL/NAME or an id; `report`: what is known of its relationship.
  rt::Task<Answer<Drill>> open(replica::Report report, std::string target, std::string name);
  // Every block of it, as it was opened or has been written since.
  rt::Task<Answer<Outcome>> read(std::string group);
  rt::Task<Answer<>> end(std::string target, std::string name);
  // Whose groups are still there.
  rt::Task<std::vector<Drill>> list();

 private:
  void tell(std::string kind, std::string object, std::string after);
  void note(Drill drill);

  rt::Loop& loop_;
  PoolSet& pools_;
  Jobs& jobs_;
  Events& events_;
  std::map<std::string, Drill> known_;   // by POOL/GROUP
};

}  // namespace lockstep::manage
