#include <algorithm>

#include "manage/manage.h"

namespace lockstep::manage {

std::string_view name_of(RoleName role) noexcept {
  switch (role) {
    case RoleName::read_only: return "ReadOnly";
    case RoleName::operate: return "Operator";
    case RoleName::administrator: return "Administrator";
  }
  return "ReadOnly";
}

std::optional<RoleName> parse_role(std::string_view name) noexcept {
  for (RoleName role : {RoleName::read_only, RoleName::operate, RoleName::administrator})
    if (name == name_of(role)) return role;
  return std::nullopt;
}

std::string_view name_of(JobState state) noexcept {
  switch (state) {
    case JobState::fresh: return "New";
    case JobState::starting: return "Starting";
    case JobState::running: return "Running";
    case JobState::suspended: return "Suspended";
    case JobState::shutting_down: return "Stopping";
    case JobState::completed: return "Completed";
    case JobState::terminated: return "Cancelled";
    case JobState::killed: return "Killed";
    case JobState::exception: return "Exception";
  }
  return "Exception";
}

std::string_view name_of(Severity severity) noexcept {
  switch (severity) {
    case Severity::information: return "Information";
    case Severity::warning: return "Warning";
    case Severity::critical: return "Critical";
  }
  return "Critical";
}

PoolAndName split_name(std::string_view text) {
  std::size_t slash = text.find('/');
  if (slash == std::string_view::npos) return {"", std::string(text)};
  return {std::string(text.substr(0, slash)), std::string(text.substr(slash + 1))};
}

bool good_name(std::string_view name) noexcept {
  if (name.empty() || name.size() > 100 || name[0] == '.' || name[0] == '-') return false;
  return std::ranges::all_of(name, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-';
  });
}

}  // namespace lockstep::manage
