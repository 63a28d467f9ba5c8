#include "cim/wire/write.h"

#include <utility>

#include "cim/wire/text.h"
#include "cim/wire/typed.h"

namespace lockstep::cim {

namespace {

// "interop" for what lives there only, else the place that was asked.
std::string_view home_of(const ObjectPath& path, const Place& place) {
  if (!path.name_space.empty()) return path.name_space;
  const Class* cls = find_class(path.class_name);
  std::optional<std::string_view> here = parse_name_space(place.name_space);
  if (!cls || cls->name_spaces.empty() || (here && is_in(*cls, *here))) return place.name_space;
  return cls->name_spaces.front();
}

std::string_view value_type_of(Type type) {
  if (type == Type::boolean) return "boolean";
  if (is_unsigned(type) || is_signed(type) || is_real(type)) return "numeric";
  return "string";
}

void write_scalar(std::string& out, const Scalar& scalar, const Place& place) {
  if (const auto* reference = std::get_if<std::shared_ptr<const ObjectPath>>(&scalar)) {
    if (!*reference) return;
    out += "<VALUE.REFERENCE>";
    write_local_instance_path(out, **reference, place);
    out += "</VALUE.REFERENCE>";
    return;
  }
  out += "<VALUE>";
  if (const auto* instance = std::get_if<std::shared_ptr<const Instance>>(&scalar)) {
    std::string text;
    if (*instance) write_instance(text, **instance, place, Shown{});
    write_escaped(out, text);
  } else if (const auto* text = std::get_if<std::string>(&scalar)) {
    write_escaped(out, *text);
  } else {
    write_escaped(out, text_of(scalar));
  }
  out += "</VALUE>";
}

void write_property(std::string& out, const NamedValue& value, const Property* property, const Place& place, const Shown& shown) {
  bool reference = value.type == Type::reference;
  const char* element = reference ? "PROPERTY.REFERENCE" : value.is_array ? "PROPERTY.ARRAY" : "PROPERTY";
  out.append("<").append(element).append(" NAME=\"");
  write_escaped(out, value.name);
  if (!reference) out.append("\" TYPE=\"").append(name_of(value.type));
  else if (property && !property->reference_class.empty()) out.append("\" REFERENCECLASS=\"").append(property->reference_class);
  if (shown.class_origin && property) out.append("\" CLASSORIGIN=\"").append(property->origin);
  if ((property && !property->embedded_class.empty()) || holds_instances(value.value)) out += property && property->embedded_class != "*" ? "\" EmbeddedObject=\"instance" : "\" EmbeddedObject=\"object";
  out += "\">";
  write_value(out, value.value, place);
  out.append("</").append(element).append(">");
}

}  // namespace

void write_escaped(std::string& out, std::string_view text) {
  std::size_t from = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    std::string_view instead;
    switch (text[i]) {
      case '&': instead = "&amp;"; break;
      case '<': instead = "&lt;"; break;
      case '>': instead = "&gt;"; break;
      case '"': instead = "&quot;"; break;
      case '\r': instead = "&#13;"; break;
      case '\n': instead = "&#10;"; break;
      case '\t': instead = "&#9;"; break;
      default:
        if (static_cast<unsigned char>(text[i]) >= 0x20) continue;
        instead = "\xEF\xBF\xBD";
    }
    out.append(text.substr(from, i - from)).append(instead);
    from = i + 1;
  }
  out.append(text.substr(from));
}

void write_local_name_space(std::string& out, std::string_view name_space) {
  out += "<LOCALNAMESPACEPATH>";
  while (!name_space.empty()) {
    std::size_t end = std::min(name_space.find('/'), name_space.size());
    out += "<NAMESPACE NAME=\"";
    write_escaped(out, name_space.substr(0, end));
    out += "\"/>";
    name_space.remove_prefix(std::min(end + 1, name_space.size()));
  }
  out += "</LOCALNAMESPACEPATH>";
}

void write_instance_name(std::string& out, const ObjectPath& path, const Place& place) {
  out += "<INSTANCENAME CLASSNAME=\"";
  write_escaped(out, path.class_name);
  out += "\">";
  for (const NamedValue& key : path.keys) {
    out += "<KEYBINDING NAME=\"";
    write_escaped(out, key.name);
    out += "\">";
    const Scalar* scalar = key.value.scalar();
    if (scalar && key.type == Type::reference) {
      write_scalar(out, *scalar, place);
    } else {
      out.append("<KEYVALUE VALUETYPE=\"").append(value_type_of(key.type)).append("\" TYPE=\"").append(name_of(key.type)).append("\">");
      if (scalar) write_escaped(out, text_of(*scalar));
      out += "</KEYVALUE>";
    }
    out += "</KEYBINDING>";
  }
  out += "</INSTANCENAME>";
}

