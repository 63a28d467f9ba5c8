#include "cim/wire/typed.h"

#include <utility>

#include "cim/wire/reader.h"
#include "cim/wire/text.h"

namespace lockstep::cim {

namespace {

std::unexpected<CimError> bad(std::string_view name, std::string why) {
  return cim_error(Status::invalid_parameter, "'" + std::string(name) + "': " + std::move(why));
}

enum class Family { text, truth, integer, real, reference };
Family family_of(Type type) {
  if (type == Type::boolean) return Family::truth;
  if (is_unsigned(type) || is_signed(type)) return Family::integer;
  if (is_real(type)) return Family::real;
  return type == Type::reference ? Family::reference : Family::text;
}

// Widths may differ, kinds may not: a value that fits is taken.
bool fits(std::string_view stated, Type type) {
  if (stated.empty()) return true;
  std::optional<Type> said = parse_type(stated);
  return said && family_of(*said) == family_of(type);
}

CimAnswer<Scalar> embedded_scalar(Instance instance, const Wanted& wanted) {
  const Class* cls = find_class(instance.class_name);
  if (wanted.embedded_class != "*" && (!cls || !is_a(*cls, wanted.embedded_class)))
    return bad(wanted.name, "'" + instance.class_name + "' is no " + std::string(wanted.embedded_class));
  return Scalar(std::make_shared<const Instance>(std::move(instance)));
}

CimAnswer<Scalar> embedded_text(std::string_view text, const Wanted& wanted) {
  ScanLimits limits;
  limits.depth_most = 32;
  auto raw = read_instance(text, limits);
  if (!raw) return bad(wanted.name, "no embedded instance: " + raw.error());
  auto instance = typed_instance(*raw);
  if (!instance) return bad(wanted.name, std::move(instance.error().message));
  return embedded_scalar(*std::move(instance), wanted);
}

CimAnswer<Scalar> one_text(std::string_view text, const Wanted& wanted) {
  if (!wanted.embedded_class.empty()) return embedded_text(text, wanted);
  auto scalar = scalar_of(wanted.type, text);
  if (!scalar) return bad(wanted.name, std::move(scalar.error().message));
  return scalar;
}

CimAnswer<Scalar> one_reference(const RawPath& raw, const Wanted& wanted) {
  if (raw.of_class) return bad(wanted.name, "a class is named where an instance is wanted");
  auto path = typed_path(raw);
  if (!path) return bad(wanted.name, std::move(path.error().message));
  const Class* cls = find_class(path->class_name);
  if (!wanted.reference_class.empty() && cls && !is_a(*cls, wanted.reference_class))
    return bad(wanted.name, "'" + path->class_name + "' is no " + std::string(wanted.reference_class));
  return Scalar(std::make_shared<const ObjectPath>(*std::move(path)));
}

CimAnswer<Value> array_of(const RawValue& raw, const Wanted& wanted) {
  Value::Array out;
  if (raw.kind == RawValue::Kind::paths) {
    if (wanted.type != Type::reference) return bad(wanted.name, "references where values are wanted");
    for (const auto& item : raw.paths) {
      if (!item) {
        out.emplace_back(Value::Null{});
        continue;
      }
      auto scalar = one_reference(*item, wanted);
      if (!scalar) return std::unexpected(std::move(scalar).error());
      out.emplace_back(*std::move(scalar));
    }
    return Value(std::move(out));
  }
  if (raw.kind != RawValue::Kind::texts || wanted.type == Type::reference) return bad(wanted.name, "an array is wanted");
  for (const auto& item : raw.texts) {
    if (!item) {
      out.emplace_back(Value::Null{});
      continue;
    }
    auto scalar = one_text(*item, wanted);
    if (!scalar) return std::unexpected(std::move(scalar).error());
    out.emplace_back(*std::move(scalar));
  }
  return Value(std::move(out));
}

// By the type of the class's key, as if it had been typed that way: 1, "1" and 01 name the same object.
CimAnswer<Value> key_value(const RawKey& key, const Property& property) {
  Wanted wanted{property.name, property.type, false, {}, {}};
  if (key.reference) {
    if (property.type != Type::reference) return bad(property.name, "a reference where a value is wanted");
    auto scalar = one_reference(*key.reference, wanted);
    if (!scalar) return std::unexpected(std::move(scalar).error());
    return Value(*std::move(scalar));
  }
  if (property.type == Type::reference) return bad(property.name, "a reference is wanted");
  auto scalar = one_text(key.text, wanted);
  if (!scalar) return std::unexpected(std::move(scalar).error());
  return Value(*std::move(scalar));
}

}  // namespace

std::optional<std::string_view> parse_name_space(std::string_view name) noexcept {
  while (name.starts_with('/')) name.remove_prefix(1);
  while (name.ends_with('/')) name.remove_suffix(1);
  if (same_name(name, storage_name_space)) return storage_name_space;
  if (same_name(name, interop_name_space) || same_name(name, "root/interop")) return interop_name_space;
  return std::nullopt;
}

CimAnswer<ObjectPath> typed_path(const RawPath& raw) {
  const Class* cls = find_class(raw.class_name);
  if (!cls) return cim_error(Status::invalid_class, "there is no class '" + raw.class_name.substr(0, 128) + "'");
  if (!raw.name_space.empty() && !parse_name_space(raw.name_space)) return cim_error(Status::invalid_namespace, "there is no name space '" + raw.name_space.substr(0, 128) + "'");
  ObjectPath path;
  path.class_name = std::string(cls->name);
  std::size_t used = 0;
  std::size_t keys = 0;
  for (const Property* property : properties_of(*cls)) keys += property->key;
  for (const Property* property : properties_of(*cls)) {
    if (!property->key) continue;
    const RawKey* given = nullptr;
    for (const RawKey& key : raw.keys)
      if (same_name(key.name, property->name) || (key.name.empty() && keys == 1)) given = &key;
    if (!given) return bad(property->name, "this key of " + path.class_name + " is missing");
    auto value = key_value(*given, *property);
    if (!value) return std::unexpected(std::move(value).error());
    path.keys.push_back({std::string(property->name), property->type, false, *std::move(value)});
    ++used;
  }
  if (used != raw.keys.size()) return cim_error(Status::invalid_parameter, path.class_name + " has " + std::to_string(keys) + " keys, " + std::to_string(raw.keys.size()) + " were given");
  return path;
}

CimAnswer<Value> typed_value(const RawValue& raw, std::string_view stated, const Wanted& wanted) {
  if (raw.kind == RawValue::Kind::null) return Value();
  if (!fits(stated, wanted.type)) return bad(wanted.name, "it is a " + std::string(name_of(wanted.type)) + ", not a " + std::string(stated.substr(0, 32)));
  if (wanted.is_array) return array_of(raw, wanted);
  CimAnswer<Scalar> scalar = bad(wanted.name, "a single value is wanted");
  if (wanted.type == Type::reference) {
    if (raw.kind != RawValue::Kind::path || !raw.paths.front()) return bad(wanted.name, "a reference is wanted");
    scalar = one_reference(*raw.paths.front(), wanted);
  } else if (raw.kind == RawValue::Kind::text) {
    scalar = one_text(raw.text, wanted);
  } else if (raw.kind == RawValue::Kind::instance && !wanted.embedded_class.empty()) {
    auto instance = typed_instance(*raw.instance);
    if (!instance) return bad(wanted.name, std::move(instance.error().message));
    scalar = embedded_scalar(*std::move(instance), wanted);
  }
  if (!scalar) return std::unexpected(std::move(scalar).error());
  return Value(*std::move(scalar));
}

CimAnswer<Instance> typed_instance(const RawInstance& raw) {
  const Class* cls = find_class(raw.class_name);
  if (!cls) return cim_error(Status::invalid_class, "there is no class '" + raw.class_name.substr(0, 128) + "'");
  for (const RawProperty& given : raw.properties)
    if (!find_property(*cls, given.name)) return cim_error(Status::no_such_property, std::string(cls->name) + " has no property '" + given.name.substr(0, 128) + "'");
  Instance out;
  out.class_name = std::string(cls->name);
  for (const Property* property : properties_of(*cls)) {
    const RawProperty* given = nullptr;
    for (const RawProperty& one : raw.properties) {
      if (!same_name(one.name, property->name)) continue;
      if (given) return bad(property->name, "it is there twice");
      given = &one;
    }
    Wanted wanted{property->name, property->type, property->is_array, property->reference_class, property->embedded_class};
    RawValue initial;
    if (!given && !property->initial.empty()) {
      initial.kind = property->is_array ? RawValue::Kind::texts : RawValue::Kind::text;
      initial.text = std::string(property->initial.front());
      for (std::string_view text : property->initial) initial.texts.emplace_back(std::string(text));
    }
    auto value = given ? typed_value(given->value, given->type, wanted) : typed_value(initial, {}, wanted);
    if (!value) return std::unexpected(std::move(value).error());
    out.properties.push_back({std::string(property->name), property->type, property->is_array, *std::move(value)});
  }
  return out;
}

std::string key_of(const ObjectPath& path) {
  std::string out = lower(path.class_name);
  for (const NamedValue& key : path.keys) {
    out += '\x1f' + lower(key.name) + '=';
    const Scalar* scalar = key.value.scalar();
    if (!scalar) continue;
    if (const auto* reference = std::get_if<std::shared_ptr<const ObjectPath>>(scalar)) out += *reference ? "{" + key_of(**reference) + "}" : "{}";
    else out += text_of(*scalar);
  }
  return out;
}

}  // namespace lockstep::cim
