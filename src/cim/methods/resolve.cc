#include "cim/methods/resolve.h"

#include <algorithm>

#include "cim/model/ids.h"

namespace lockstep::cim::model {

namespace {

std::unexpected<manage::Refusal> refusal(manage::ReturnCode code, std::string_view parameter, std::string message, std::string next_step, Code kind) {
  return std::unexpected(manage::Refusal{code, std::move(message), std::move(next_step), std::string(parameter), kind});
}
std::unexpected<manage::Refusal> gone(std::string_view what, const std::string& id, std::string_view parameter) {
  return refusal(manage::ReturnCode::not_found, parameter, std::string(parameter) + ": there is no " + std::string(what) + " '" + id + "'", "Enumerate again.", Code::not_found);
}
std::unexpected<manage::Refusal> other_kind(std::string_view what, const ObjectPath& path, std::string_view parameter) {
  return refusal(manage::ReturnCode::invalid_parameter, parameter, std::string(parameter) + " must be " + std::string(what) + ", not a " + path.class_name, "", Code::invalid);
}

std::string id_in(const ObjectPath& path) {
  for (const NamedValue& key : path.keys) {
    const Scalar* scalar = key.value.scalar();
    const std::string* text = scalar ? std::get_if<std::string>(scalar) : nullptr;
    if (text && same_name(key.name, "ObjectId")) return *text;
  }
  return "";
}

// The path names an object of that class, or a class above it.
bool may_be(const ObjectPath& path, std::string_view class_name) { return is_a(*find_class(class_name), path.class_name); }

template <class Id>
std::optional<Id> id_of_kind(const std::string& id, std::string_view kind) {
  std::optional<ParsedId> parsed = parse_object_id(id);
  if (!parsed || parsed->kind != kind) return std::nullopt;
  Result<Id> out = parse_id<Id>(parsed->rest);
  return out ? std::optional(*out) : std::nullopt;
}

template <class Item>
const Item* item_with_id(const std::vector<Item>& items, const std::string& id, std::string (*id_of_item)(const Item&)) {
  auto found = std::ranges::find_if(items, [&](const Item& item) { return id_of_item(item) == id; });
  return found == items.end() ? nullptr : &*found;
}
std::string group_id(const manage::GroupInfo& info) { return id_of(info.row.id); }
std::string job_id(const manage::Job& job) { return id_of(job.id); }

const manage::VolumeInfo* volume_with(const Facts& facts, const std::string& id) {
  std::optional<VolumeUuid> uuid = id_of_kind<VolumeUuid>(id, "Volume");
  return uuid ? facts.volume(*uuid) : nullptr;
}

}  // namespace

std::string full_name(const manage::GroupInfo& group) { return group.pool + "/" + group.row.name; }

Answer<const manage::VolumeInfo*> volume_at(const Invocation& call, const ObjectPath& path, std::string_view parameter) {
  if (!may_be(path, volume_class)) return other_kind("a volume", path, parameter);
  const manage::VolumeInfo* found = volume_with(call.facts(), id_in(path));
  if (!found) return gone("volume", id_in(path), parameter);
  return found;
}

Answer<const manage::GroupInfo*> group_at(const Invocation& call, const ObjectPath& path, std::string_view parameter) {
  if (!may_be(path, group_class)) return other_kind("a group", path, parameter);
  const manage::GroupInfo* found = item_with_id(call.facts().groups, id_in(path), group_id);
  if (!found) return gone("group", id_in(path), parameter);
  return found;
}

Answer<const manage::PoolInfo*> pool_at(const Invocation& call, const ObjectPath& path, std::string_view parameter) {
  if (!may_be(path, pool_class)) return other_kind("a pool", path, parameter);
  const manage::PoolInfo* found = item_with_id(call.facts().pools, id_in(path), pool_object_id);
  if (!found) return gone("pool of this system", id_in(path), parameter);
  return found;
}

Answer<const manage::Job*> job_at(const Invocation& call, const ObjectPath& path, std::string_view parameter) {
  if (!may_be(path, job_class)) return other_kind("a job", path, parameter);
  const manage::Job* found = item_with_id(call.facts().jobs, id_in(path), job_id);
  if (!found) return gone("job", id_in(path), parameter);
  return found;
}

Answer<std::vector<std::string>> volumes_at(const Invocation& call, const std::vector<const ObjectPath*>& paths, std::string_view parameter) {
  std::vector<std::string> out;
  for (const ObjectPath* path : paths) {
    if (!path) return refusal(manage::ReturnCode::invalid_parameter, parameter, std::string(parameter) + " has a NULL in it", "Name a volume, or leave it out.", Code::invalid);
    TRY(const manage::VolumeInfo* volume, volume_at(call, *path, parameter));
    if (std::ranges::find(out, volume->export_name) != out.end())
      return refusal(manage::ReturnCode::invalid_parameter, parameter, std::string(parameter) + " names volume '" + volume->export_name + "' twice", "Name each once.", Code::invalid);
    out.push_back(volume->export_name);
  }
  return out;
}

Answer<std::string> system_text(const ObjectPath& path, std::string_view parameter) {
  std::optional<ParsedId> parsed = parse_object_id(id_in(path));
  if (!may_be(path, peer_class) || (parsed && parsed->kind != "PeerSystem")) return other_kind("a MSFT_SMReplicaPeer whose PeerObjectType is StorageSystem", path, parameter);
  return parsed ? parsed->rest : id_in(path);
}

Answer<std::string> pool_text(const Invocation& call, const ObjectPath& path, std::string_view parameter) {
  if (!may_be(path, pool_class)) return other_kind("a pool", path, parameter);
  if (const manage::PoolInfo* own = item_with_id(call.facts().pools, id_in(path), pool_object_id)) return own->status.name;
  std::optional<ParsedId> parsed = parse_object_id(id_in(path));
  return parsed ? parsed->rest : id_in(path);
}

Answer<std::string> group_text(const ObjectPath& path, std::string_view parameter) {
  if (!may_be(path, group_class)) return other_kind("a group", path, parameter);
  std::optional<ParsedId> parsed = parse_object_id(id_in(path));
  return parsed ? parsed->rest : id_in(path);
}

Answer<const replica::Report*> relationship_at(const Invocation& call, const ObjectPath& peer, std::string_view parameter) {
  std::string id = id_in(peer);
  std::optional<ParsedId> parsed = parse_object_id(id);
  if (!may_be(peer, peer_class) || (parsed && parsed->kind == "PeerSystem")) return other_kind("a MSFT_SMReplicaPeer of a group or volume", peer, parameter);
  for (const replica::Report& report : call.facts().reports) {
    const replica::Relationship& r = report.relationship;
    if (peer_id_of(r.id, r.end == replica::End::source) == id) return &report;
    for (const auto& [here, there] : r.pairs)
      if (peer_id_of(r.id, there) == id) return &report;
  }
  return gone("replica peer", id, parameter);
}

Answer<const manage::VolumeInfo*> this_volume(const Invocation& call) { return volume_at(call, call.object, "this"); }
Answer<const manage::GroupInfo*> this_group(const Invocation& call) { return group_at(call, call.object, "this"); }
Answer<const manage::PoolInfo*> this_pool(const Invocation& call) { return pool_at(call, call.object, "this"); }

manage::Refusal or_out_of_date(const Invocation& call, manage::Refusal refusal) {
  if (refusal.code != manage::ReturnCode::not_found) return refusal;
  std::optional<SystemId> found_once;
  if (const ObjectPath* pool = call.in.reference("TargetStoragePool"); pool && refusal.parameter == "TargetStoragePool") {
    std::optional<PoolId> id = id_of_kind<PoolId>(id_in(*pool), "Pool");
    if (id) found_once = call.discoveries.system_of(*id);
  }
  if (const ObjectPath* peer = call.in.reference("TargetStorageSystem"); peer && refusal.parameter == "TargetStorageSystem") {
    std::optional<SystemId> id = id_of_kind<SystemId>(id_in(*peer), "PeerSystem");
    if (id && call.discoveries.knows(*id)) found_once = id;
  }
  if (!found_once) return refusal;
  call.discoveries.distrust(*found_once);
  refusal.code = manage::ReturnCode::cache_out_of_date;
  refusal.kind = Code::changed;
  refusal.message = refusal.parameter + ": " + refusal.message + " any more, as there was when its system was last discovered";
  refusal.next_step = "Call StartDiscovery for that system, then repeat the call.";
  return refusal;
}

}  // namespace lockstep::cim::model
