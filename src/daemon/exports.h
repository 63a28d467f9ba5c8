// Exports: the system's volumes for NBD, each under POOL/VOLUME; with a single volume, "" means that one.
#pragma once

#include "manage/manage.h"
#include "nbd/nbd.h"

namespace lockstep::daemon {

class Exports final : public nbd::Exports {
 public:
  explicit Exports(manage::System& system) : system_(system) {}
  rt::Task<Result<std::vector<nbd::Listed>>> list() override;
  rt::Task<Result<nbd::Found>> find(std::string name) override;

 private:
  manage::System& system_;
};

}  // namespace lockstep::daemon