void write_local_instance_path(std::string& out, const ObjectPath& path, const Place& place) {
  out += "<LOCALINSTANCEPATH>";
  write_local_name_space(out, home_of(path, place));
  write_instance_name(out, path, place);
  out += "</LOCALINSTANCEPATH>";
}

void write_instance_path(std::string& out, const ObjectPath& path, const Place& place) {
  out += "<INSTANCEPATH><NAMESPACEPATH><HOST>";
  write_escaped(out, path.host.empty() ? place.host : path.host);
  out += "</HOST>";
  write_local_name_space(out, home_of(path, place));
  out += "</NAMESPACEPATH>";
  write_instance_name(out, path, place);
  out += "</INSTANCEPATH>";
}

void write_class_path(std::string& out, std::string_view class_name, const Place& place) {
  ObjectPath path;
  path.class_name = std::string(class_name);
  out += "<CLASSPATH><NAMESPACEPATH><HOST>";
  write_escaped(out, place.host);
  out += "</HOST>";
  write_local_name_space(out, home_of(path, place));
  out += "</NAMESPACEPATH><CLASSNAME NAME=\"";
  write_escaped(out, class_name);
  out += "\"/></CLASSPATH>";
}

bool Shown::shows(std::string_view property) const {
  if (only_of && !find_property(*only_of, property)) return false;
  if (!properties) return true;
  for (const std::string& name : *properties)
    if (same_name(name, property)) return true;
  return false;
}

void write_instance(std::string& out, const Instance& instance, const Place& place, const Shown& shown) {
  const Class* cls = find_class(instance.class_name);
  out += "<INSTANCE CLASSNAME=\"";
  write_escaped(out, instance.class_name);
  out += "\">";
  for (const NamedValue& value : instance.properties) {
    if (!shown.shows(value.name)) continue;
    write_property(out, value, cls ? find_property(*cls, value.name) : nullptr, place, shown);
  }
  out += "</INSTANCE>";
}

void write_value(std::string& out, const Value& value, const Place& place) {
  if (const Scalar* scalar = value.scalar()) return write_scalar(out, *scalar, place);
  const Value::Array* array = value.array();
  if (!array) return;
  bool references = false;
  for (const Value::Element& element : *array)
    if (const Scalar* scalar = std::get_if<Scalar>(&element)) references = references || std::holds_alternative<std::shared_ptr<const ObjectPath>>(*scalar);
  out += references ? "<VALUE.REFARRAY>" : "<VALUE.ARRAY>";
  for (const Value::Element& element : *array) {
    if (const Scalar* scalar = std::get_if<Scalar>(&element)) write_scalar(out, *scalar, place);
    else out += "<VALUE.NULL/>";
  }
  out += references ? "</VALUE.REFARRAY>" : "</VALUE.ARRAY>";
}

bool holds_instances(const Value& value) noexcept {
  auto is_instance = [](const Scalar& scalar) { return std::holds_alternative<std::shared_ptr<const Instance>>(scalar); };
  if (const Scalar* scalar = value.scalar()) return is_instance(*scalar);
  if (const Value::Array* array = value.array())
    for (const Value::Element& element : *array)
      if (const Scalar* scalar = std::get_if<Scalar>(&element); scalar && is_instance(*scalar)) return true;
  return false;
}

void write_parameter(std::string& out, const NamedValue& value, const Place& place) {
  out += "<PARAMVALUE NAME=\"";
  write_escaped(out, value.name);
  out.append("\" PARAMTYPE=\"").append(name_of(value.type));
  if (holds_instances(value.value)) out += "\" EmbeddedObject=\"instance";
  out += "\">";
  write_value(out, value.value, place);
  out += "</PARAMVALUE>";
}

void write_error(std::string& out, const CimError& error) {
  out.append("<ERROR CODE=\"").append(std::to_string(static_cast<std::uint32_t>(error.status))).append("\" DESCRIPTION=\"");
  write_escaped(out, error.message);
  out += "\"/>";
}

}  // namespace lockstep::cim
