#include "manage/advice.h"

namespace lockstep::manage {

std::string towards_synchronized(replica::SyncType type, replica::CopyState state, const std::string& name) {
  auto ways = replica::operations_towards(type, state, replica::CopyState::synchronized);
  if (!ways.empty() && state != replica::CopyState::unsynchronized) return replica::listed(ways, "or") + " leads back to Synchronized; `lockstep replica show " + name + "` says more.";
  return "Wait until it is Synchronized: `lockstep replica watch " + name + "` shows how far it is.";
}

}  // namespace lockstep::manage
