#include "cim/methods/invocation.h"

#include <algorithm>

#include "cim/model/ids.h"

namespace lockstep::cim::model {

namespace {

template <class T>
std::optional<T> as(const Scalar* scalar) {
  const T* value = scalar ? std::get_if<T>(scalar) : nullptr;
  return value ? std::optional<T>(*value) : std::nullopt;
}

const ObjectPath* path_in(const Scalar* scalar) {
  const auto* path = scalar ? std::get_if<std::shared_ptr<const ObjectPath>>(scalar) : nullptr;
  return path ? path->get() : nullptr;
}

const NamedValue* named(const std::vector<NamedValue>& values, std::string_view name) {
  auto found = std::ranges::find_if(values, [&](const NamedValue& value) { return same_name(value.name, name); });
  return found == values.end() ? nullptr : &*found;
}

}  // namespace

const Scalar* Arguments::scalar(std::string_view name) const {
  const NamedValue* value = named(in_, name);
  return value ? value->value.scalar() : nullptr;
}
std::optional<std::string> Arguments::text(std::string_view name) const { return as<std::string>(scalar(name)); }
std::optional<std::uint64_t> Arguments::number(std::string_view name) const { return as<std::uint64_t>(scalar(name)); }
std::optional<bool> Arguments::flag(std::string_view name) const { return as<bool>(scalar(name)); }
const ObjectPath* Arguments::reference(std::string_view name) const { return path_in(scalar(name)); }
const Instance* Arguments::instance(std::string_view name) const {
  const Scalar* value = scalar(name);
  const auto* instance = value ? std::get_if<std::shared_ptr<const Instance>>(value) : nullptr;
  return instance ? instance->get() : nullptr;
}
bool Arguments::has(std::string_view name) const {
  const NamedValue* value = named(in_, name);
  return value && !value->value.is_null();
}
std::optional<std::vector<const ObjectPath*>> Arguments::references(std::string_view name) const {
  const NamedValue* value = named(in_, name);
  const Value::Array* array = value ? value->value.array() : nullptr;
  if (!array) return std::nullopt;
  std::vector<const ObjectPath*> out;
  for (const Value::Element& element : *array) out.push_back(path_in(std::get_if<Scalar>(&element)));
  return out;
}

Done refused(std::uint32_t code, manage::Refusal refusal) {
  Done done;
  done.code = code;
  done.refusal = std::move(refusal);
  return done;
}
Done refused(manage::Refusal refusal) {
  auto code = static_cast<std::uint32_t>(refusal.code);
  return refused(code, std::move(refusal));
}
Done refused(std::uint32_t code, std::string parameter, std::string message, std::string next_step) {
  manage::Refusal refusal;
  refusal.message = std::move(message);
  refusal.next_step = std::move(next_step);
  refusal.parameter = std::move(parameter);
  refusal.kind = Code::invalid;
  return refused(code, std::move(refusal));
}
Done unsupported(std::string object, std::string message, std::string next_step) {
  return refused(static_cast<std::uint32_t>(manage::ReturnCode::not_supported), std::move(object), std::move(message), std::move(next_step));
}
Done bad(std::string parameter, std::string message, std::string next_step) {
  return refused(static_cast<std::uint32_t>(manage::ReturnCode::invalid_parameter), std::move(parameter), std::move(message), std::move(next_step));
}

Done done_or_job(const manage::Outcome& outcome) {
  Done done;
  if (!outcome.job) return done;
  done.code = static_cast<std::uint32_t>(manage::ReturnCode::job_started);
  done.set("Job", reference(path_by(job_class, "ObjectId", id_of(*outcome.job))));
  return done;
}

Done done_or_refused(const manage::Answer<>& answer) { return answer ? Done{} : refused(answer.error()); }

Instance extended_status(const Done& done, const Method& method) {
  enum : std::uint64_t { smi_s_provider = 2 };
  const manage::Refusal& refusal = *done.refusal;
  Builder b("MSFT_SMExtendedStatus");
  b.set("Description", text(refusal.next_step.empty() ? refusal.message : refusal.message + ". " + refusal.next_step));
  b.set("Operation", text(std::string(method.origin) + "." + std::string(method.name))).set("ParameterInfo", text_or_null(refusal.parameter));
  b.set("ProviderName", text("Lockstep")).set("SMErrorSource", number(smi_s_provider)).set("SMErrorCode", number(done.code));
  b.set("SMMessage", text(refusal.message)).set("SMDetails", text_or_null(refusal.next_step));
  return b.take();
}

MethodAnswer answer_of(const Method& method, Done done) {
  MethodAnswer answer;
  answer.return_value = number(done.code);
  if (done.refusal) done.set("ExtendedStatus", embedded(extended_status(done, method)));
  for (const Parameter& parameter : method.parameters) {
    if (!parameter.out) continue;
    NamedValue value{std::string(parameter.name), parameter.type, parameter.is_array, Value()};
    for (auto& [name, given] : done.out)
      if (same_name(name, parameter.name)) value.value = std::move(given);
    answer.out.push_back(std::move(value));
  }
  return answer;
}

const MethodEntry* find_entry(std::string_view class_name, std::string_view method) {
  for (auto entries : {system_methods, relationship_methods, job_methods, pool_methods, volume_methods, group_methods, capabilities_methods, provider_methods, discovery_methods})
    for (const MethodEntry& entry : entries())
      if (same_name(entry.class_name, class_name) && same_name(entry.method, method)) return &entry;
  return nullptr;
}

}  // namespace lockstep::cim::model
