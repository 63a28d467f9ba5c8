// A volume is replicated as a group: the one that holds it alone. One that is in no group gets a group of its name. Private to cim.
#pragma once

#include "cim/methods/resolve.h"

namespace lockstep::cim::model {

struct VolumeGroup {
  std::string name;       // POOL/NAME
  bool made = false;      // by this call: to be taken back when the call fails
};
// Refused when the volume shares a group with others: they are replicated together.
rt::Task<Answer<VolumeGroup>> group_for(Invocation& call, const manage::VolumeInfo& volume, std::string parameter);
rt::Task<void> take_back(Invocation& call, VolumeGroup group);

// The relationship that `peer` is a handle of must have the volume at this end.
[[nodiscard]] Answer<const replica::Report*> relationship_of_volume(const Invocation& call, const manage::VolumeInfo& volume, const ObjectPath& peer, std::string_view parameter);

}  // namespace lockstep::cim::model
