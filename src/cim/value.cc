#include "cim/value.h"

namespace lockstep::cim {

const NamedValue* Instance::find(std::string_view name) const noexcept {
  for (const NamedValue& property : properties)
    if (same_name(property.name, name)) return &property;
  return nullptr;
}

}  // namespace lockstep::cim
