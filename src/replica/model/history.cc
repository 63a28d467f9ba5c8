#include "replica/model/history.h"

#include <algorithm>

namespace lockstep::replica {

bool Past::operator==(const Past& other) const {
  auto same = [](const store::HistoryEntry& a, const store::HistoryEntry& b) {
    return a.generation == b.generation && a.parent == b.parent;
  };
  return position == other.position &&
         std::equal(history.begin(), history.end(), other.history.begin(), other.history.end(), same);
}

std::vector<Origin> stretches(const Past& past) {
  std::vector<Origin> out;
  Origin at = past.position;
  // Each step goes to an older entry, so that a history that refers to itself cannot keep us.
  for (auto entry = past.history.rbegin(); !at.generation.is_none(); ++entry) {
    out.push_back(at);
    entry = std::find_if(entry, past.history.rend(),
                         [&](const store::HistoryEntry& e) { return e.generation == at.generation; });
    if (entry == past.history.rend()) break;
    at = entry->parent;
  }
  return out;
}

bool passed(const Past& past, Origin origin) {
  if (origin.generation.is_none()) return true;  // before everything
  auto way = stretches(past);
  return std::any_of(way.begin(), way.end(), [&](const Origin& o) {
    return o.generation == origin.generation && origin.lsn <= o.lsn;
  });
}

bool not_before(const Past& past, Origin later, Origin earlier) {
  for (const Origin& at : stretches(past)) {
    bool has_later = at.generation == later.generation && later.lsn <= at.lsn;
    bool has_earlier = at.generation == earlier.generation && earlier.lsn <= at.lsn;
    if (has_later && has_earlier) return later.lsn >= earlier.lsn;
    if (has_later) return passed(past, earlier);
    if (has_earlier) return false;
  }
  return false;
}

std::optional<Origin> last_common(const Past& a, const Past& b) {
  auto way_a = stretches(a);
  auto way_b = stretches(b);
  for (const Origin& x : way_a) {
    for (const Origin& y : way_b) {
      if (x.generation == y.generation) return Origin{x.generation, std::min(x.lsn, y.lsn)};
    }
  }
  return std::nullopt;
}

std::string text_of(const Past& past) {
  auto way = stretches(past);
  if (way.empty()) return "-";
  std::string out;
  for (auto o = way.rbegin(); o != way.rend(); ++o) {
    out += (out.empty() ? "" : " ") + short_text_of(o->generation) + ":" + std::to_string(o->lsn.value);
  }
  return out;
}

}  // namespace lockstep::replica
