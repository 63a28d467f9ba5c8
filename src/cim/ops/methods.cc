// Extrinsic methods: parameters by the schema, the rest is the provider's.
#include <utility>

#include "cim/ops/call.h"
#include "cim/wire/text.h"
#include "cim/wire/typed.h"

namespace lockstep::cim {

namespace {

CimAnswer<std::vector<NamedValue>> in_parameters(const RawCall& raw, const Method& method) {
  std::vector<NamedValue> out;
  std::vector<bool> used(raw.parameters.size());
  for (const Parameter& parameter : method.parameters) {
    const RawParameter* given = nullptr;
    for (std::size_t i = 0; i < raw.parameters.size(); ++i) {
      if (!same_name(raw.parameters[i].name, parameter.name)) continue;
      if (given) return cim_error(Status::invalid_parameter, std::string(parameter.name) + ": it is there twice");
      given = &raw.parameters[i];
      used[i] = true;
    }
    if (given && !parameter.in && given->value.kind != RawValue::Kind::null) return cim_error(Status::invalid_parameter, std::string(parameter.name) + ": it is an output");
    if (!parameter.in) continue;
    NamedValue value{std::string(parameter.name), parameter.type, parameter.is_array, Value()};
    if (given) {
      Wanted wanted{parameter.name, parameter.type, parameter.is_array, parameter.reference_class, parameter.embedded_class};
      TRY(value.value, typed_value(given->value, given->type, wanted));
    }
    out.push_back(std::move(value));
  }
  for (std::size_t i = 0; i < used.size(); ++i)
    if (!used[i]) return cim_error(Status::invalid_parameter, std::string(method.name) + " has no parameter '" + raw.parameters[i].name.substr(0, 128) + "'");
  return out;
}

}  // namespace

rt::Task<CimAnswer<Produced>> invoke_method(Call& call) {
  const RawPath& object = call.raw.object;
  CO_TRY(const Class* cls, class_here(call, object.class_name));
  const Method* method = find_method(*cls, call.raw.name);
  if (!method) co_return cim_error(Status::method_not_found, std::string(cls->name) + " has no method '" + call.raw.name.substr(0, 128) + "'");
  ObjectPath path;
  path.class_name = std::string(cls->name);
  if (!object.of_class) {
    CO_TRY(path, typed_path(object));
  } else if (!method->is_static) {
    co_return cim_error(Status::invalid_parameter, std::string(method->name) + " is called on an instance, not on a class");
  }
  CO_TRY(std::vector<NamedValue> in, in_parameters(call.raw, *method));
  CO_TRY(MethodAnswer answer, co_await call.parts.provider.invoke(call.caller, std::move(path), std::string(method->name), std::move(in)));
  Produced out;
  out.head.append("<RETURNVALUE PARAMTYPE=\"").append(name_of(method->type)).append("\">");
  write_value(out.head, answer.return_value, call.place);
  out.head += "</RETURNVALUE>";
  for (const NamedValue& value : answer.out)
    if (!value.value.is_null()) write_parameter(out.head, value, call.place);   // there are clients that a PARAMVALUE without value ends (wbemcli)
  co_return out;
}

}  // namespace lockstep::cim
