// Parser: bytes to requests. Private to http.
#pragma once

#include <cstddef>
#include <expected>
#include <memory>
#include <string>
#include <string_view>

#include "http/http.h"

namespace lockstep::http {

// The answer that a request earns which cannot be passed on.
struct Rejected {
  unsigned status = 400;
  std::string reason;
};

// One request. After done(), take() it and make another parser for the next.
class Parser {
 public:
  explicit Parser(const Options& options);
  ~Parser();

  // How many of `bytes` were used; 0 means that more must be there first. Bytes behind the request are left.
  std::expected<std::size_t, Rejected> put(std::string_view bytes);

  [[nodiscard]] bool header_done() const;
  [[nodiscard]] bool done() const;
  // The client waits for "100 Continue" before it sends the body.
  [[nodiscard]] bool waits_for_continue() const;
  [[nodiscard]] bool keep_alive() const;
  [[nodiscard]] bool chunks_allowed() const;   // HTTP/1.1

  // Target split and decoded. Only after done(), once.
  std::expected<Request, Rejected> take();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// Fills path, segments and query from target. False when it is no origin form, absolute form or "*".
[[nodiscard]] bool split_target(Request& request);

}  // namespace lockstep::http
