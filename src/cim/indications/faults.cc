#include "cim/indications/faults.h"

#include <utility>

namespace lockstep::cim {

namespace {

constexpr std::uint64_t degraded = 3, critical = 6;
constexpr std::uint64_t began = 0, ended = 1, changed = 2;

// The group's ObjectId has its id in it.
std::shared_ptr<const Instance> group_of(const Fault& fault, const Seen& seen) {
  for (const auto& [key, instance] : seen) {
    if (!same_name(instance->class_name, "MSFT_SMReplicationGroup")) continue;
    const NamedValue* id = instance->find("ObjectId");
    const Scalar* scalar = id ? id->value.scalar() : nullptr;
    const auto* text = scalar ? std::get_if<std::string>(scalar) : nullptr;
    if (text && text->find(fault.group) != std::string::npos) return instance;
  }
  return nullptr;
}

Instance event_of(const std::string& id, const Fault& fault, std::uint64_t change, const Seen& seen, const Moment& moment) {
  Instance event = blank_indication("MSFT_SMStorageFaultEvent", moment);
  set_property(event, "ChangeType", Value(Scalar(change)));
  set_property(event, "FaultId", Value(Scalar(id)));
  set_property(event, "FaultType", Value(Scalar(fault.type)));
  set_property(event, "FaultingObjectDescription", Value(Scalar(fault.description)));
  set_property(event, "Description", Value(Scalar(fault.description + ": " + fault.type + (change == ended ? " is over" : ""))));
  set_property(event, "PerceivedSeverity", Value(Scalar(fault.severity)));
  if (!fault.reason.empty()) set_property(event, "Reason", Value(Scalar(fault.reason)));
  if (auto group = group_of(fault, seen)) {
    set_property(event, "SourceClassName", Value(Scalar(group->class_name)));
    set_property(event, "FaultingObject", Value(Scalar(std::make_shared<const ObjectPath>(path_of(*group)))));
    set_property(event, "SourceInstance", Value(Scalar(std::move(group))));
  }
  return event;
}

}  // namespace

Faults faults_in(const std::vector<replica::Report>& reports) {
  Faults out;
  for (const replica::Report& report : reports) {
    std::string id = text_of(report.relationship.id);
    std::string what = "relationship " + report.relationship.name;
    std::string group = text_of(report.relationship.group);
    if (report.copy_state == replica::CopyState::broken) out.insert_or_assign(id + ":broken", Fault{"Broken", what, report.cause, critical, group});
    if (report.rpo_violated) out.insert_or_assign(id + ":rpo", Fault{"RPO", what, report.cause, degraded, group});
  }
  return out;
}

std::vector<Instance> fault_events(const Faults& before, const Faults& after, const Seen& seen, const Moment& moment) {
  std::vector<Instance> out;
  for (const auto& [id, fault] : before)
    if (!after.contains(id)) out.push_back(event_of(id, fault, ended, seen, moment));
  for (const auto& [id, fault] : after) {
    auto was = before.find(id);
    if (was == before.end()) out.push_back(event_of(id, fault, began, seen, moment));
    else if (was->second != fault) out.push_back(event_of(id, fault, changed, seen, moment));
  }
  return out;
}

}  // namespace lockstep::cim
