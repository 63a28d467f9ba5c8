#include "cim/wire/elements.h"

#include <utility>

#include "cim/wire/text.h"

namespace lockstep::cim::xml {

namespace {

using pugi::xml_node;

std::unexpected<Fault> fault(std::string what) { return std::unexpected(Fault{std::move(what)}); }
std::string_view tag(xml_node node) { return node.name(); }

bool good_name(std::string_view name) {
  if (name.empty() || name.size() > 256) return false;
  for (char c : name)
    if (static_cast<unsigned char>(c) <= 0x20) return false;
  return true;
}

bool is_embedded(xml_node node) {
  return node.attribute("EmbeddedObject") || node.attribute("EMBEDDEDOBJECT");
}

Read<RawParameter> read_parameter(xml_node node) {
  RawParameter out;
  auto name = name_of(node);
  if (!name) return std::unexpected(name.error());
  out.name = *std::move(name);
  out.type = node.attribute("PARAMTYPE").value();
  out.embedded = is_embedded(node);
  auto value = read_value(node, out.name);
  if (!value) return std::unexpected(value.error());
  out.value = *std::move(value);
  return out;
}

Read<RawKey> read_key_value(xml_node node) {
  RawKey key;
  if (tag(node) == "KEYVALUE") {
    key.text = text_in(node);
    return key;
  }
  if (tag(node) != "VALUE.REFERENCE") return fault("a key is neither KEYVALUE nor VALUE.REFERENCE");
  auto inside = children(node);
  if (inside.size() != 1) return fault("VALUE.REFERENCE is to hold one path");
  auto path = read_path(inside.front());
  if (!path) return std::unexpected(path.error());
  key.reference = std::make_shared<const RawPath>(*std::move(path));
  return key;
}

Read<RawPath> read_instance_name(xml_node node) {
  RawPath path;
  auto name = name_of(node, "CLASSNAME");
  if (!name) return std::unexpected(name.error());
  path.class_name = *std::move(name);
  auto parts = children(node);
  if (parts.size() == 1 && tag(parts.front()) != "KEYBINDING") {
    auto key = read_key_value(parts.front());
    if (!key) return std::unexpected(key.error());
    path.keys.push_back(*std::move(key));
    return path;
  }
  if (parts.size() > 64) return fault("INSTANCENAME has too many keys");
  for (xml_node part : parts) {
    auto inside = children(part);
    if (tag(part) != "KEYBINDING" || inside.size() != 1) return fault("INSTANCENAME is to hold KEYBINDING, each with one value");
    auto key_name = name_of(part);
    if (!key_name) return std::unexpected(key_name.error());
    auto key = read_key_value(inside.front());
    if (!key) return std::unexpected(key.error());
    key->name = *std::move(key_name);
    path.keys.push_back(*std::move(key));
  }
  return path;
}

Read<RawPath> read_class_name(xml_node node) {
  RawPath path;
  auto name = name_of(node);
  if (!name) return std::unexpected(name.error());
  path.class_name = *std::move(name);
  path.of_class = true;
  return path;
}

// NAMESPACEPATH or LOCALNAMESPACEPATH into `path`.
std::optional<Fault> read_place(xml_node node, RawPath& path) {
  xml_node local = node;
  if (tag(node) == "NAMESPACEPATH") {
    auto parts = children(node);
    if (parts.size() != 2 || tag(parts[0]) != "HOST") return Fault{"NAMESPACEPATH is to hold HOST and LOCALNAMESPACEPATH"};
    path.host = text_in(parts[0]);
    local = parts[1];
  }
  auto name_space = read_name_space(local);
  if (!name_space) return name_space.error();
  path.name_space = *std::move(name_space);
  return std::nullopt;
}

Read<RawValue> read_array(xml_node node) {
  RawValue value;
  value.kind = RawValue::Kind::texts;
  for (xml_node item : children(node)) {
    if (tag(item) == "VALUE") value.texts.emplace_back(text_in(item));
    else if (tag(item) == "VALUE.NULL") value.texts.emplace_back(std::nullopt);
    else return fault("VALUE.ARRAY is to hold VALUE and VALUE.NULL");
  }
  return value;
}

Read<RawValue> read_reference_array(xml_node node) {
  RawValue value;
  value.kind = RawValue::Kind::paths;
  for (xml_node item : children(node)) {
    if (tag(item) == "VALUE.NULL") {
      value.paths.emplace_back(std::nullopt);
      continue;
    }
    auto inside = children(item);
    if (tag(item) != "VALUE.REFERENCE" || inside.size() != 1) return fault("VALUE.REFARRAY is to hold VALUE.REFERENCE, each with one path");
    auto path = read_path(inside.front());
    if (!path) return std::unexpected(path.error());
    value.paths.emplace_back(*std::move(path));
  }
  return value;
}

Read<RawValue> one_path(RawValue::Kind kind, xml_node node) {
  auto path = read_path(node);
  if (!path) return std::unexpected(path.error());
  RawValue value;
  value.kind = kind;
  value.paths.emplace_back(*std::move(path));
  return value;
}

Read<RawValue> one_instance(xml_node node) {
  auto instance = read_instance(node);
  if (!instance) return std::unexpected(instance.error());
  RawValue value;
  value.kind = RawValue::Kind::instance;
  value.instance = std::make_shared<const RawInstance>(*std::move(instance));
  return value;
}

Read<RawValue> named_instance(xml_node node) {
  auto parts = children(node);
  if (parts.size() != 2 || tag(parts[0]) != "INSTANCENAME" || tag(parts[1]) != "INSTANCE") return fault("VALUE.NAMEDINSTANCE is to hold INSTANCENAME and INSTANCE");
  auto value = one_path(RawValue::Kind::named_instance, parts[0]);
  if (!value) return value;
  auto instance = one_instance(parts[1]);
  if (!instance) return instance;
  value->instance = std::move(instance->instance);
  return value;
}

}  // namespace

std::vector<xml_node> children(xml_node node) {
  std::vector<xml_node> out;
  for (xml_node child : node.children())
    if (child.type() == pugi::node_element) out.push_back(child);
  return out;
}

std::string text_in(xml_node node) {
  std::string out;
  for (xml_node child : node.children())
    if (child.type() == pugi::node_pcdata || child.type() == pugi::node_cdata) out += child.value();
  return out;
}

Read<std::string> name_of(xml_node node, const char* attribute) {
  std::string_view name = node.attribute(attribute).value();
  if (!good_name(name)) return fault(std::string(tag(node).substr(0, 64)) + " has no " + attribute);
  return std::string(name);
}

Read<std::string> read_name_space(xml_node local) {
  if (tag(local) != "LOCALNAMESPACEPATH") return fault("LOCALNAMESPACEPATH is missing");
  std::string out;
  for (xml_node part : children(local)) {
    if (tag(part) != "NAMESPACE") return fault("LOCALNAMESPACEPATH is to hold NAMESPACE only");
    auto name = name_of(part);
    if (!name) return std::unexpected(name.error());
    out += (out.empty() ? "" : "/") + *name;
  }
  if (out.empty() || out.size() > 1024) return fault("LOCALNAMESPACEPATH names no name space");
  return out;
}

Read<RawPath> read_path(xml_node node) {
  std::string_view name = tag(node);
  if (name == "INSTANCENAME") return read_instance_name(node);
  if (name == "CLASSNAME") return read_class_name(node);
  bool of_class = name == "CLASSPATH" || name == "LOCALCLASSPATH";
  if (!of_class && name != "INSTANCEPATH" && name != "LOCALINSTANCEPATH") return fault(std::string(name.substr(0, 64)) + " is no path");
  auto parts = children(node);
  if (parts.size() != 2) return fault(std::string(name) + " is to hold a name space and a name");
  if (tag(parts[1]) != (of_class ? "CLASSNAME" : "INSTANCENAME")) return fault(std::string(name) + " does not end with the name that it should");
  auto path = of_class ? read_class_name(parts[1]) : read_instance_name(parts[1]);
  if (!path) return path;
  if (auto wrong = read_place(parts[0], *path)) return std::unexpected(*std::move(wrong));
  return path;
}

Read<RawValue> read_value(xml_node holder, std::string_view owner) {
  auto parts = children(holder);
  if (parts.empty()) return RawValue{};
  if (parts.size() > 1) return fault("'" + std::string(owner) + "' has more than one value");
  xml_node node = parts.front();
  std::string_view name = tag(node);
  RawValue value;
  if (name == "VALUE") {
    value.kind = RawValue::Kind::text;
    value.text = text_in(node);
    return value;
  }
  if (name == "VALUE.NULL") return value;
  if (name == "VALUE.ARRAY") return read_array(node);
  if (name == "VALUE.REFARRAY") return read_reference_array(node);
  if (name == "VALUE.REFERENCE") {
    auto inside = children(node);
    if (inside.size() != 1) return fault("VALUE.REFERENCE is to hold one path");
    return one_path(RawValue::Kind::path, inside.front());
  }
  if (name == "CLASSNAME" || name == "INSTANCENAME") return one_path(RawValue::Kind::path, node);
  if (name == "INSTANCE") return one_instance(node);
  if (name == "VALUE.NAMEDINSTANCE") return named_instance(node);
  if (name != "CLASS" && name != "QUALIFIER.DECLARATION") return fault("'" + std::string(owner) + "' has a value that is none: " + std::string(name.substr(0, 64)));
  value.kind = RawValue::Kind::other;
  return value;
}

Read<RawInstance> read_instance(xml_node node) {
  RawInstance out;
  auto class_name = name_of(node, "CLASSNAME");
  if (!class_name) return std::unexpected(class_name.error());
  out.class_name = *std::move(class_name);
  for (xml_node part : children(node)) {
    std::string_view kind = tag(part);
    if (kind == "QUALIFIER") continue;   // of instances: deprecated, and without effect here
    bool reference = kind == "PROPERTY.REFERENCE";
    if (kind != "PROPERTY" && kind != "PROPERTY.ARRAY" && !reference) return fault("INSTANCE is to hold properties");
    RawProperty property;
    auto name = name_of(part);
    if (!name) return std::unexpected(name.error());
    property.name = *std::move(name);
    property.is_array = kind == "PROPERTY.ARRAY";
    property.embedded = is_embedded(part);
    if (!reference) {
      auto type = name_of(part, "TYPE");
      if (!type) return std::unexpected(type.error());
      property.type = *std::move(type);
    }
    for (xml_node qualifier = part.child("QUALIFIER"); qualifier; qualifier = part.child("QUALIFIER")) part.remove_child(qualifier);
    auto value = read_value(part, property.name);
    if (!value) return std::unexpected(value.error());
    property.value = *std::move(value);
    out.properties.push_back(std::move(property));
  }
  return out;
}

Read<RawCall> read_call(xml_node node) {
  RawCall call;
  auto name = name_of(node);
  if (!name) return std::unexpected(name.error());
  call.name = *std::move(name);
  call.intrinsic = tag(node) == "IMETHODCALL";
  auto parts = children(node);
  if (parts.empty()) return fault(call.name + " does not say on what");
  if (call.intrinsic) {
    auto name_space = read_name_space(parts.front());
    if (!name_space) return std::unexpected(name_space.error());
    call.name_space = *std::move(name_space);
  } else {
    std::string_view kind = tag(parts.front());
    if (kind != "LOCALINSTANCEPATH" && kind != "LOCALCLASSPATH") return fault("METHODCALL is to begin with a local path");
    auto path = read_path(parts.front());
    if (!path) return std::unexpected(path.error());
    call.object = *std::move(path);
    call.name_space = call.object.name_space;
  }
  for (std::size_t i = 1; i < parts.size(); ++i) {
    if (tag(parts[i]) != (call.intrinsic ? "IPARAMVALUE" : "PARAMVALUE")) return fault(call.name + " holds something that is no parameter");
    auto parameter = read_parameter(parts[i]);
    if (!parameter) return std::unexpected(parameter.error());
    call.parameters.push_back(*std::move(parameter));
  }
  return call;
}

}  // namespace lockstep::cim::xml
