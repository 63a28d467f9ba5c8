#include "cim/methods/volume_groups.h"

#include <algorithm>

namespace lockstep::cim::model {

namespace {

manage::Refusal shared_group(const manage::VolumeInfo& volume, std::string_view parameter) {
  return {manage::ReturnCode::failed, "volume '" + volume.export_name + "' is in group '" + volume.pool + "/" + volume.group + "' with others: they are replicated together",
          "Use the method of the group.", std::string(parameter), Code::busy};
}

}  // namespace

rt::Task<Answer<VolumeGroup>> group_for(Invocation& call, const manage::VolumeInfo& volume, std::string parameter) {
  VolumeGroup out;
  if (!volume.group.empty()) {
    const manage::GroupInfo* group = call.facts().group(volume.pool, volume.group);
    if (group && group->row.members.size() > 1) co_return std::unexpected(shared_group(volume, parameter));
    out.name = volume.pool + "/" + volume.group;
    co_return out;
  }
  out.name = volume.export_name;
  out.made = true;
  std::vector<std::string> members{volume.export_name};
  manage::Answer<> made = co_await call.system.create_group(call.caller, out.name, std::move(members));
  if (!made) co_return std::unexpected(made.error());
  co_return out;
}

rt::Task<void> take_back(Invocation& call, VolumeGroup group) {
  if (group.made) ignore(co_await call.system.delete_group(call.caller, group.name), "the first refusal is the one to tell");
}

Answer<const replica::Report*> relationship_of_volume(const Invocation& call, const manage::VolumeInfo& volume, const ObjectPath& peer, std::string_view parameter) {
  TRY(const replica::Report* report, relationship_at(call, peer, parameter));
  const auto& pairs = report->relationship.pairs;
  bool has = std::ranges::any_of(pairs, [&](const auto& pair) { return pair.first == volume.row.uuid; });
  if (!has)
    return std::unexpected(manage::Refusal{manage::ReturnCode::not_found, std::string(parameter) + " is not a replica of volume '" + volume.export_name + "'",
                                           "Name one that MSFT_SMStorageVolumeToReplicaPeer gives.", std::string(parameter), Code::not_found});
  return report;
}

}  // namespace lockstep::cim::model
