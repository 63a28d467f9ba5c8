#include "store/versions.h"

#include <algorithm>
#include <iterator>

#include "store/chunk.h"

namespace lockstep::store {
namespace {

void add_places(const LeafContent& content, std::vector<Place>& out) {
  for (const Slot& slot : content)
    if (slot.place().value != 0) out.push_back(slot.place());
}

std::vector<Place> minus(std::vector<Place> first, std::vector<Place> second) {
  keep_only_in_first(first, second);
  return first;
}

}  // namespace

VersionChange fold(std::vector<Version> newest, std::vector<DeltaGroup> groups, const IsVisible& visible, bool based) {
  VersionChange out;
  std::vector<Version> now = newest;
  std::size_t changed = now.size();   // versions from here on are new or changed
  std::vector<Place> offered;
  for (DeltaGroup& group : groups) {
    CHECK(now.empty() || now.back().epoch <= group.epoch);
    Version next{group.epoch, {}};
    if (!now.empty()) next.content = now.back().content;
    if (group.zero) next.content.fill(zero_slot);
    for (const auto& [index, slot] : group.items) {
      next.content[index] = slot;
      if (slot.place().value != 0) offered.push_back(slot.place());
    }
    if (!now.empty() && (now.back().epoch == group.epoch || !visible(now.back().epoch, group.epoch))) {
      now.back() = next;
      changed = std::min(changed, now.size() - 1);
    } else {
      if (visible(Epoch{0}, group.epoch)) out.listed.push_back(group.epoch);
      now.push_back(next);
    }
  }
  // A newest version that nobody can see: of a volume without a head.
  while (now.size() > changed && !visible(now.back().epoch, Lineage::forever)) now.pop_back();
  // Nothing but holes over nothing: no row says the same.
  if (now.size() == 1 && changed == 0 && !based &&
      std::all_of(now[0].content.begin(), now[0].content.end(), [](const Slot& slot) { return slot.is_hole(); }))
    now.pop_back();

  std::vector<Place> was;
  for (const Version& version : newest) add_places(version.content, was);
  std::vector<Place> is;
  for (const Version& version : now) add_places(version.content, is);
  out.used = minus(is, was);
  std::vector<Place> before = std::move(was);
  before.insert(before.end(), offered.begin(), offered.end());
  out.freed = minus(std::move(before), is);
  for (const Version& version : newest)
    if (std::none_of(now.begin(), now.end(), [&](const Version& v) { return v.epoch == version.epoch; })) out.removed.push_back(version.epoch);
  for (std::size_t i = changed; i < now.size(); ++i) out.put.push_back(std::move(now[i]));
  return out;
}

VersionChange sweep(const std::vector<Version>& all, const IsVisible& visible) {
  VersionChange out;
  std::vector<Place> was;
  std::vector<Place> is;
  for (std::size_t i = 0; i < all.size(); ++i) {
    add_places(all[i].content, was);
    bool lives = visible(all[i].epoch, i + 1 < all.size() ? all[i + 1].epoch : Lineage::forever);
    if (lives) add_places(all[i].content, is);
    else out.removed.push_back(all[i].epoch);
  }
  out.freed = minus(std::move(was), is);
  return out;
}

}  // namespace lockstep::store
