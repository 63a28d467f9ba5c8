// Signals: what the process is told from outside, as callbacks on one loop.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "os/real/fd.h"
#include "os/real/io_loop.h"

namespace lockstep::os::real {

// Dies on its loop's thread, or after the loop has stopped.
class SignalWatch {
 public:
  // Blocks `signals` for the calling thread and whatever it starts later.
  SignalWatch(IoLoop& loop, const std::vector<int>& signals, std::move_only_function<void(int)> callback);
  SignalWatch(const SignalWatch&) = delete;
  SignalWatch& operator=(const SignalWatch&) = delete;

 private:
  struct Armed : Completion {
    SignalWatch* watch = nullptr;
  };
  void look();

  IoLoop& loop_;
  Fd fd_;
  std::unique_ptr<SocketPort> port_;
  std::move_only_function<void(int)> callback_;
  Armed armed_;
};

}  // namespace lockstep::os::real
