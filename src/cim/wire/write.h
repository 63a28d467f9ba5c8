// Writers of CIM-XML: each appends to `out`. Private to cim.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "cim/provider.h"

namespace lockstep::cim {

// For elements and attributes. What XML cannot hold becomes U+FFFD.
void write_escaped(std::string& out, std::string_view text);

// Where the objects of an answer are: the name space as it was asked for, and the host that was asked.
struct Place {
  std::string host;
  std::string name_space;
};

void write_local_name_space(std::string& out, std::string_view name_space);
void write_instance_name(std::string& out, const ObjectPath& path, const Place& place);
void write_instance_path(std::string& out, const ObjectPath& path, const Place& place);         // with host
void write_local_instance_path(std::string& out, const ObjectPath& path, const Place& place);
void write_class_path(std::string& out, std::string_view class_name, const Place& place);

// What of an instance is shown.
struct Shown {
  const Class* only_of = nullptr;                                   // nothing that subclasses add
  std::optional<std::vector<std::string>> properties;               // these only
  bool class_origin = false;

  [[nodiscard]] bool shows(std::string_view property) const;
};
void write_instance(std::string& out, const Instance& instance, const Place& place, const Shown& shown);

// VALUE, VALUE.ARRAY, VALUE.REFERENCE or VALUE.REFARRAY; nothing for NULL.
void write_value(std::string& out, const Value& value, const Place& place);
// PARAMVALUE or, with another `element`, what looks like it.
void write_parameter(std::string& out, const NamedValue& value, const Place& place);
[[nodiscard]] bool holds_instances(const Value& value) noexcept;

void write_error(std::string& out, const CimError& error);

// Whole, as asked: class or qualifier declarations (write_class.cc).
struct ClassShown {
  bool local_only = true, qualifiers = true, class_origin = false;
  std::optional<std::vector<std::string>> properties;
};
void write_class(std::string& out, const Class& cls, const ClassShown& shown);
void write_qualifier_type(std::string& out, const QualifierType& type);

}  // namespace lockstep::cim
