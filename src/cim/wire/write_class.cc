// Classes and qualifiers as they are declared, with what they inherit where that is asked for.
#include <utility>

#include "cim/wire/text.h"
#include "cim/wire/write.h"

namespace lockstep::cim {

namespace {

void attribute(std::string& out, const char* name, std::string_view value) {
  out.append(" ").append(name).append("=\"");
  write_escaped(out, value);
  out += '"';
}

void write_texts(std::string& out, std::span<const std::string_view> texts, bool is_array, bool is_boolean) {
  auto one = [&](std::string_view text) {
    out += "<VALUE>";
    if (is_boolean) out += same_name(text, "true") ? "TRUE" : "FALSE";
    else write_escaped(out, text);
    out += "</VALUE>";
  };
  if (is_array) {
    out += "<VALUE.ARRAY>";
    for (std::string_view text : texts) one(text);
    out += "</VALUE.ARRAY>";
  } else if (!texts.empty()) {
    one(texts.front());
  }
}

void write_flavor(std::string& out, bool overridable, bool to_subclass, bool translatable) {
  if (!overridable) attribute(out, "OVERRIDABLE", "false");
  if (!to_subclass) attribute(out, "TOSUBCLASS", "false");
  if (translatable) attribute(out, "TRANSLATABLE", "true");
}

void write_qualifier(std::string& out, const Qualifier& qualifier, bool propagated) {
  out += "<QUALIFIER";
  attribute(out, "NAME", qualifier.name);
  attribute(out, "TYPE", name_of(qualifier.type));
  if (propagated) attribute(out, "PROPAGATED", "true");
  write_flavor(out, qualifier.overridable, qualifier.to_subclass, qualifier.translatable);
  out += ">";
  write_texts(out, qualifier.values, qualifier.is_array, qualifier.type == Type::boolean);
  out += "</QUALIFIER>";
}

bool among(std::span<const Qualifier> qualifiers, std::string_view name) {
  for (const Qualifier& qualifier : qualifiers)
    if (same_name(qualifier.name, name)) return true;
  return false;
}

void write_qualifiers(std::string& out, std::span<const Qualifier> qualifiers, bool propagated) {
  for (const Qualifier& qualifier : qualifiers) write_qualifier(out, qualifier, propagated);
}

void write_class_qualifiers(std::string& out, const Class& cls, bool local_only) {
  write_qualifiers(out, cls.qualifiers, false);
  if (local_only) return;
  std::vector<const Class*> below{&cls};
  for (const Class* at = find_class(cls.superclass); at; at = find_class(at->superclass)) {
    for (const Qualifier& qualifier : at->qualifiers) {
      bool overridden = !qualifier.to_subclass;
      for (const Class* one : below) overridden = overridden || among(one->qualifiers, qualifier.name);
      if (!overridden) write_qualifier(out, qualifier, true);
    }
    below.push_back(at);
  }
}

void write_initial(std::string& out, const Property& property) {
  if (!property.initial.empty()) write_texts(out, property.initial, property.is_array, property.type == Type::boolean);
}

void write_property(std::string& out, const Property& property, bool propagated, const ClassShown& shown) {
  bool reference = property.type == Type::reference;
  const char* element = reference ? "PROPERTY.REFERENCE" : property.is_array ? "PROPERTY.ARRAY" : "PROPERTY";
  out.append("<").append(element);
  attribute(out, "NAME", property.name);
  if (!reference) attribute(out, "TYPE", name_of(property.type));
  else if (!property.reference_class.empty()) attribute(out, "REFERENCECLASS", property.reference_class);
  if (shown.class_origin) attribute(out, "CLASSORIGIN", property.origin);
  if (propagated) attribute(out, "PROPAGATED", "true");
  if (!property.embedded_class.empty()) attribute(out, "EmbeddedObject", property.embedded_class == "*" ? "object" : "instance");
  out += ">";
  if (shown.qualifiers) write_qualifiers(out, property.qualifiers, propagated);
  if (!reference) write_initial(out, property);
  out.append("</").append(element).append(">");
}

void write_method_parameter(std::string& out, const Parameter& parameter, bool qualifiers) {
  bool reference = parameter.type == Type::reference;
  const char* element = reference ? parameter.is_array ? "PARAMETER.REFARRAY" : "PARAMETER.REFERENCE" : parameter.is_array ? "PARAMETER.ARRAY" : "PARAMETER";
  out.append("<").append(element);
  attribute(out, "NAME", parameter.name);
  if (!reference) attribute(out, "TYPE", name_of(parameter.type));
  else if (!parameter.reference_class.empty()) attribute(out, "REFERENCECLASS", parameter.reference_class);
  out += ">";
  if (qualifiers) write_qualifiers(out, parameter.qualifiers, false);
  out.append("</").append(element).append(">");
}

void write_method(std::string& out, const Method& method, bool propagated, const ClassShown& shown) {
  out += "<METHOD";
  attribute(out, "NAME", method.name);
  attribute(out, "TYPE", name_of(method.type));
  if (shown.class_origin) attribute(out, "CLASSORIGIN", method.origin);
  if (propagated) attribute(out, "PROPAGATED", "true");
  out += ">";
  if (shown.qualifiers) write_qualifiers(out, method.qualifiers, propagated);
  for (const Parameter& parameter : method.parameters) write_method_parameter(out, parameter, shown.qualifiers);
  out += "</METHOD>";
}

bool listed(const std::optional<std::vector<std::string>>& names, std::string_view name) {
  if (!names) return true;
  for (const std::string& one : *names)
    if (same_name(one, name)) return true;
  return false;
}

}  // namespace

void write_class(std::string& out, const Class& cls, const ClassShown& shown) {
  out += "<CLASS";
  attribute(out, "NAME", cls.name);
  if (!cls.superclass.empty()) attribute(out, "SUPERCLASS", cls.superclass);
  out += ">";
  if (shown.qualifiers) write_class_qualifiers(out, cls, shown.local_only);
  for (const Property* property : properties_of(cls)) {
    bool own = false;
    for (const Property& one : cls.properties) own = own || same_name(one.name, property->name);
    if ((own || !shown.local_only) && listed(shown.properties, property->name)) write_property(out, *property, !own, shown);
  }
  for (const Method* method : methods_of(cls)) {
    bool own = false;
    for (const Method& one : cls.methods) own = own || same_name(one.name, method->name);
    if (own || !shown.local_only) write_method(out, *method, !own, shown);
  }
  out += "</CLASS>";
}

void write_qualifier_type(std::string& out, const QualifierType& type) {
  out += "<QUALIFIER.DECLARATION";
  attribute(out, "NAME", type.name);
  attribute(out, "TYPE", name_of(type.type));
  attribute(out, "ISARRAY", type.is_array ? "true" : "false");
  write_flavor(out, type.overridable, type.to_subclass, type.translatable);
  out += "><SCOPE";
  for (std::string_view scope : type.scopes) {
    bool any = same_name(scope, "any");
    for (const char* name : {"CLASS", "ASSOCIATION", "REFERENCE", "PROPERTY", "METHOD", "PARAMETER", "INDICATION"})
      if (any || same_name(scope, name)) attribute(out, name, "true");
  }
  out += "/>";
  write_texts(out, type.defaults, type.is_array && !type.defaults.empty(), type.type == Type::boolean);
  out += "</QUALIFIER.DECLARATION>";
}

}  // namespace lockstep::cim
