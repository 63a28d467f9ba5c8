// CreateInstance, ModifyInstance, DeleteInstance: subscriptions live here, everything else is the provider's.
#include <utility>

#include "cim/indications/subscriptions.h"
#include "cim/ops/call.h"
#include "cim/wire/text.h"
#include "cim/wire/typed.h"

namespace lockstep::cim {

namespace {

CimAnswer<> may_change(const Call& call) {
  if (call.caller.role == manage::RoleName::read_only) return cim_error(Status::access_denied, "the account '" + call.caller.user + "' may only read");
  return {};
}

rt::Task<CimAnswer<Produced>> create_instance(Call& call) {
  Parameters given(call.raw);
  const RawValue* value = given.value("NewInstance");
  CO_TRY_VOID(given.done());
  if (!value || value->kind != RawValue::Kind::instance) co_return cim_error(Status::invalid_parameter, "NewInstance: an instance is wanted");
  CO_TRY(const Class* cls, class_here(call, value->instance->class_name));
  CO_TRY_VOID(may_change(call));
  if (!Subscriptions::keeps(*cls)) co_return cim_error(Status::not_supported, "instances of " + std::string(cls->name) + " are not made this way; see its system's and groups' methods");
  CO_TRY(Instance instance, typed_instance(*value->instance));
  CO_TRY(ObjectPath path, co_await call.parts.subscriptions.create(std::move(instance)));
  std::string out;
  write_instance_name(out, path, call.place);
  co_return produce(std::move(out));
}

rt::Task<CimAnswer<Produced>> modify_instance(Call& call) {
  Parameters given(call.raw);
  const RawValue* value = given.value("ModifiedInstance");
  given.truth("IncludeQualifiers", true);
  std::optional<std::vector<std::string>> listed = given.texts("PropertyList");
  CO_TRY_VOID(given.done());
  if (!value || value->kind != RawValue::Kind::named_instance) co_return cim_error(Status::invalid_parameter, "ModifiedInstance: an instance with its name is wanted");
  CO_TRY(ObjectPath path, path_here(call, *value->paths.front()));
  if (!same_name(value->instance->class_name, path.class_name)) co_return cim_error(Status::invalid_parameter, "ModifiedInstance: name and instance are of different classes");
  CO_TRY_VOID(may_change(call));
  CO_TRY(Instance instance, typed_instance(*value->instance));
  const Class* cls = find_class(path.class_name);
  if (!listed) {
    listed.emplace();
    for (const RawProperty& property : value->instance->properties) listed->push_back(property.name);
  }
  for (const std::string& name : *listed)
    if (!find_property(*cls, name)) co_return cim_error(Status::no_such_property, std::string(cls->name) + " has no property '" + name.substr(0, 128) + "'");
  CimAnswer<> done;
  if (Subscriptions::keeps(*cls)) done = co_await call.parts.subscriptions.modify(std::move(path), std::move(instance), *std::move(listed));
  else done = co_await call.parts.provider.modify(call.caller, std::move(path), std::move(instance), std::move(listed));
  CO_TRY_VOID(done);
  co_return Produced{};
}

rt::Task<CimAnswer<Produced>> delete_instance(Call& call) {
  Parameters given(call.raw);
  const RawPath* name = given.required_path("InstanceName");
  CO_TRY_VOID(given.done());
  CO_TRY(ObjectPath path, path_here(call, *name));
  CO_TRY_VOID(may_change(call));
  const Class* cls = find_class(path.class_name);
  CimAnswer<> done;
  if (Subscriptions::keeps(*cls)) done = co_await call.parts.subscriptions.remove(std::move(path));
  else done = co_await call.parts.provider.remove(call.caller, std::move(path));
  CO_TRY_VOID(done);
  co_return Produced{};
}

constexpr NamedOperation operations[] = {
    {"CreateInstance", create_instance},
    {"ModifyInstance", modify_instance},
    {"DeleteInstance", delete_instance},
};

}  // namespace

std::span<const NamedOperation> change_operations() { return operations; }

}  // namespace lockstep::cim
