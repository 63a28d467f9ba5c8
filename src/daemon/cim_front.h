// CimFront: the CIM server with its listeners; nothing of it runs where nobody asked for one.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "cim/cim.h"
#include "daemon/settings.h"
#include "http/http.h"
#include "manage/manage.h"
#include "os/os.h"

namespace lockstep::daemon {

class CimFront {
 public:
  struct Given {
    std::string version;
    unsigned uid = 0;
    os::Identity identity;
    std::vector<os::Address> nbd;          // where volumes are exported, as others reach it
  };
  // All must outlive it.
  CimFront(os::Host& host, rt::Loop& control, manage::System& system, const Settings& settings) : host_(host), control_(control), system_(system), settings_(settings) {}

  // Whatever it returns, stop() must be called before the end.
  rt::Task<Result<>> start(Given given);
  rt::Task<void> stop();
  [[nodiscard]] http::Counters counters() const { return server_ ? server_->counters() : http::Counters{}; }

 private:
  rt::Task<Result<std::string>> listener_authorities();

  os::Host& host_;
  rt::Loop& control_;
  manage::System& system_;
  const Settings& settings_;
  std::unique_ptr<cim::Provider> provider_;
  std::optional<cim::Service> service_;
  std::optional<http::Server> server_;
};

}  // namespace lockstep::daemon
