#include "manage/storage.h"

#include <chrono>
#include <cstdio>

namespace lockstep::manage {

std::string time_name(WallTime time) {
  using namespace std::chrono;
  sys_seconds at{floor<seconds>(microseconds(time.us))};
  sys_days day = floor<days>(at);
  year_month_day date{day};
  hh_mm_ss clock{at - day};
  char text[32];
  std::snprintf(text, sizeof text, "%04d%02u%02u-%02d%02d%02d", static_cast<int>(date.year()), static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                static_cast<int>(clock.hours().count()), static_cast<int>(clock.minutes().count()), static_cast<int>(clock.seconds().count()));
  return text;
}

// A local relationship is reported once, by its source: the target's group says itself whom it follows.
std::vector<replica::Relationship> Storage::relationships_of(PoolId pool, const store::GroupRow& group) const {
  std::vector<replica::Relationship> out;
  if (!engine_) return out;
  for (replica::Report& report : engine_->reports()) {
    const replica::Relationship& r = report.relationship;
    if ((r.pool == pool && r.group == group.id) || r.id == group.following) out.push_back(std::move(report.relationship));
  }
  return out;
}

// Both ends in one pool: nothing is copied from the source any more.
bool Storage::within_pool(const replica::Relationship& relationship) const {
  for (const replica::Report& report : engine_->reports()) {
    const replica::Relationship& r = report.relationship;
    if (r.id == relationship.id && r.end == replica::End::target && r.pool == relationship.pool) return true;
  }
  return false;
}

Answer<> Storage::refuse_if_replicated(PoolId pool, const store::GroupRow& group, std::string_view what) const {
  for (const replica::Relationship& relationship : relationships_of(pool, group)) {
    bool source = relationship.pool == pool && relationship.group == group.id && relationship.end == replica::End::source;
    if (source && relationship.sync_type == replica::SyncType::snapshot && within_pool(relationship)) continue;
    std::string message = "group '" + group.name + "' is in relationship '" + relationship.name + "': " + std::string(what);
    return wrong_state(group.name, std::move(message), "Detach the relationship first (`lockstep replica detach NAME`), and make it again afterwards.");
  }
  return {};
}

std::size_t Storage::sessions_of(VolumeUuid volume) const {
  if (!hooks_.sessions) return 0;
  auto sessions = hooks_.sessions();
  auto found = sessions.find(volume);
  return found == sessions.end() ? 0 : found->second;
}

void Storage::tell(std::string kind, std::string object_type, std::string object, std::string before, std::string after) {
  Event event;
  event.kind = std::move(kind);
  event.object_type = std::move(object_type);
  event.object = std::move(object);
  event.before = std::move(before);
  event.after = std::move(after);
  events_.emit(std::move(event));
}

}  // namespace lockstep::manage
