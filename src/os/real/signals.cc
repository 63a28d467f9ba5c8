#include "os/real/signals.h"

#include <pthread.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <utility>

namespace lockstep::os::real {

SignalWatch::SignalWatch(IoLoop& loop, const std::vector<int>& signals,
                         std::move_only_function<void(int)> callback)
    : loop_(loop), callback_(std::move(callback)) {
  sigset_t set;
  sigemptyset(&set);
  for (int signal : signals) sigaddset(&set, signal);
  CHECK(pthread_sigmask(SIG_BLOCK, &set, nullptr) == 0);
  fd_ = Fd(::signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC));
  CHECK(fd_);
  armed_.watch = this;
  armed_.call = [](Completion& completion) {
    SignalWatch* self = static_cast<Armed&>(completion).watch;
    self->loop_.post(rt::Callback([self] { self->look(); }));
  };
  loop_.post(rt::Callback([this] {
    port_ = loop_.make_port(fd_.get());
    look();
  }));
}

// A signal comes one record at a time; the next wait is asked for only after a look that found none.
void SignalWatch::look() {
  signalfd_siginfo info{};
  while (::read(fd_.get(), &info, sizeof info) == static_cast<ssize_t>(sizeof info)) {
    callback_(static_cast<int>(info.ssi_signo));
  }
  port_->wait_readable(armed_);
}

}  // namespace lockstep::os::real
