// replica verify: both ends of a mirror compared at one position.
#include <CLI/CLI.hpp>
#include <iostream>

#include "cli/context.h"
#include "cli/task.h"
#include "cli/text.h"

namespace lockstep::cli {
namespace {

struct Asked {
  std::string name;
  bool read = false, repair = false, no_wait = false;
};

Result<> verify(Context& context, const Asked& asked) {
  const std::string url = oem + "/Relationships/" + id_in_url(asked.name);
  TRY(Json answer, context.post(url + "/Actions/LockstepRelationship.Verify", Json{{"Read", asked.read}, {"Repair", asked.repair}}));
  if (context.last_status == 202 && asked.no_wait) {
    std::cout << (context.json ? job_of(answer).dump(2) + "\n" : "verification of " + asked.name + " goes on as job " + answer.value("Id", "") + "\n");
    return {};
  }
  TRY_VOID(finish(context, answer, Waiting{.wait = true}));
  TRY(Json relationship, context.get(url));
  Json found = verification_of(relationship.value("Verification", Json()));
  if (!found.is_object()) return fail(Code::not_found, "relationship " + asked.name + ": the system has forgotten what was found; verify again");
  if (context.json) {
    std::cout << found.dump(2) << '\n';
  } else {
    std::cout << asked.name << ": " << found["text"].get<std::string>() << '\n';
    for (const Json& line : found["findings"]) std::cout << "  " << line.get<std::string>() << '\n';
  }
  if (found["good"].get<bool>()) return {};
  bool differs = found["different_blocks"] != found["repaired_blocks"];
  std::string next = !differs ? "damaged blocks have no good copy anywhere: restore them, or write them anew"
                     : asked.repair ? "not everything could be sent again; look at the events and verify again"
                                    : "verify with --repair to send again what differs";
  return fail(Code::corrupt, "relationship " + asked.name + (differs ? ": its ends differ; " : ": ") + next);
}

}  // namespace

Json verification_of(const Json& v) {
  if (!v.is_object()) return {};
  Json out;
  for (const auto& [theirs, ours] : {std::pair{"Equal", "equal"}, {"Good", "good"}, {"Text", "text"}, {"Position", "position"}, {"Time", "time"}, {"Seconds", "seconds"}, {"ComparedBytes", "compared_bytes"},
                                     {"DifferentBlocks", "different_blocks"}, {"RepairedBlocks", "repaired_blocks"}, {"NotRepaired", "not_repaired"}, {"ReadBytes", "read_bytes"},
                                     {"DamagedBlocks", "damaged_blocks"}, {"MendedBlocks", "mended_blocks"}, {"Findings", "findings"}})
    out[ours] = v.value(theirs, Json());
  out["ranges"] = Json::array();
  for (const Json& range : v.value("Ranges", Json::array()))
    out["ranges"].push_back({{"volume", range.value("Volume", "")}, {"offset", range.value("Offset", Json(0))}, {"length", range.value("Length", Json(0))}});
  return out;
}

void add_verify(CLI::App& noun, Context& context) {
  auto asked = std::make_shared<Asked>();   // shared by the parser and the verb
  CLI::App* verb = add_verb(context, noun, "verify", "Compare both ends at one position while data flow; exit 1 when they differ. On the source's system", "replica verify db-to-b --read",
                            [&context, asked] { return verify(context, *asked); });
  verb->add_option("name", asked->name, "Relationship")->required();
  verb->add_flag("--read", asked->read, "Read the data of both ends too, against their checksums (in the background, slowly)");
  verb->add_flag("--repair", asked->repair, "Send again from the source what differs");
  verb->add_flag("--no-wait", asked->no_wait, "Hand back the job at once");
}

}  // namespace lockstep::cli
