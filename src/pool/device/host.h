// DeviceHost: the machine, with the files of a device where that device has its path.
#pragma once

#include <memory>
#include <string>

#include "pool/device/files.h"

namespace lockstep::pool::device {

class DeviceHost final : public os::Host {
 public:
  DeviceHost(os::Host& below, std::unique_ptr<Device> device) : below_(below), files_(std::move(device)) {}
  [[nodiscard]] const rt::Clock& clock() override { return below_.clock(); }
  [[nodiscard]] os::Random& random() override { return below_.random(); }
  [[nodiscard]] os::Files& files() override { return files_; }
  [[nodiscard]] os::Net& net() override { return below_.net(); }
  [[nodiscard]] os::Tls& tls() override { return below_.tls(); }
  rt::Loop& start_loop(std::string name) override { return below_.start_loop(std::move(name)); }
  void end_loop(rt::Loop& loop) override { below_.end_loop(loop); }
  [[nodiscard]] std::vector<os::LoopReport> loops() const override { return below_.loops(); }

 private:
  os::Host& below_;
  DeviceFiles files_;
};

}  // namespace lockstep::pool::device
