// Advice: what an administrator can do next with a relationship, out of the table of states. Private to manage.
#pragma once

#include <string>

#include "replica/replica.h"

namespace lockstep::manage {

// What leads from `state` to Synchronized. Ends with '.'.
[[nodiscard]] std::string towards_synchronized(replica::SyncType type, replica::CopyState state, const std::string& name);

}  // namespace lockstep::manage
