#include "replica/model/plan.h"

#include <algorithm>

namespace lockstep::replica {
namespace {

std::string short_text(Origin o) {
  return o.generation.is_none() ? std::string("the beginning")
                                : short_text_of(o.generation) + ":" + std::to_string(o.lsn.value);
}

bool writable(store::Role role) {
  return role == store::Role::source || role == store::Role::target_writable;
}

// What the target has after `common` was written in generations that the source began, though it may have
// lost all of them but their names.
bool began_here(const Past& source, const Past& target, Origin common) {
  for (const Origin& at : stretches(target)) {
    bool known = std::any_of(source.history.begin(), source.history.end(),
                             [&](const store::HistoryEntry& e) { return e.generation == at.generation; });
    if (!known) return false;
    if (at.generation == common.generation) return true;
  }
  return false;
}

Plan from_memory(Memory memory, bool map_covers, Origin common, bool both, bool keep) {
  bool streams = memory == Memory::journal && !both;
  if (memory == Memory::nothing || (!streams && !map_covers))
    return {Plan::Kind::compare, common, false, keep};
  if (streams) return {Plan::Kind::stream, common, false, keep};
  return {Plan::Kind::resync, common, both, keep};
}

}  // namespace

Plan make_plan(const SourceSide& source, const TargetSide& target, bool choose_source) {
  std::optional<Origin> common = last_common(source.past, target.past);
  bool target_wrote =
      common ? target.wrote_after_common && *common != target.past.position : !target.holds_nothing;
  bool source_wrote = common ? source.wrote_after_common && *common != source.past.position : true;

  if (!choose_source && common && target.role == store::Role::target_writable) {
    return {writable(source.role) && source_wrote ? Plan::Kind::two_writable : Plan::Kind::taken_over,
            *common};
  }
  // Blocks that came there in another way may be the right ones already.
  const Plan::Kind first_copy = target.fresh ? Plan::Kind::full : Plan::Kind::compare;
  if (target.pass_open) {
    // Its blocks are between two states: only a pass can bring it to one. The one under way if the source
    // still holds it.
    bool told = !target_wrote || target.tells_changes || source.pass_compares;   // what the target changed itself
    if (source.pass_open == target.pass_open && told) return {Plan::Kind::resume_pass, *target.pass_open};
    if (target.holds_nothing) return {first_copy, {}};
    bool mapped = common && source.map_covers && source.memory != Memory::nothing &&
                  passed(source.past, *target.pass_open);
    if (mapped && (!target_wrote || target.tells_changes))
      return {Plan::Kind::resync, *common, target_wrote, false};
    return {Plan::Kind::compare, common.value_or(Origin{}), false, false};
  }
  if (target.holds_nothing) return {first_copy, {}};
  if (!common) return {choose_source ? Plan::Kind::compare : Plan::Kind::unrelated, {}, false, choose_source};
  if (!target_wrote) return from_memory(source.memory, source.map_covers, *common, false, false);
  if (!choose_source && !source_wrote && began_here(source.past, target.past, *common)) {
    return {Plan::Kind::ahead, *common};
  }
  if (!choose_source) return {Plan::Kind::diverged, *common};
  return from_memory(target.tells_changes ? source.memory : Memory::nothing, source.map_covers, *common, true,
                     true);
}

std::string text_of(const Plan& plan) {
  std::string at = short_text(plan.from);
  std::string tail = plan.keep ? ", keeping what only the target has" : "";
  switch (plan.kind) {
    case Plan::Kind::stream: return "stream from " + at + tail;
    case Plan::Kind::resume_pass: return "resume the pass to " + at;
    case Plan::Kind::resync:
      return std::string("resync with change map") + (plan.both ? "s of both ends" : "") + " from " + at +
             tail;
    case Plan::Kind::compare:
      return "compare" + (plan.from.generation.is_none() ? std::string() : " after " + at) + tail;
    case Plan::Kind::full: return "full copy to a new target";
    case Plan::Kind::diverged: return "diverged after " + at;
    case Plan::Kind::ahead: return "target ahead after " + at;
    case Plan::Kind::unrelated: return "unrelated";
    case Plan::Kind::two_writable: return "two writable ends after " + at;
    case Plan::Kind::taken_over: return "taken over after " + at;
  }
  return "unknown";
}

}  // namespace lockstep::replica
