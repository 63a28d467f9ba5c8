// What a verification found.
#include <chrono>

#include "rest/relationship.h"

namespace lockstep::rest {

json::object verification_body(const replica::VerifyReport& report) {
  json::object body;
  body["Equal"] = report.equal();
  body["Good"] = report.good();
  body["Text"] = text_of(report);
  body["Position"] = text_of(report.position);
  body["Time"] = time_or_null(report.time);
  body["Seconds"] = std::chrono::duration<double>(report.took).count();
  body["ComparedBytes"] = bytes(report.compared);
  body["DifferentBlocks"] = report.different;
  body["RepairedBlocks"] = report.repaired;
  body["NotRepaired"] = text_or_null(report.not_repaired);
  body["ReadBytes"] = bytes(report.read);
  body["DamagedBlocks"] = report.damaged;
  body["MendedBlocks"] = report.mended;
  json::array volumes;
  for (const auto& volume : report.volumes) volumes.push_back(json::object{{"Name", volume.name}, {"DifferentBlocks", volume.different}});
  body["Volumes"] = std::move(volumes);
  json::array ranges;
  for (const auto& range : report.ranges)
    ranges.push_back(json::object{{"Volume", report.volumes[range.volume].name}, {"Offset", bytes(range.at)}, {"Length", bytes(range.length)}});
  body["Ranges"] = std::move(ranges);
  json::array damages;
  for (const auto& damage : report.damages)
    damages.push_back(json::object{{"End", damage.at_source ? "Source" : "Target"}, {"Where", damage.where}, {"What", damage.what}, {"Repaired", damage.repaired}});
  body["Damages"] = std::move(damages);
  json::array found;
  for (const std::string& finding : findings(report)) found.emplace_back(finding);
  body["Findings"] = std::move(found);
  return body;
}

}  // namespace lockstep::rest
