// MSFT_SMStorageVolume.
#include "cim/methods/replicas.h"
#include "cim/methods/sizes.h"
#include "cim/methods/volume_groups.h"
#include "cim/model/ids.h"

namespace lockstep::cim::model {

namespace {

enum ReplicaCode : std::uint32_t { type_not_supported = 40500 };

Answer<> check_element_name(const std::string& name) {
  if (name.empty() || manage::good_name(name)) return {};
  return std::unexpected(manage::Refusal{manage::ReturnCode::invalid_parameter, "'" + name + "' is no name for a volume", "1 to 100 letters, digits, '.', '_' or '-', not starting with '.' or '-'.",
                                         "ElementName", Code::invalid});
}

// The target's volume, where it is on this system; with the name that was asked for.
rt::Task<void> tell_target(Invocation& call, Made* made, std::string element_name) {
  if (!made->report) co_return;
  const replica::Relationship& r = made->report->relationship;
  if (r.pairs.empty()) {
    made->done.set("TargetReplicaPeer", peer_reference(peer_id_of(r.id, true)));
    co_return;
  }
  VolumeUuid target = r.pairs.front().second;
  made->done.set("TargetReplicaPeer", peer_reference(peer_id_of(r.id, target)));
  if (r.peer != call.system.self().id) co_return;
  if (!element_name.empty()) ignore(co_await call.system.rename_volume(call.caller, text_of(target), std::move(element_name)), "the replica is there; its name is what it could be");
  made->done.set("TargetStorageVolume", reference(path_by(volume_class, "ObjectId", id_of(target))));
}

// `group` was found or made for the volume.
rt::Task<Done> replicate(Invocation& call, manage::CreateReplica request, VolumeGroup group, std::string element_name) {
  manage::PoolAndName name = manage::split_name(group.name);
  request.pool = std::move(name.pool);
  request.group = std::move(name.name);
  Made made = co_await make_replica(call, std::move(request));
  if (made.done.refusal) co_await take_back(call, std::move(group));
  else co_await tell_target(call, &made, std::move(element_name));
  co_return std::move(made.done);
}

rt::Task<Done> create_replica(Invocation& call) {
  CIM_ASK(const manage::VolumeInfo* volume, this_volume(call));
  CIM_ASK(manage::CreateReplica request, replica_request(call, "ReplicationSettings"));
  std::string element_name = call.in.text("ElementName").value_or("");
  Answer<> named = check_element_name(element_name);
  if (!named) co_return refused(named.error());
  VolumeGroup target;
  if (const ObjectPath* path = call.in.reference("TargetStorageVolume")) {
    CIM_ASK(const manage::VolumeInfo* wanted, volume_at(call, *path, "TargetStorageVolume"));
    if (request.target_system && *request.target_system != text_of(call.facts().self))
      co_return bad("TargetStorageVolume", "volume '" + wanted->export_name + "' is not on the system that TargetStorageSystem names", "Leave one of them NULL.");
    if (wanted == volume) co_return bad("TargetStorageVolume", "volume '" + volume->export_name + "' cannot be its own target", "Name another volume, or none.");
    CIM_ASK(target, co_await group_for(call, *wanted, "TargetStorageVolume"));
    request.target_group = target.name;
    request.target_pool = wanted->pool;   // a pool beside a volume does not count
    element_name.clear();
  }
  Answer<VolumeGroup> group = co_await group_for(call, *volume, "this");
  if (!group) {
    co_await take_back(call, std::move(target));
    co_return refused(group.error());
  }
  Done done = co_await replicate(call, std::move(request), *group, std::move(element_name));
  if (done.refusal) co_await take_back(call, std::move(target));
  co_return done;
}

// A point in time within this system.
rt::Task<Done> create_point(Invocation& call, replica::SyncType type) {
  CIM_ASK(const manage::VolumeInfo* volume, this_volume(call));
  std::string element_name = call.in.text("ElementName").value_or("");
  Answer<> named = check_element_name(element_name);
  if (!named) co_return refused(named.error());
  CIM_ASK(manage::CreateReplica request, replica_request(call, "ReplicationSettings"));   // of which this method has none
  request.sync_type = static_cast<std::uint16_t>(type);
  if (const ObjectPath* path = call.in.reference("TargetPool")) {
    CIM_ASK(const manage::PoolInfo* pool, pool_at(call, *path, "TargetPool"));
    request.target_pool = pool->status.name;
  }
  CIM_ASK(VolumeGroup group, co_await group_for(call, *volume, "this"));
  Done done = co_await replicate(call, std::move(request), std::move(group), std::move(element_name));
  if (done.refusal && done.refusal->code == manage::ReturnCode::not_supported) done.code = type_not_supported;
  co_return done;
}
rt::Task<Done> create_snapshot(Invocation& call) { return create_point(call, replica::SyncType::snapshot); }
rt::Task<Done> create_clone(Invocation& call) { return create_point(call, replica::SyncType::clone); }

rt::Task<Done> set_relationship(Invocation& call) {
  CIM_ASK(const manage::VolumeInfo* volume, this_volume(call));
  const ObjectPath* peer = call.in.reference("TargetStorageVolume");
  if (!peer) co_return bad("TargetStorageVolume", "TargetStorageVolume is missing", "Name the handle on the volume's replica.");
  CIM_ASK(const replica::Report* report, relationship_of_volume(call, *volume, *peer, "TargetStorageVolume"));
  std::optional<std::uint64_t> operation = call.in.number("Operation");
  if (!operation) co_return bad("Operation", "Operation is missing", "Give one of 2 to 25.");
  auto wanted = static_cast<replica::Operation>(*operation);
  if (replica::group_only(wanted)) co_return unsupported("Operation", std::string(name_of(wanted)) + " is an operation of groups", "Use the method of the group.");
  auto number = static_cast<std::uint16_t>(*operation);
  if (report->relationship.pairs.size() == 1) co_return co_await operate(call, report->relationship.id, number);
  std::vector<std::string> pair{volume->export_name};
  co_return co_await operate_pairs(call, report->relationship.id, number, std::move(pair));
}

rt::Task<Done> remove(Invocation& call) {
  CIM_ASK(const manage::VolumeInfo* volume, this_volume(call));
  manage::Answer<> done = co_await call.system.delete_volume(call.caller, text_of(volume->row.uuid));
  if (!done && done.error().kind == Code::busy) co_return refused(in_use, done.error());
  co_return done_or_refused(done);
}

rt::Task<Done> resize(Invocation& call) {
  CIM_ASK(const manage::VolumeInfo* volume, this_volume(call));
  std::optional<std::uint64_t> size = call.in.number("NewSize");
  if (!size) co_return bad("NewSize", "NewSize is missing", "Give a size in bytes.");
  std::uint64_t now = volume->row.size.value;
  if (*size == now) co_return refused(new_size_is_equal, "NewSize", "volume '" + volume->export_name + "' has " + std::to_string(now) + " bytes already");
  if (*size < now) co_return refused(no_shrinking, "NewSize", "volume '" + volume->export_name + "' has " + std::to_string(now) + " bytes and does not shrink", "Make a smaller volume and copy what is needed.");
  Done wrong = check_size("NewSize", *size);
  if (wrong.refusal) co_return wrong;
  manage::Answer<> done = co_await call.system.resize_volume(call.caller, text_of(volume->row.uuid), Bytes{*size});
  if (!done) {
    if (done.error().parameter == "Size") done.error().parameter = "NewSize";
    co_return refused(done.error());
  }
  Done answer;
  answer.set("NewSize", number(*size));
  co_return answer;
}

rt::Task<Done> set_read_only(Invocation& call, bool read_only) {
  CIM_ASK(const manage::VolumeInfo* volume, this_volume(call));
  manage::Answer<> done = co_await call.system.set_read_only(call.caller, text_of(volume->row.uuid), read_only);
  co_return done_or_refused(done);
}
rt::Task<Done> close(Invocation& call) { return set_read_only(call, true); }
rt::Task<Done> open(Invocation& call) { return set_read_only(call, false); }

constexpr MethodEntry entries[] = {
    {volume_class, "CreateReplica", create_replica},   {volume_class, "CreateSnapshot", create_snapshot}, {volume_class, "CreateClone", create_clone},
    {volume_class, "SetReplicationRelationship", set_relationship}, {volume_class, "Delete", remove},     {volume_class, "ModifySize", resize},
    {volume_class, "SetReadonly", close},              {volume_class, "SetReadWrite", open},
};

}  // namespace

std::span<const MethodEntry> volume_methods() { return entries; }

}  // namespace lockstep::cim::model
