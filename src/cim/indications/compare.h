// Compare: two looks at the system, and what happened between them as indications. Private to cim.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "cim/ops/cursor.h"
#include "cim/query/query.h"

namespace lockstep::cim {

// Instances of one moment, by key_of.
using Seen = std::map<std::string, std::shared_ptr<const Instance>>;

// The classes, with all below them, whose instances a filter can be about. Classes, never instances, of this program's own making are left out.
[[nodiscard]] std::set<const Class*> watched_by(const Query& filter);
[[nodiscard]] Seen see(const Repository& look, const std::set<const Class*>& classes);

struct Change {
  std::shared_ptr<const Instance> before, after;   // one of them may be missing
};
[[nodiscard]] std::vector<Change> changes(const Seen& before, const Seen& after);

// CIM_InstCreation, ...Modification or ...Deletion; for a MSFT_SMStorageObject also its MSFT_SMStorage...Event.
struct Moment {
  WallTime now;
  std::string host;
  std::string system_object_id;
};
[[nodiscard]] std::vector<Instance> indications_of(const Change& change, const Moment& moment);

// An instance of an indication class with every property, all of them NULL but the time.
[[nodiscard]] Instance blank_indication(std::string_view class_name, const Moment& moment);
void set_property(Instance& instance, std::string_view name, Value value);

[[nodiscard]] bool same_value(const Value& a, const Value& b);

}  // namespace lockstep::cim
