// Rewind windows and what is opened out of them. Private to manage.
#pragma once

#include <string>

#include "manage/events.h"
#include "manage/jobs.h"
#include "manage/locate.h"

namespace lockstep::manage {

class Rewinds {
 public:
  Rewinds(rt::Loop& loop, PoolSet& pools, Jobs& jobs, Events& events, replica::Rewind& rewind) : loop_(loop), pools_(pools), jobs_(jobs), events_(events), rewind_(rewind) {}

  rt::Task<Answer<>> set_window(std::string group, std::optional<Duration> time, std::optional<Bytes> bytes);
  rt::Task<Answer<GroupPoints>> points(std::string group);
  rt::Task<Answer<replica::RewindForecast>> forecast(std::string group, std::string to, std::string name);
  rt::Task<Answer<Outcome>> open(std::string group, std::string to, std::string name);

 private:
  struct Asked {
    PoolSet::Hold hold;
    std::string group;
    replica::RewindRequest request;
  };
  rt::Task<Answer<Asked>> ask(std::string group, std::string to, std::string name);
  void tell(std::string kind, std::string object, std::string before, std::string after);

  rt::Loop& loop_;
  PoolSet& pools_;
  Jobs& jobs_;
  Events& events_;
  replica::Rewind& rewind_;
};

// "2026-01-31T12:00:00Z", "10m ago", "@1a2b3c4d:77", "latest".
[[nodiscard]] Answer<replica::RewindTo> parse_point(std::string_view text, WallTime now);

}  // namespace lockstep::manage
