// Names of pools and groups by their ids, for what knows ids only. Private to rest.
#pragma once

#include <map>
#include <string>

#include "manage/manage.h"

namespace lockstep::rest {

class Names {
 public:
  rt::Task<void> read(manage::System& system);
  [[nodiscard]] std::string pool(PoolId id) const;                 // its digits when it is not there
  [[nodiscard]] std::string group(PoolId pool, GroupId id) const;

 private:
  std::map<PoolId, std::string> pools_;
  std::map<std::pair<PoolId, GroupId>, std::string> groups_;
};

}  // namespace lockstep::rest
