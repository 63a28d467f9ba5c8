// Exports: the system's volumes, for NBD.
#pragma once

#include "manage/manage.h"
#include "nbd/nbd.h"

namespace lockstep::daemon {

class SystemExports final : public nbd::Exports {
 public:
  explicit SystemExports(manage::System& system) : system_(system) {}
  rt::Task<Result<std::vector<nbd::Listed>>> list() override;
  rt::Task<Result<nbd::Found>> find(std::string name) override;

 private:
  manage::System& system_;
};

// Prometheus lines of the NBD server's counters.
[[nodiscard]] std::string metrics_of(const nbd::Server& server);

}  // namespace lockstep::daemon
