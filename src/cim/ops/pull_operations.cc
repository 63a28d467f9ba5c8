// The operations on an open enumeration.
#include <utility>

#include "cim/ops/pulls.h"
#include "cim/wire/text.h"

namespace lockstep::cim {

namespace {

std::unexpected<CimError> no_context() { return cim_error(Status::invalid_parameter, "EnumerationContext: it is missing"); }

rt::Task<CimAnswer<Produced>> pull(Call& call, Pulls::Kind kind) {
  Parameters given(call.raw);
  std::optional<std::string> context = given.text("EnumerationContext");
  std::optional<std::uint64_t> count = given.number("MaxObjectCount");
  CO_TRY_VOID(given.done());
  if (!context) co_return no_context();
  if (!count) co_return cim_error(Status::invalid_parameter, "MaxObjectCount: it is missing");
  co_return call.parts.pulls.pull(call, kind, *context, *count);
}

rt::Task<CimAnswer<Produced>> pull_with_path(Call& call) { return pull(call, Pulls::Kind::instances_with_path); }
rt::Task<CimAnswer<Produced>> pull_paths(Call& call) { return pull(call, Pulls::Kind::paths); }
rt::Task<CimAnswer<Produced>> pull_instances(Call& call) { return pull(call, Pulls::Kind::instances); }

rt::Task<CimAnswer<Produced>> close_enumeration(Call& call) {
  Parameters given(call.raw);
  std::optional<std::string> context = given.text("EnumerationContext");
  CO_TRY_VOID(given.done());
  if (!context) co_return no_context();
  CO_TRY_VOID(call.parts.pulls.close(call, *context));
  co_return Produced{};
}

rt::Task<CimAnswer<Produced>> enumeration_count(Call& call) {
  Parameters given(call.raw);
  std::optional<std::string> context = given.text("EnumerationContext");
  CO_TRY_VOID(given.done());
  if (!context) co_return no_context();
  CO_TRY(std::uint64_t count, call.parts.pulls.remaining(call, *context));
  co_return produce("<VALUE>" + std::to_string(count) + "</VALUE>");
}

constexpr NamedOperation operations[] = {
    {"PullInstancesWithPath", pull_with_path},
    {"PullInstancePaths", pull_paths},
    {"PullInstances", pull_instances},
    {"CloseEnumeration", close_enumeration},
    {"EnumerationCount", enumeration_count},
};

}  // namespace

std::span<const NamedOperation> pull_operations() { return operations; }

}  // namespace lockstep::cim
