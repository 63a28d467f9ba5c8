// Client: one HTTP request at a time, over the control socket or HTTPS.
#pragma once

#include <string>

#include "base/base.h"

namespace lockstep::cli {

struct Target {
  std::string socket;                // path of a control socket; or:
  std::string url;                   // https://host:port
  std::string user, password;        // with url
  std::string certificate;           // with url: PEM file of the system's own certificate (or of a CA) to trust
};

struct Response {
  int status = 0;
  std::string body;
  std::string location;
};

// unreachable: nobody answers there. Waits at most 5 minutes for an answer.
[[nodiscard]] Result<Response> request(const Target& target, const std::string& method, const std::string& path, const std::string& body);

}  // namespace lockstep::cli
