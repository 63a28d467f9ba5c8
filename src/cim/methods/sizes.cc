#include "cim/methods/sizes.h"

#include "cim/model/ids.h"

namespace lockstep::cim::model {

Done check_goals(const Invocation& call) {
  if (call.in.flag("NoSinglePointOfFailure").value_or(false))
    return refused(no_such_goal, "NoSinglePointOfFailure", "NoSinglePointOfFailure: a pool keeps one copy of the data", "Leave it out, and replicate the group of the volume.");
  std::uint64_t packages = call.in.number("PackageRedundancyGoal").value_or(0);
  if (packages != 0) return refused(bad_package_redundancy, "PackageRedundancyGoal", "PackageRedundancyGoal " + std::to_string(packages) + ": only 0 is offered", "Leave it out.");
  std::uint64_t copies = call.in.number("DataRedundancyGoal").value_or(1);
  if (copies != 1) return refused(bad_data_redundancy, "DataRedundancyGoal", "DataRedundancyGoal " + std::to_string(copies) + ": only 1 is offered", "Leave it out.");
  if (call.in.has("ParityLayout")) return refused(bad_parity, "ParityLayout", "ParityLayout: there is no parity here", "Leave it out.");
  if (!call.in.flag("ThinlyProvisioned").value_or(true)) return unsupported("ThinlyProvisioned", "ThinlyProvisioned FALSE: volumes here are always thin", "Give TRUE, or leave it out.");
  return {};
}

Done check_size(std::string_view parameter, std::uint64_t bytes) {
  if (bytes > largest_volume) {
    Done done = refused(size_not_supported, std::string(parameter), std::to_string(bytes) + " bytes is more than a volume can have", "At most 1 PiB.");
    return std::move(done.set(parameter, number(largest_volume)));
  }
  std::uint64_t even = (bytes + sector_size - 1) / sector_size * sector_size;
  if (even == bytes) return {};
  Done done = refused(size_not_supported, std::string(parameter), std::to_string(bytes) + " bytes is not a multiple of 512", "Give " + std::to_string(even) + ".");
  return std::move(done.set(parameter, number(even)));
}

rt::Task<Done> make_volume_in(Invocation& call, std::string pool, std::uint64_t bytes) {
  std::string name = call.in.text("ElementName").value_or("");
  if (name.empty()) name = "volume-" + short_text_of(call.system.random().id<VolumeUuid>());
  std::string full = pool + "/" + name;
  manage::Answer<> made = co_await call.system.create_volume(call.caller, full, Bytes{bytes});
  if (!made) {
    manage::Refusal refusal = made.error();
    if (refusal.parameter == "Name") refusal.parameter = "ElementName";
    co_return refused(std::move(refusal));
  }
  Done done;
  done.set("Size", number(bytes));
  std::vector<manage::VolumeInfo> volumes = co_await call.system.volumes();
  for (const manage::VolumeInfo& info : volumes)
    if (info.export_name == full) done.set("CreatedStorageVolume", reference(path_by(volume_class, "ObjectId", id_of(info.row.uuid))));
  co_return done;
}

}  // namespace lockstep::cim::model
