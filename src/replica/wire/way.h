// Way: through which groups a group's data come, so that nobody's data come from himself.
#pragma once

#include <vector>

#include "base/base.h"
#include "replica/wire/wire.pb.h"

namespace lockstep::replica {

struct Hop {
  SystemId system;
  GroupId group;
  bool operator==(const Hop&) const = default;
};
using Way = std::vector<Hop>;  // begins where hosts write

inline constexpr int hops_most = 64;

[[nodiscard]] Way way_from(const google::protobuf::RepeatedPtrField<wire::Hop>& from);
void put(const Way& from, google::protobuf::RepeatedPtrField<wire::Hop>& into);
[[nodiscard]] bool leads_through(const Way& way, const Hop& hop);

}  // namespace lockstep::replica
