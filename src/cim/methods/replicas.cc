#include "cim/methods/replicas.h"

#include <chrono>

#include "cim/model/ids.h"

namespace lockstep::cim::model {

namespace {

constexpr Duration longest_call = std::chrono::seconds(10);   // what takes longer goes on as a job

template <class T>
std::optional<T> narrowed(std::optional<std::uint64_t> value) {
  return value ? std::optional<T>(static_cast<T>(*value)) : std::nullopt;   // the wire has checked the width
}

std::optional<std::uint64_t> number_in(const Instance& instance, std::string_view name) {
  const NamedValue* property = instance.find(name);
  const Scalar* scalar = property ? property->value.scalar() : nullptr;
  const auto* number = scalar ? std::get_if<std::uint64_t>(scalar) : nullptr;
  return number ? std::optional(*number) : std::nullopt;
}

}  // namespace

Answer<manage::CreateReplica> replica_request(const Invocation& call, std::string_view settings_parameter) {
  manage::CreateReplica request;
  request.wait_at_most = longest_call;
  request.sync_type = narrowed<std::uint16_t>(call.in.number("SyncType"));
  request.mode = narrowed<std::uint16_t>(call.in.number("Mode"));
  request.rpo_seconds = narrowed<std::uint32_t>(call.in.number("RecoveryPointObjective"));
  if (const Instance* settings = call.in.instance(settings_parameter)) {
    request.target_element_supplier = narrowed<std::uint16_t>(number_in(*settings, "TargetElementSupplier"));
    request.thin_provisioning_policy = narrowed<std::uint16_t>(number_in(*settings, "ThinProvisioningPolicy"));
  }
  if (const ObjectPath* system = call.in.reference("TargetStorageSystem")) {
    TRY(request.target_system, system_text(*system, "TargetStorageSystem"));
  }
  if (const ObjectPath* pool = call.in.reference("TargetStoragePool")) {
    TRY(request.target_pool, pool_text(call, *pool, "TargetStoragePool"));
  }
  return request;
}

Answer<manage::ReplicaDefaults> settings_in(const Invocation& call, std::string_view parameter, manage::ReplicaDefaults otherwise) {
  const Instance* settings = call.in.instance(parameter);
  if (!settings) return otherwise;
  otherwise.target_element_supplier = narrowed<std::uint16_t>(number_in(*settings, "TargetElementSupplier")).value_or(otherwise.target_element_supplier);
  otherwise.thin_provisioning_policy = narrowed<std::uint16_t>(number_in(*settings, "ThinProvisioningPolicy")).value_or(otherwise.thin_provisioning_policy);
  return otherwise;
}

Answer<> set_target_group(const Invocation& call, const ObjectPath& path, std::string_view parameter, manage::CreateReplica& request) {
  TRY(request.target_group, group_text(path, parameter));
  request.target_group_exists = true;
  Answer<const manage::GroupInfo*> group = group_at(call, path, parameter);
  if (!group) return {};   // manage says so in its turn
  request.target_group = full_name(**group);
  bool empty = (*group)->row.members.empty();
  if (empty && request.target_pool && *request.target_pool != (*group)->pool)
    return std::unexpected(manage::Refusal{manage::ReturnCode::invalid_parameter, "group '" + full_name(**group) + "' is empty and its volumes cannot be in another pool",
                                           "Name its own pool, or none.", "TargetStoragePool", Code::invalid});
  request.target_pool = (*group)->pool;   // beside a group with volumes, the pool does not count
  return {};
}

std::optional<replica::Report> report_named(manage::System& system, const std::string& name) {
  std::optional<replica::Report> found;
  for (replica::Report& report : system.relationships())
    if (report.relationship.name == name && (!found || report.relationship.end == replica::End::source)) found = std::move(report);
  return found;
}

Value peer_reference(std::string id) { return reference(path_by(peer_class, "ObjectId", std::move(id))); }

rt::Task<Made> make_replica(Invocation& call, manage::CreateReplica request) {
  Made made;
  manage::Answer<manage::Outcome> outcome = co_await call.system.create_replica(call.caller, std::move(request));
  if (!outcome) {
    made.done = refused(or_out_of_date(call, outcome.error()));
    co_return made;
  }
  made.done = done_or_job(*outcome);
  made.report = report_named(call.system, outcome->object);
  co_return made;
}

rt::Task<Done> operate(Invocation& call, RelationshipId relationship, std::uint16_t operation) {
  manage::Answer<manage::Outcome> outcome = co_await call.system.set_relationship(call.caller, text_of(relationship), operation);
  if (!outcome) co_return refused(outcome.error());
  co_return done_or_job(*outcome);
}

rt::Task<Done> operate_pairs(Invocation& call, RelationshipId relationship, std::uint16_t operation, std::vector<std::string> volumes) {
  manage::Answer<manage::Outcome> outcome = co_await call.system.set_pairs(call.caller, text_of(relationship), operation, std::move(volumes));
  if (!outcome) co_return refused(outcome.error());
  co_return done_or_job(*outcome);
}

}  // namespace lockstep::cim::model
