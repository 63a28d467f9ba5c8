// MSFT_SMStorageVolume.
#include "cim/instances/families.h"
#include "cim/instances/status.h"
#include "cim/model/ids.h"

namespace lockstep::cim::model {

namespace {

constexpr std::uint64_t name_is_other = 1;
constexpr std::uint64_t access_read = 1, access_read_write = 3;
enum Usage : std::uint64_t { unrestricted = 2, local_source = 6, remote_source = 7, local_target = 8, remote_target = 9, local_both = 10, remote_both = 11 };

// What the volume is in relationships, in one number: where it is both, the nearer kind of both.
struct Part {
  bool source_local = false, source_remote = false, target_local = false, target_remote = false, of_snapshot = false;
};
Part part_of(const Facts& facts, VolumeUuid volume) {
  Part part;
  auto reports = facts.reports_of_volume.find(volume);
  if (reports == facts.reports_of_volume.end()) return part;
  for (std::size_t i : reports->second) {
    const replica::Report& report = facts.reports[i];
    bool local = facts.is_local(report);
    bool source = report.relationship.end == replica::End::source;
    (source ? local ? part.source_local : part.source_remote : local ? part.target_local : part.target_remote) = true;
    part.of_snapshot = part.of_snapshot || (!source && report.relationship.sync_type == replica::SyncType::snapshot);
  }
  return part;
}
std::uint64_t usage_of(const Part& part) {
  if (part.source_local && part.target_local) return local_both;
  if (part.source_remote && part.target_remote) return remote_both;
  if (part.target_local) return local_target;
  if (part.target_remote) return remote_target;
  if (part.source_local) return local_source;
  return part.source_remote ? remote_source : unrestricted;
}

}  // namespace

Instance make_volume(const Facts& facts, std::size_t index) {
  const manage::VolumeInfo& info = facts.volumes[index];
  const store::VolumeRow& row = info.row;
  const manage::PoolInfo* pool = facts.pool(info.pool_id);
  Condition condition = pool ? condition_of(*pool) : Condition{};
  if (condition.health != Health::healthy) condition.operational = Operational::error;
  Part part = part_of(facts, row.uuid);
  Builder b(volume_class);
  b.set("ObjectId", text(id_of(row.uuid))).set("Identifier", text(text_of(row.uuid)));
  b.set("DisplayName", text(row.name)).set("Name", text(text_of(row.uuid)));
  b.set("NameFormat", number(name_is_other)).set("NameNamespace", number(name_is_other));
  b.set("OtherNameFormat", text("UUID, 32 hexadecimal digits")).set("OtherNameNamespace", text("Lockstep volumes"));
  b.set("HealthStatus", health_value(condition.health)).set("HealthStatusDescription", text_or_null(condition.cause));
  b.set("OperationalStatus", operational_value(condition.operational)).set("StatusDescription", text(std::string(name_of(condition.operational))));
  b.set("BlockSize", number(sector_size)).set("NumberOfBlocks", number(row.size.value / sector_size)).set("ConsumableBlocks", number(row.size.value / sector_size));
  b.set("Primordial", flag(false));
  b.set("OtherIdentifyingInfo", texts({info.export_name})).set("IdentifyingDescriptions", texts({"NBD export name"}));
  b.set("NoSinglePointOfFailure", flag(false)).set("DataRedundancy", number(1)).set("PackageRedundancy", number(0));
  b.set("Access", number(info.writable ? access_read_write : access_read)).set("AccessDescription", text(info.writable ? "Read/Write Supported" : "Readable"));
  b.set("ThinlyProvisioned", flag(true)).set("Usage", number(usage_of(part))).set("IsSnapshot", flag(part.of_snapshot));
  return b.take();
}

void add_volumes(Frozen& frozen) {
  const Facts& facts = frozen.facts();
  for (std::size_t i = 0; i < facts.volumes.size(); ++i) {
    frozen.add(volume_class, id_of(facts.volumes[i].row.uuid), make_volume, i);
    frozen.link("MSFT_SMPoolToVolume", id_of(facts.volumes[i].pool_id), id_of(facts.volumes[i].row.uuid));
  }
}

}  // namespace lockstep::cim::model
