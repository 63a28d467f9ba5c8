// Values, instances and paths of CIM, free of any wire format.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "cim/schema.h"

namespace lockstep::cim {

struct Instance;
struct ObjectPath;

struct DateTime {
  std::string text;   // 25 characters: yyyymmddhhmmss.mmmmmmsutc or an interval ddddddddhhmmss.mmmmmm:000
};

// One scalar. Integers of every width are kept in 64 bits; the property's Type says how wide they are.
using Scalar = std::variant<bool, std::uint64_t, std::int64_t, double, std::string, DateTime, std::shared_ptr<const ObjectPath>, std::shared_ptr<const Instance>>;

// NULL, a scalar, or an array (whose elements may be NULL).
struct Value {
  struct Null {};
  using Element = std::variant<Null, Scalar>;
  using Array = std::vector<Element>;
  std::variant<Null, Scalar, Array> held;

  Value() = default;
  Value(Scalar scalar) : held(std::move(scalar)) {}   // NOLINT(google-explicit-constructor)
  Value(Array array) : held(std::move(array)) {}      // NOLINT(google-explicit-constructor)
  [[nodiscard]] bool is_null() const noexcept { return std::holds_alternative<Null>(held); }
  [[nodiscard]] const Scalar* scalar() const noexcept { return std::get_if<Scalar>(&held); }   // nullptr: NULL or an array
  [[nodiscard]] const Array* array() const noexcept { return std::get_if<Array>(&held); }
};

struct NamedValue {
  std::string name;
  Type type = Type::string;
  bool is_array = false;
  Value value;
};

// Keys only; host and name space are filled in at the wire. Keys are in the order of the class.
struct ObjectPath {
  std::string host, name_space;   // empty: this one
  std::string class_name;
  std::vector<NamedValue> keys;
};

struct Instance {
  std::string class_name;
  std::vector<NamedValue> properties;   // all of the class, in its order; NULL where there is nothing true to say

  [[nodiscard]] const NamedValue* find(std::string_view name) const noexcept;
};

}  // namespace lockstep::cim
