// Sibling: another target of one's source.
#pragma once

#include <string>

#include "base/base.h"

namespace lockstep::replica {

struct Sibling {
  RelationshipId relationship;
  std::string name;   // the relationship's
  std::string group;  // there
  SystemId system;
  Origin position;    // at least: durable there when the source last heard of it
  // Whoever it is, wherever it stands.
  [[nodiscard]] bool is(const Sibling& other) const {
    return relationship == other.relationship && name == other.name && group == other.group && system == other.system;
  }
};

}  // namespace lockstep::replica
