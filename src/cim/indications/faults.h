// Faults: what is wrong with relationships now, and the events of its beginning, change and end. Private to cim.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "cim/indications/compare.h"
#include "manage/manage.h"

namespace lockstep::cim {

struct Fault {
  std::string type;            // "Broken", "RPO"
  std::string description;     // of what is at fault
  std::string reason;
  std::uint64_t severity = 0;  // PerceivedSeverity
  std::string group;           // id of the group here, 32 digits
  bool operator==(const Fault&) const = default;
};
using Faults = std::map<std::string, Fault>;   // by FaultId

[[nodiscard]] Faults faults_in(const std::vector<replica::Report>& reports);
// MSFT_SMStorageFaultEvent for each that began (0), ended (1) or changed (2). `seen`: for the group at fault.
[[nodiscard]] std::vector<Instance> fault_events(const Faults& before, const Faults& after, const Seen& seen, const Moment& moment);

}  // namespace lockstep::cim
