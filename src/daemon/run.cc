#include "daemon/daemon.h"

#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>

#include "daemon/log.h"
#include "daemon/options.h"
#include "daemon/service.h"
#include "os/real/real.h"

namespace lockstep::daemon {
namespace {

os::real::Io io_of(const std::string& word) { return word == "uring" ? os::real::Io::uring : word == "threads" ? os::real::Io::threads : os::real::Io::automatic; }

rt::Task<void> serve_and_end(os::real::RealHost& host, Options options, Log& log, rt::Stop& stop, int& exit_code) {
  Result<> served = co_await serve(host, host.control_loop(), std::move(options), log, stop);
  if (!served) log.error(served.error().message);
  exit_code = served ? 0 : 1;
  host.stop_control();
}

}  // namespace

int run(int argc, char** argv) {
  Parsed parsed = parse(argc, argv);
  if (parsed.exit_code) return *parsed.exit_code;
  const Options& options = parsed.options;
  umask(S_IRWXG | S_IRWXO);
  Log log(options.log_level);

  os::real::RealOptions real;
  real.io = io_of(options.io);
  real.log = [&log](std::string_view line) { log.warn(line); };
  os::real::RealHost host(real);
  log.info("lockstepd " LOCKSTEP_VERSION ", input and output by " + std::string(os::real::name_of(host.io())) + (host.why_not_uring().empty() ? "" : " (" + host.why_not_uring() + ")"));

  int exit_code = 1;
  rt::Stop stop;
  host.on_signal({SIGTERM, SIGINT}, [&](int) {
    if (stop.requested()) {
      log.warn("told to stop again: ending at once; the next start replays the journal");
      std::fflush(stderr);
      _exit(1);
    }
    stop.request();
  });
  rt::Scope scope(host.control_loop());
  host.control_loop().post(rt::Callback([&] { scope.spawn(serve_and_end(host, options, log, stop, exit_code)); }));
  host.run_control();
  return exit_code;
}

}  // namespace lockstep::daemon
