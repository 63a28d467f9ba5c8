#include "http/reply.h"

#include <array>
#include <chrono>
#include <cstdio>
#include <utility>

namespace lockstep::http {

std::string_view reason_of(unsigned status) noexcept {
  static constexpr std::pair<unsigned, std::string_view> reasons[] = {
      {100, "Continue"}, {200, "OK"}, {201, "Created"}, {202, "Accepted"}, {204, "No Content"}, {207, "Multi-Status"}, {301, "Moved Permanently"},
      {304, "Not Modified"}, {308, "Permanent Redirect"}, {400, "Bad Request"}, {401, "Unauthorized"}, {403, "Forbidden"}, {404, "Not Found"},
      {405, "Method Not Allowed"}, {406, "Not Acceptable"}, {408, "Request Timeout"}, {409, "Conflict"}, {410, "Gone"}, {411, "Length Required"},
      {412, "Precondition Failed"}, {413, "Content Too Large"}, {415, "Unsupported Media Type"}, {417, "Expectation Failed"},
      {428, "Precondition Required"}, {429, "Too Many Requests"}, {431, "Request Header Fields Too Large"}, {500, "Internal Server Error"},
      {501, "Not Implemented"}, {503, "Service Unavailable"}, {504, "Gateway Timeout"}, {505, "HTTP Version Not Supported"}, {507, "Insufficient Storage"}, {510, "Not Extended"}};
  for (const auto& [code, text] : reasons)
    if (code == status) return text;
  return "Status";
}

std::string date_of(WallTime time) {
  using namespace std::chrono;
  static constexpr std::array days = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  static constexpr std::array months = {"Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  sys_seconds at{floor<seconds>(microseconds(time.us))};
  sys_days day = floor<std::chrono::days>(at);
  year_month_day date{day};
  hh_mm_ss clock{at - day};
  char text[40];
  std::snprintf(text, sizeof text, "%s, %02u %s %04d %02d:%02d:%02d GMT", days[weekday{day}.c_encoding()], static_cast<unsigned>(date.day()),
                months[static_cast<unsigned>(date.month()) - 1], static_cast<int>(date.year()), static_cast<int>(clock.hours().count()),
                static_cast<int>(clock.minutes().count()), static_cast<int>(clock.seconds().count()));
  return text;
}

std::string chunk_head(std::size_t size) {
  char text[24];
  std::snprintf(text, sizeof text, "%zx\r\n", size);
  return text;
}

namespace {

void add(std::string& out, std::string_view name, std::string_view value) {
  out.append(name).append(": ");
  for (char c : value) out.push_back(c == '\r' || c == '\n' || c == '\0' ? ' ' : c);
  out.append("\r\n");
}

}  // namespace

std::string head_of(const Response& response, const Framing& framing, WallTime now) {
  std::string out = "HTTP/1.1 " + std::to_string(response.status) + " ";
  out.append(reason_of(response.status)).append("\r\n");
  add(out, "Date", date_of(now));
  for (const Field& field : response.fields) add(out, field.name, field.value);
  if (framing.chunked) add(out, "Transfer-Encoding", "chunked");
  if (framing.length) add(out, "Content-Length", std::to_string(*framing.length));
  add(out, "Connection", framing.keep_alive ? "keep-alive" : "close");
  out.append("\r\n");
  return out;
}

const std::string* Request::field(std::string_view name) const {
  for (const Field& field : fields)
    if (equal_ignoring_case(field.name, name)) return &field.value;
  return nullptr;
}

const std::string* Request::parameter(std::string_view name) const {
  for (const auto& [key, value] : query)
    if (key == name) return &value;
  return nullptr;
}

void Response::set(std::string_view name, std::string value) {
  std::erase_if(fields, [&](const Field& field) { return equal_ignoring_case(field.name, name); });
  fields.push_back({std::string(name), std::move(value)});
}

}  // namespace lockstep::http
