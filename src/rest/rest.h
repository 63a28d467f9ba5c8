// Rest: manage as Redfish and Swordfish: JSON over HTTP. Paths, bodies and answers: docs/rest.md.
// Promises: every answer from 400 up is a Redfish error with the SM return code, the parameter or object and what to do; a body with
//           anything unknown in it changes nothing.
// Refuses:  credentials over a connection that others can read; deciding anything that manage decides.
// Lives on: the control loop.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "base/base.h"
#include "http/http.h"
#include "manage/manage.h"
#include "os/os.h"
#include "rt/rt.h"

namespace lockstep::rest {

struct Options {
  std::string version;                             // of the program
  unsigned own_uid = 0;                            // at the other end of a Unix socket, it and root are administrators
  Duration session_idle = std::chrono::minutes(30);
  std::size_t sessions_most = 64;
};

class Service final : public http::Handler {
 public:
  // `system` must outlive the service.
  Service(manage::System& system, rt::Loop& loop, Options options);
  ~Service() override;

  rt::Task<http::Response> handle(http::Request request) override;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace lockstep::rest
