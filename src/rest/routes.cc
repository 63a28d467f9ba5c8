#include <algorithm>
#include <array>
#include <charconv>

#include "rest/call.h"

namespace lockstep::rest {

namespace {

using Routes = std::span<const Route> (*)();
constexpr std::array all = {host_routes,           root_routes,     storage_routes,      pool_routes, volume_routes,  group_routes,
                            replica_action_routes, snapshot_routes, relationship_routes, peer_routes, token_routes, account_routes, session_routes,
                            task_routes,           event_routes,    registry_routes,     recovery_routes};

// True when the segments fit the pattern; what stands for "*" goes into `ids`.
bool fits(std::string_view pattern, std::span<const std::string> segments, std::vector<std::string>& ids) {
  ids.clear();
  std::size_t i = 0;
  while (!pattern.empty()) {
    std::size_t end = std::min(pattern.find('/'), pattern.size());
    std::string_view wanted = pattern.substr(0, end);
    if (i == segments.size()) return false;
    if (wanted == "*") ids.push_back(segments[i]);
    else if (wanted != segments[i]) return false;
    ++i;
    pattern.remove_prefix(std::min(end + 1, pattern.size()));
  }
  return i == segments.size();
}

std::optional<std::size_t> size_parameter(const http::Request& request, std::string_view name) {
  const std::string* text = request.parameter(name);
  if (!text) return std::nullopt;
  std::size_t value = 0;
  auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), value);
  if (error != std::errc{} || end != text->data() + text->size()) return std::nullopt;
  return value;
}

}  // namespace

Match find_route(const std::vector<std::string>& segments) {
  Match match;
  if (segments.size() < 2 || segments[0] != "redfish" || segments[1] != "v1") return match;
  std::span<const std::string> below(segments.begin() + 2, segments.end());
  for (Routes routes : all)
    for (const Route& route : routes())
      if (fits(route.pattern, below, match.ids)) {
        match.route = &route;
        return match;
      }
  return match;
}

std::string allowed_methods(const Route& route) {
  std::string out;
  auto add = [&](std::string_view method) { out += (out.empty() ? "" : ", ") + std::string(method); };
  if (route.get) {
    add("GET");
    add("HEAD");
  }
  if (route.post && !route.hide_post) add("POST");
  if (route.patch) add("PATCH");
  if (route.remove) add("DELETE");
  return out;
}

Reply collection(const Call& call, std::string_view type, std::string_view name, std::string path, std::vector<json::object> members) {
  std::size_t count = members.size();
  std::size_t skip = std::min(size_parameter(call.request, "$skip").value_or(0), count);
  std::size_t top = std::min(size_parameter(call.request, "$top").value_or(count), count - skip);
  bool expand = call.request.parameter("$expand") != nullptr;
  json::array list;
  for (std::size_t i = skip; i < skip + top; ++i) {
    if (expand) list.push_back(std::move(members[i]));
    else list.push_back(json::object{{"@odata.id", members[i].at("@odata.id")}});
  }
  json::object body;
  body["@odata.id"] = path;
  body["@odata.type"] = "#" + std::string(type) + "." + std::string(type);
  body["Name"] = name;
  body["Members"] = std::move(list);
  body["Members@odata.count"] = count;
  if (skip + top < count && top > 0) body["Members@odata.nextLink"] = path + "?$skip=" + std::to_string(skip + top) + "&$top=" + std::to_string(top) + (expand ? "&$expand=." : "");
  return ok(std::move(body));
}

Duration wait_of(const http::Request& request) { return std::chrono::seconds(std::min<std::size_t>(size_parameter(request, "wait").value_or(0), 60)); }

}  // namespace lockstep::rest
