#include "replica/model/verify.h"

namespace lockstep::replica {
namespace {

std::string blocks_text(std::uint64_t count) { return std::to_string(count) + (count == 1 ? " block" : " blocks"); }

}  // namespace

std::string text_of(const VerifyReport& report) {
  std::string out = report.equal() ? "equal" : blocks_text(report.different) + (report.different == 1 ? " differs" : " differ");
  out += " at " + text_of(report.position);
  if (report.repaired > 0) out += "; " + blocks_text(report.repaired) + " sent again";
  if (report.read.value > 0) out += "; " + std::to_string(report.read.value) + " bytes read";
  if (report.damaged > 0) out += "; " + blocks_text(report.damaged) + " damaged, " + std::to_string(report.mended) + " repaired from the other end";
  if (!report.not_repaired.empty()) out += "; " + report.not_repaired;
  return out;
}

std::vector<std::string> findings(const VerifyReport& report) {
  std::vector<std::string> out;
  for (const VerifyReport::Volume& volume : report.volumes)
    if (volume.different > 0) out.push_back("volume '" + volume.name + "': " + blocks_text(volume.different) + (volume.different == 1 ? " differs" : " differ"));
  for (const VerifyReport::Range& range : report.ranges)
    out.push_back("volume '" + report.volumes[range.volume].name + "', offset " + std::to_string(range.at.value) + ": " + std::to_string(range.length.value) + " bytes differ");
  for (const DamageReport& damage : report.damages)
    out.push_back(std::string(damage.at_source ? "source: " : "target: ") + damage.where + ": " + damage.what + (damage.repaired ? "; repaired" : "; not repaired"));
  return out;
}

}  // namespace lockstep::replica
