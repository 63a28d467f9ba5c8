#include "cim/instances/families.h"

namespace lockstep::cim::model {

std::span<const AddFamily> families() {
  static constexpr AddFamily all[] = {add_systems, add_capabilities, add_pools, add_volumes, add_groups, add_peers,
                                      add_relationships, add_jobs, add_access, add_service, add_interop};
  return all;
}

}  // namespace lockstep::cim::model
