// lockstepd: one storage system.
#include <malloc.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <iostream>

#include "daemon/daemon.h"
#include "daemon/log.h"
#include "daemon/settings.h"
#include "os/real/real.h"

namespace {

using namespace lockstep;

int check_config(const std::string& file) {
  daemon::Settings settings;
  daemon::Checked<> read = daemon::read_config_file(file, settings);
  if (read) {
    std::cout << file << ": ok\n";
    return 0;
  }
  for (const std::string& fault : read.error()) std::cerr << fault << "\n";
  return 1;
}

os::real::RealOptions host_options(const daemon::Settings& settings) {
  os::real::RealOptions options;
  options.io = settings.io == daemon::IoChoice::uring     ? os::real::Io::uring
               : settings.io == daemon::IoChoice::threads ? os::real::Io::threads
                                                          : os::real::Io::automatic;
  options.worker_threads = settings.workers;
  options.busy_poll = settings.busy_poll;
  options.log = [](std::string_view line) { daemon::log(daemon::Level::info, line); };
  return options;
}

rt::Task<void> run(daemon::Daemon* daemon, os::real::RealHost* host, const daemon::Settings* settings, int* status) {
  Result<> done = co_await daemon->run();
  if (!done) {
    std::string message = done.error().message;
    if (done.error().code == Code::busy) message += "; another lockstepd serves " + settings->data;
    daemon::log(daemon::Level::error, message);
    *status = 1;
  }
  host->stop_control();
}

// Before the first thread is started, the log's too: each inherits this, and only the control loop hears of them.
void keep_signals_for_the_control_loop() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
}

// What was freed serves the next request: a fresh page costs more than what is copied into it, above all in a virtual machine whose
// host takes back what its guest does not use. By itself the C library gives buffers of 128 KiB and more, and the upper end of each heap, back
// to the kernel as soon as they are free.
void keep_freed_memory() {
  constexpr int own_mapping_from = 32 << 20;   // bytes; the most that is allowed
  constexpr int kept_at_end_of_heap = 64 << 20;
  mallopt(M_MMAP_THRESHOLD, own_mapping_from);
  mallopt(M_TRIM_THRESHOLD, kept_at_end_of_heap);
}

int serve(daemon::Settings settings) {
  keep_freed_memory();
  umask(077);
  keep_signals_for_the_control_loop();
  std::error_code error;
  settings.data = std::filesystem::absolute(settings.data, error).lexically_normal().string();
  while (settings.data.size() > 1 && settings.data.ends_with('/')) settings.data.pop_back();
  if (settings.data.size() + std::string("/control.sock").size() > 107) {
    std::cerr << "lockstepd: --data " << settings.data << " is too long: sockets in it could not be reached (at most 94 bytes)\n";
    return 2;
  }
  daemon::open_log(settings.log_level);
  int status = 0;
  {
    os::real::RealHost host(host_options(settings));
    daemon::Daemon daemon(host, host.control_loop(), settings, LOCKSTEP_VERSION, getuid());
    int asked = 0;
    host.on_signal({SIGTERM, SIGINT}, [&](int) {
      if (++asked > 1) std::_Exit(1);   // whoever asks twice does not want to wait
      daemon.stop();
    });
    rt::Scope scope(host.control_loop());
    host.control_loop().post(rt::Callback([&] { scope.spawn(run(&daemon, &host, &settings, &status)); }));
    host.run_control();
  }
  daemon::close_log();
  return status;
}

}  // namespace

int main(int argc, char** argv) {
  daemon::CommandLine line = daemon::parse_command_line(argc, argv);
  if (line.exit_now) return *line.exit_now;
  if (line.check_config) return check_config(*line.check_config);
  return serve(std::move(line.settings));
}
