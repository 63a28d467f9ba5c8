#include "rest/json.h"

#include <chrono>
#include <cstdio>

#include "http/http.h"

namespace lockstep::rest {

namespace {

void write(std::string& out, const json::value& value) {
  switch (value.kind()) {
    case json::kind::double_: {
      char text[40];
      std::snprintf(text, sizeof text, "%.9g", value.get_double());
      out += text;
      return;
    }
    case json::kind::array: {
      char before = '[';
      for (const json::value& item : value.get_array()) {
        out += before;
        write(out, item);
        before = ',';
      }
      out += before == '[' ? "[]" : "]";
      return;
    }
    case json::kind::object: {
      char before = '{';
      for (const auto& property : value.get_object()) {
        out += before;
        out += json::serialize(property.key());
        out += ':';
        write(out, property.value());
        before = ',';
      }
      out += before == '{' ? "{}" : "}";
      return;
    }
    default: out += json::serialize(value);
  }
}

}  // namespace

std::string text_of_json(const json::value& value) {
  std::string out;
  write(out, value);
  return out;
}

std::string time_text(WallTime time) {
  using namespace std::chrono;
  sys_time<microseconds> at{microseconds(time.us)};
  sys_days day = floor<days>(at);
  year_month_day date{day};
  hh_mm_ss clock{at - day};
  char text[48];
  std::snprintf(text, sizeof text, "%04d-%02u-%02uT%02d:%02d:%02d.%06dZ", static_cast<int>(date.year()), static_cast<unsigned>(date.month()),
                static_cast<unsigned>(date.day()), static_cast<int>(clock.hours().count()), static_cast<int>(clock.minutes().count()),
                static_cast<int>(clock.seconds().count()), static_cast<int>(clock.subseconds().count()));
  return text;
}

json::value time_or_null(WallTime time) { return time.us == 0 ? json::value(nullptr) : json::value(time_text(time)); }
json::value text_or_null(std::string_view text) { return text.empty() ? json::value(nullptr) : json::value(text); }

namespace {

std::string below(std::string_view base, std::string_view collection, std::string_view id) {
  return std::string(base) + "/" + std::string(collection) + "/" + http::percent_encoded(id);
}
std::string joined(std::string_view a, std::string_view b) { return std::string(a) + ":" + std::string(b); }

}  // namespace

std::string pool_path(std::string_view pool) { return below(storage_path, "StoragePools", pool); }
std::string volume_path(std::string_view pool, std::string_view volume) { return below(storage_path, "Volumes", joined(pool, volume)); }
std::string group_path(std::string_view pool, std::string_view group) { return below(storage_path, "ConsistencyGroups", joined(pool, group)); }
std::string snapshot_path(std::string_view pool, std::string_view group, std::string_view snapshot) {
  return below(oem_path, "Snapshots", joined(joined(pool, group), snapshot));
}
std::string recovery_points_path(std::string_view pool, std::string_view group) { return below(oem_path, "RecoveryPoints", joined(pool, group)); }
std::string drill_path(std::string_view pool, std::string_view group) { return below(oem_path, "Drills", joined(pool, group)); }
std::string relationship_path(std::string_view name) { return below(oem_path, "Relationships", name); }
std::string peer_path(std::string_view name) { return below(oem_path, "Peers", name); }
std::string task_path(std::string_view id) { return below(root_path, "TaskService/Tasks", id); }
std::string monitor_path(std::string_view id) { return below(root_path, "TaskService/TaskMonitors", id); }

std::string name_of_id(std::string_view id) {
  std::string name(id);
  if (std::size_t colon = name.find(':'); colon != std::string::npos) name[colon] = '/';
  return name;
}

std::string name_of_reference(std::string_view text) {
  std::size_t scheme = text.find("://");
  if (!text.starts_with('/') && scheme == std::string_view::npos) return std::string(text);
  while (text.ends_with('/')) text.remove_suffix(1);
  return name_of_id(http::percent_decoded(text.substr(text.rfind('/') + 1)));
}

}  // namespace lockstep::rest
