// Real: this machine as a Host. io_uring where the kernel allows it, else epoll and threads; nobody above can
// tell. Promises: one thread per loop, one for control (whoever calls run_control), a few workers; no other
// thread ever runs
//           a callback or resumes a coroutine. Sockets never raise SIGPIPE.
// Refuses:  to end while a loop still has work that it was not told to stop: end what you started, then the
// host.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "os/os.h"

namespace lockstep::os::real {

enum class Io {
  automatic,  // uring when it works here, else threads
  uring,      // or the process ends with the reason: for tests
  threads,
};
[[nodiscard]] std::string_view name_of(Io io) noexcept;

struct RealOptions {
  Io io = Io::automatic;
  unsigned worker_threads = 0;  // 0: twice the processors, at least 4
  Duration busy_poll{
      0};  // how long an idle loop looks around before it sleeps; costs that much processor time
  std::function<void(std::string_view)> log;  // called from any thread, a line at a time
};

class RealHost final : public Host {
 public:
  explicit RealHost(RealOptions options);
  ~RealHost() override;  // on the thread of run_control(); ends the loops that still run

  [[nodiscard]] const rt::Clock& clock() override;
  [[nodiscard]] Random& random() override;
  [[nodiscard]] os::Files& files() override;
  [[nodiscard]] os::Net& net() override;
  [[nodiscard]] os::Tls& tls() override;
  rt::Loop& start_loop(std::string name) override;
  // Returns when the loop's thread has ended. Not from that loop itself.
  void end_loop(rt::Loop& loop) override;
  [[nodiscard]] std::vector<LoopReport> loops() const override;  // the control loop first

  [[nodiscard]] rt::Loop& control_loop();
  void run_control();            // on the calling thread, always the same one, until stop_control()
  void stop_control() noexcept;  // from any thread or signal handler; before run_control(), it makes that
                                 // return at once

  // Runs `callback` on the control loop for each of these signals, which from then on do nothing else. Before
  // any other thread of the process is started, or those could still be hit; the host's own threads never
  // are.
  using SignalCallback = std::move_only_function<void(int signal)>;
  void on_signal(const std::vector<int>& signals, SignalCallback callback);

  [[nodiscard]] Io io() const;                             // what is in use: uring or threads
  [[nodiscard]] const std::string& why_not_uring() const;  // empty when it is in use or was not asked for

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

}  // namespace lockstep::os::real
