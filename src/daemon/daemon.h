// Daemon: the parts of a system, put together and run: manage, REST, CIM-XML, NBD, the listener for peers.
// Lives on the control loop.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "daemon/cim_front.h"
#include "daemon/exports.h"
#include "daemon/settings.h"
#include "http/http.h"
#include "manage/manage.h"
#include "nbd/nbd.h"
#include "os/os.h"
#include "rest/rest.h"

namespace lockstep::daemon {

class Daemon {
 public:
  // `settings.data` is an absolute path. `version` and `uid`: of the process.
  Daemon(os::Host& host, rt::Loop& control, Settings settings, std::string version, unsigned uid);

  // From start to stop(). An error says why it did not come up; what was started is stopped.
  rt::Task<Result<>> run();
  void stop();   // begin the end

 private:
  rt::Task<Result<>> start();
  rt::Task<Result<>> start_rest();
  rt::Task<Result<>> start_nbd();
  rt::Task<Result<>> start_peers();
  rt::Task<Result<>> start_cim();
  rt::Task<Result<os::Identity>> identity_for_clients();
  rt::Task<void> log_events();
  rt::Task<void> end();
  [[nodiscard]] manage::System::Hooks hooks();
  [[nodiscard]] os::Address socket(const std::string& name) const;

  os::Host& host_;
  rt::Loop& control_;
  Settings settings_;
  std::string version_;
  unsigned uid_;
  rt::Stop stop_;
  rt::Signal stopped_;
  rt::Scope tasks_;
  os::Identity identity_;                     // for HTTPS, NBD and CIM
  std::unique_ptr<manage::System> system_;
  std::optional<Exports> exports_;
  std::optional<nbd::Server> nbd_;
  std::vector<os::Address> nbd_at_;           // on TCP, as others reach it
  std::optional<CimFront> cim_;
  std::optional<rest::Service> rest_;
  std::optional<http::Server> http_;
};

}  // namespace lockstep::daemon
