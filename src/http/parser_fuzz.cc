// Arbitrary bytes, cut in two where the first byte says: never a crash, and never a request that differs by the cut.
#include <cstddef>
#include <cstdint>
#include <string>

#include "http/parser.h"

namespace {

using namespace lockstep;

// The first request in `bytes`, as text; or why there is none.
std::string first_request(std::string_view bytes, std::size_t cut) {
  http::Options options;
  options.header_max = 4_KiB;
  options.body_max = 64_KiB;
  http::Parser parser(options);
  std::string buffer(bytes.substr(0, cut));
  bool fed_all = false;
  while (true) {
    auto used = parser.put(buffer);
    if (!used) return "rejected";
    buffer.erase(0, *used);
    if (parser.done()) break;
    if (*used > 0 && !buffer.empty()) continue;
    if (fed_all) return "more";
    buffer.append(bytes.substr(cut));
    fed_all = true;
  }
  auto request = parser.take();
  if (!request) return "rejected";
  std::string text = request->method + " " + request->path + "\n";
  for (const http::Field& field : request->fields) text += field.name + ": " + field.value + "\n";
  return text + request->body;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  std::string_view bytes(reinterpret_cast<const char*>(data) + 2, size - 2);
  std::size_t cut = bytes.empty() ? 0 : (std::size_t{data[0]} * 256 + data[1]) % (bytes.size() + 1);
  std::string whole = first_request(bytes, bytes.size());
  std::string parts = first_request(bytes, cut);
  if (whole != "rejected" && parts != "rejected") CHECK(whole == parts);
  return 0;
}
