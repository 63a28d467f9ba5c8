// The schema: constant tables that the build makes of schema/*.mof.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace lockstep::cim {

enum class Type : std::uint8_t { boolean, string, char16, uint8, uint16, uint32, uint64, sint8, sint16, sint32, sint64, real32, real64, datetime, reference };
[[nodiscard]] std::string_view name_of(Type type) noexcept;   // as CIM-XML writes it: "uint16"

struct Qualifier {
  std::string_view name;
  Type type = Type::boolean;
  bool is_array = false;
  std::span<const std::string_view> values;   // as text; of a boolean "true" or "false"
  bool overridable = true, to_subclass = true, translatable = false;
};

struct Property {
  std::string_view name;
  Type type = Type::string;
  bool is_array = false;
  std::string_view reference_class;    // of a reference
  std::string_view embedded_class;     // of an EmbeddedInstance string; "*" of an EmbeddedObject
  bool key = false, required = false;
  std::span<const Qualifier> qualifiers;
  std::span<const std::string_view> initial;   // what an instance has when nobody says otherwise, as text; empty: NULL
  std::string_view origin;                     // the class that declares it
};

struct Parameter {
  std::string_view name;
  Type type = Type::string;
  bool is_array = false, in = true, out = false;
  std::string_view reference_class, embedded_class;
  std::span<const Qualifier> qualifiers;
};

struct Method {
  std::string_view name;
  Type type = Type::uint32;            // of the return value
  bool is_static = false;
  std::span<const Parameter> parameters;
  std::span<const Qualifier> qualifiers;
  std::string_view origin;             // the class that declares it
};

struct Class {
  std::string_view name;
  std::string_view superclass;         // empty: a root
  bool association = false, abstract_class = false, indication = false;
  std::span<const Qualifier> qualifiers;
  std::span<const Property> properties;   // its own; those of its superclasses stand there
  std::span<const Method> methods;        // its own
  std::span<const std::string_view> name_spaces;   // where it is: storage_name_space, interop_name_space, or both
};

struct QualifierType {                 // a declaration: Qualifier Key : boolean = false, Scope(...), Flavor(...);
  std::string_view name;
  Type type = Type::boolean;
  bool is_array = false;
  std::span<const std::string_view> defaults;
  std::span<const std::string_view> scopes;
  bool overridable = true, to_subclass = true, translatable = false;
};

inline constexpr std::string_view storage_name_space = "root/microsoft/windows/storage/sm";
inline constexpr std::string_view interop_name_space = "interop";

// All names of CIM are equal whatever their case.
[[nodiscard]] std::span<const Class> all_classes() noexcept;                  // superclasses before their subclasses
[[nodiscard]] std::span<const QualifierType> all_qualifier_types() noexcept;
[[nodiscard]] const Class* find_class(std::string_view name) noexcept;
[[nodiscard]] bool is_a(const Class& cls, std::string_view ancestor) noexcept;   // itself too
[[nodiscard]] const Property* find_property(const Class& cls, std::string_view name) noexcept;   // its own or inherited
[[nodiscard]] const Method* find_method(const Class& cls, std::string_view name) noexcept;       // its own or inherited
[[nodiscard]] bool is_in(const Class& cls, std::string_view name_space) noexcept;
// Its own and inherited ones, those of the topmost class first; an instance has them in this order.
[[nodiscard]] std::span<const Property* const> properties_of(const Class& cls);
[[nodiscard]] std::span<const Method* const> methods_of(const Class& cls);
[[nodiscard]] bool same_name(std::string_view a, std::string_view b) noexcept;

}  // namespace lockstep::cim
