// Host: one machine: its clock, randomness, files, network and loops.
#pragma once

#include <string>
#include <vector>

#include "os/file.h"
#include "os/random.h"
#include "os/stream.h"
#include "os/tls.h"
#include "rt/rt.h"

namespace lockstep::os {

// How a loop keeps the promise that nothing holds it for long.
struct LoopReport {
  std::string name;
  std::uint64_t stalls = 0;   // turns of more than a millisecond, since it was started
  Duration longest{0};        // turn
};

class Host {
 public:
  virtual ~Host() = default;
  [[nodiscard]] virtual const rt::Clock& clock() = 0;
  [[nodiscard]] virtual Random& random() = 0;
  [[nodiscard]] virtual Files& files() = 0;
  [[nodiscard]] virtual Net& net() = 0;
  [[nodiscard]] virtual Tls& tls() = 0;

  // A loop of its own (a thread, in os/real), running from here on; it ends with the host, or at end_loop when idle.
  virtual rt::Loop& start_loop(std::string name) = 0;
  virtual void end_loop(rt::Loop& loop) = 0;
  // Those that run now. None where time is virtual. From any thread.
  [[nodiscard]] virtual std::vector<LoopReport> loops() const { return {}; }
};

}  // namespace lockstep::os
