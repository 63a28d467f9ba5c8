// Associations of classes, by what the schema says of their references. Private to cim.
#pragma once

#include <string>
#include <vector>

#include "cim/ops/cursor.h"
#include "cim/wire/write.h"

namespace lockstep::cim {

[[nodiscard]] std::vector<const Class*> association_classes(const Class& cls, const AssociationFilter& filter);   // that can name it
[[nodiscard]] std::vector<const Class*> associated_classes(const Class& cls, const AssociationFilter& filter);    // at their other ends, each once

// VALUE.OBJECTWITHPATH, or OBJECTPATH when not `whole`.
void write_class_object(std::string& out, const Class& cls, const Place& place, bool whole, const Shown& shown);

}  // namespace lockstep::cim
