// MSFT_SMSystem: this one, and peers as far as a discovery has found them.
#include "cim/instances/families.h"
#include "cim/instances/status.h"
#include "cim/model/ids.h"

namespace lockstep::cim::model {

namespace {

enum CacheLevel : std::uint64_t { mid_level = 1, all = 3 };

Builder begin(SystemId id, const std::string& name) {
  Builder b(system_class);
  b.set("ObjectId", text(id_of(id))).set("Identifier", text(text_of(id)));
  b.set("DisplayName", text(name)).set("Name", text(text_of(id))).set("NameFormat", text("Other"));
  b.set("OtherIdentifyingInfo", texts({name})).set("IdentifyingDescriptions", texts({"Name of the system"}));
  return b;
}

}  // namespace

Instance make_system(const Facts& facts, std::size_t) {
  Builder b = begin(facts.self, facts.name);
  Condition condition = condition_of_system(facts);
  b.set("HealthStatus", health_value(condition.health)).set("HealthStatusDescription", text_or_null(condition.cause));
  b.set("OperationalStatus", operational_value(condition.operational)).set("StatusDescription", text(std::string(name_of(condition.operational))));
  b.set("Model", text("Lockstep")).set("SerialNumber", text(text_of(facts.self)));
  b.set("FirmwareVersion", text_or_null(facts.options.version)).set("CacheLevel", number(all));
  return b.take();
}

namespace {

// What is not known of a peer stays NULL: its health is its own to tell.
Instance found(const Facts& facts, std::size_t index) {
  const Discovery& discovery = facts.discoveries[index];
  Builder b = begin(discovery.system, discovery.name);
  for (const replica::PeerReport& report : facts.peers) {
    if (report.peer.id != discovery.system) continue;
    Operational operational = report.reachable ? Operational::ok : Operational::no_contact;
    b.set("OperationalStatus", operational_value(operational)).set("StatusDescription", text(report.reachable ? "OK" : "No Contact: " + report.cause));
  }
  b.set("CacheLevel", number(mid_level));
  return b.take();
}

}  // namespace

void add_systems(Frozen& frozen) {
  const Facts& facts = frozen.facts();
  frozen.add(system_class, id_of(facts.self), make_system);
  for (std::size_t i = 0; i < facts.discoveries.size(); ++i)
    if (facts.discoveries[i].failed.empty()) frozen.add(system_class, id_of(facts.discoveries[i].system), found, i);
}

}  // namespace lockstep::cim::model
