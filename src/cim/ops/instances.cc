// GetInstance, EnumerateInstances, EnumerateInstanceNames (DSP0200, 5.4.2.2 and on).
// LocalOnly and IncludeQualifiers are deprecated for instances, and FALSE whatever is sent: a client that leaves them out would lose
// the properties that its instance inherits.
#include <utility>

#include "cim/ops/call.h"
#include "cim/wire/text.h"

namespace lockstep::cim {

namespace {

rt::Task<CimAnswer<Produced>> get_instance(Call& call) {
  Parameters given(call.raw);
  const RawPath* name = given.required_path("InstanceName");
  given.truth("LocalOnly", true);
  given.truth("IncludeQualifiers", false);
  Shown shown;
  shown.class_origin = given.truth("IncludeClassOrigin", false);
  shown.properties = given.texts("PropertyList");
  CO_TRY_VOID(given.done());
  CO_TRY(ObjectPath path, path_here(call, *name));
  Look look = co_await look_now(call);
  std::optional<Instance> instance = look->find(path);
  if (!instance) co_return cim_error(Status::not_found, "there is no such instance of " + path.class_name);
  std::string out;
  write_instance(out, *instance, call.place, shown);
  co_return produce(std::move(out));
}

rt::Task<CimAnswer<Produced>> enumerate_instances(Call& call) {
  Parameters given(call.raw);
  std::optional<std::string> name = given.class_name("ClassName");
  given.truth("LocalOnly", true);
  bool deep = given.truth("DeepInheritance", true);
  given.truth("IncludeQualifiers", false);
  Shown shown;
  shown.class_origin = given.truth("IncludeClassOrigin", false);
  shown.properties = given.texts("PropertyList");
  CO_TRY_VOID(given.done());
  if (!name) co_return cim_error(Status::invalid_parameter, "ClassName: it is missing");
  CO_TRY(const Class* cls, class_here(call, *name));
  if (!deep) shown.only_of = cls;
  Look look = co_await look_now(call);
  co_return produce(instances_cursor(std::move(look), *cls, call.name_space), write_named_instance, call.place, std::move(shown));
}

rt::Task<CimAnswer<Produced>> enumerate_instance_names(Call& call) {
  Parameters given(call.raw);
  std::optional<std::string> name = given.class_name("ClassName");
  CO_TRY_VOID(given.done());
  if (!name) co_return cim_error(Status::invalid_parameter, "ClassName: it is missing");
  CO_TRY(const Class* cls, class_here(call, *name));
  Look look = co_await look_now(call);
  co_return produce(instances_cursor(std::move(look), *cls, call.name_space), write_found_name, call.place, {});
}

constexpr NamedOperation operations[] = {
    {"GetInstance", get_instance},
    {"EnumerateInstances", enumerate_instances},
    {"EnumerateInstanceNames", enumerate_instance_names},
};

}  // namespace

std::span<const NamedOperation> instance_operations() { return operations; }

}  // namespace lockstep::cim
