// Families: which objects and associations there are, a file per family. Private to cim.
#pragma once

#include <span>

#include "cim/model/frozen.h"

namespace lockstep::cim::model {

using AddFamily = void (*)(Frozen& frozen);

void add_systems(Frozen& frozen);
void add_capabilities(Frozen& frozen);
void add_pools(Frozen& frozen);
void add_volumes(Frozen& frozen);
void add_groups(Frozen& frozen);
void add_peers(Frozen& frozen);
void add_relationships(Frozen& frozen);
void add_jobs(Frozen& frozen);
void add_access(Frozen& frozen);
void add_service(Frozen& frozen);
void add_interop(Frozen& frozen);

// Instances that others carry inside.
[[nodiscard]] Instance make_system(const Facts& facts, std::size_t);           // this one
[[nodiscard]] Instance make_volume(const Facts& facts, std::size_t index);
[[nodiscard]] Instance make_group(const Facts& facts, std::size_t index);
[[nodiscard]] Instance make_settings(const manage::ReplicaDefaults& defaults, GroupId group);

// Objects before the associations that name them.
[[nodiscard]] std::span<const AddFamily> families();

}  // namespace lockstep::cim::model
