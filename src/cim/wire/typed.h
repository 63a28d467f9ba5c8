// From text to values, by the schema. Private to cim.
// What does not fit is CIM_ERR_INVALID_PARAMETER with the name in it, as DSP0200 has it for parameters and properties.
#pragma once

#include <string>
#include <string_view>

#include "cim/provider.h"
#include "cim/wire/raw.h"

namespace lockstep::cim {

// The name spaces that are here: "interop" is "root/interop" too. Nothing: CIM_ERR_INVALID_NAMESPACE.
[[nodiscard]] std::optional<std::string_view> parse_name_space(std::string_view name) noexcept;

// CIM_ERR_INVALID_CLASS when there is no such class. Keys are complete and in the order of the class; host and name space are left out.
[[nodiscard]] CimAnswer<ObjectPath> typed_path(const RawPath& raw);

struct Wanted {
  std::string_view name;             // for the error
  Type type = Type::string;
  bool is_array = false;
  std::string_view reference_class;
  std::string_view embedded_class;
};
// `stated`: the type that the sender says it is, or empty.
[[nodiscard]] CimAnswer<Value> typed_value(const RawValue& raw, std::string_view stated, const Wanted& wanted);

// With every property of the class: what was not given is as the class has it, or NULL.
[[nodiscard]] CimAnswer<Instance> typed_instance(const RawInstance& raw);

// "class.key=value,...", the same for equal paths whatever the case of names.
[[nodiscard]] std::string key_of(const ObjectPath& path);

}  // namespace lockstep::cim
