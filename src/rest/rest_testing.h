// For tests of rest: requests as a client would send them, answered by a system on a simulated host.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "http/http.h"
#include "manage/manage_testing.h"
#include "rest/json.h"
#include "rest/rest.h"

namespace lockstep::rest::testing {

inline http::Request request_for(std::string method, std::string target, std::string body = {}) {
  http::Request request;
  request.method = std::move(method);
  request.target = target;
  request.body = std::move(body);
  request.secure = true;
  std::size_t query = target.find('?');
  request.path = target.substr(0, query);
  std::string_view path = request.path;
  while (!path.empty()) {
    path.remove_prefix(1);
    std::size_t end = std::min(path.find('/'), path.size());
    if (end > 0) request.segments.push_back(http::percent_decoded(path.substr(0, end)));
    path.remove_prefix(end);
  }
  if (query == std::string::npos) return request;
  std::string_view rest = std::string_view(target).substr(query + 1);
  while (!rest.empty()) {
    std::size_t end = std::min(rest.find('&'), rest.size());
    std::string_view one = rest.substr(0, end);
    std::size_t equal = std::min(one.find('='), one.size());
    request.query.emplace_back(one.substr(0, equal), http::percent_decoded(one.substr(std::min(equal + 1, one.size()))));
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  return request;
}

struct Got {
  unsigned status = 0;
  json::object body;
  std::string text;
  std::vector<http::Field> fields;
  [[nodiscard]] std::string field(std::string_view name) const {
    for (const http::Field& f : fields)
      if (http::equal_ignoring_case(f.name, name)) return f.value;
    return "";
  }
  // "InvalidParameter 5 Mode": the message's key, return code and parameter.
  [[nodiscard]] std::string refusal() const {
    if (!body.contains("error")) return "none";
    const json::object& info = body.at("error").at("@Message.ExtendedInfo").at(0).as_object();
    std::string id(info.at("MessageId").as_string());
    const json::object& oem = info.at("Oem").at("Lockstep").as_object();
    return id.substr(id.rfind('.') + 1) + " " + std::to_string(oem.at("ReturnCode").to_number<std::uint64_t>()) + " " + std::string(oem.at("Parameter").as_string());
  }
};

class TestRest : public manage::testing::TestSystem {
 public:
  TestRest() {
    start();
    options_.version = "1.2.3";
    options_.own_uid = 1000;
    service = std::make_unique<Service>(*system, host.loop(), options_);
  }
  Got ask(http::Request request) {
    http::Response response = run(service->handle(std::move(request)));
    Got got;
    got.status = response.status;
    got.fields = std::move(response.fields);
    got.text = response.body;
    pieces = std::move(response.pieces);
    if (!response.body.empty() && response.body[0] == '{') got.body = json::parse(response.body).as_object();
    return got;
  }
  // As root at the local socket.
  Got ask(std::string method, std::string target, std::string body = {}) {
    http::Request request = request_for(std::move(method), std::move(target), std::move(body));
    request.uid = 0;
    return ask(std::move(request));
  }
  Got get(std::string target) { return ask("GET", std::move(target)); }
  Got post(std::string target, std::string body) { return ask("POST", std::move(target), std::move(body)); }

  Options options_;
  std::unique_ptr<Service> service;
  std::unique_ptr<http::Pieces> pieces;
};

inline const std::string S = "/redfish/v1/Storage/Lockstep";
inline const std::string L = "/redfish/v1/Oem/Lockstep";

}  // namespace lockstep::rest::testing
