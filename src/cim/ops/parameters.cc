#include "cim/ops/parameters.h"

#include <utility>

#include "cim/wire/text.h"

namespace lockstep::cim {

void Parameters::wrong(std::string_view name, std::string_view what) {
  if (!fault_) fault_ = CimError{Status::invalid_parameter, std::string(name.substr(0, 128)) + ": " + std::string(what)};
}

const RawParameter* Parameters::take(std::string_view name) {
  const RawParameter* found = nullptr;
  for (std::size_t i = 0; i < used_.size(); ++i) {
    if (!same_name(call_.parameters[i].name, name)) continue;
    if (found) wrong(name, "it is there twice");
    found = &call_.parameters[i];
    used_[i] = true;
  }
  return found && found->value.kind != RawValue::Kind::null ? found : nullptr;
}

bool Parameters::truth(std::string_view name, bool otherwise) {
  std::optional<std::string> given = text(name);
  if (!given) return otherwise;
  auto value = scalar_of(Type::boolean, *given);
  if (!value) wrong(name, "TRUE or FALSE is wanted");
  return value ? std::get<bool>(*value) : otherwise;
}

std::optional<std::uint64_t> Parameters::number(std::string_view name) {
  std::optional<std::string> given = text(name);
  if (!given) return std::nullopt;
  auto value = scalar_of(Type::uint32, *given);
  if (!value) {
    wrong(name, "a number from 0 to 4294967295 is wanted");
    return std::nullopt;
  }
  return std::get<std::uint64_t>(*value);
}

std::optional<std::string> Parameters::text(std::string_view name) {
  const RawParameter* given = take(name);
  if (!given) return std::nullopt;
  if (given->value.kind == RawValue::Kind::text) return given->value.text;
  wrong(name, "a single value is wanted");
  return std::nullopt;
}

std::optional<std::vector<std::string>> Parameters::texts(std::string_view name) {
  const RawParameter* given = take(name);
  if (!given) return std::nullopt;
  std::vector<std::string> out;
  if (given->value.kind != RawValue::Kind::texts) wrong(name, "an array is wanted");
  for (const auto& one : given->value.texts) {
    if (one) out.push_back(*one);
    else wrong(name, "an element is NULL");
  }
  return out;
}

std::optional<std::string> Parameters::class_name(std::string_view name) {
  const RawPath* given = path(name);
  if (!given) return std::nullopt;
  if (!given->of_class) wrong(name, "a class is wanted");
  return given->class_name;
}

const RawPath* Parameters::path(std::string_view name) {
  const RawParameter* given = take(name);
  if (!given) return nullptr;
  if (given->value.kind == RawValue::Kind::path) return &*given->value.paths.front();
  wrong(name, "a name is wanted");
  return nullptr;
}

const RawPath* Parameters::required_path(std::string_view name) {
  const RawPath* given = path(name);
  if (!given) wrong(name, "it is missing");
  return given;
}

const RawValue* Parameters::value(std::string_view name) {
  const RawParameter* given = take(name);
  return given ? &given->value : nullptr;
}

CimAnswer<> Parameters::done() {
  for (std::size_t i = 0; i < used_.size(); ++i)
    if (!used_[i]) wrong(call_.parameters[i].name, "this operation has no such parameter");
  if (fault_) return std::unexpected(*fault_);
  return {};
}

}  // namespace lockstep::cim
