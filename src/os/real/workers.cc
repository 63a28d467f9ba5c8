#include "os/real/workers.h"

#include <pthread.h>

#include <string>
#include <utility>

#include "os/real/loop_core.h"

namespace lockstep::os::real {

Workers::Workers(unsigned threads) {
  CHECK(threads > 0);
  SignalsBlocked blocked;
  for (unsigned i = 0; i < threads; ++i) {
    threads_.emplace_back([this, i] {
      name_this_thread("worker-" + std::to_string(i));
      serve();
    });
  }
}

Workers::~Workers() {
  {
    std::lock_guard lock(mutex_);
    ending_ = true;
  }
  changed_.notify_all();
  for (std::thread& thread : threads_) thread.join();
}

void Workers::run(LoopCore& home, rt::Callback job, rt::Callback done) {
  bool wake = false;
  {
    std::lock_guard lock(mutex_);
    waiting_.push_back(Job{&home, std::move(job), std::move(done)});
    wake = idle_ > 0;
  }
  if (wake) changed_.notify_one();
}

void Workers::serve() {
  std::unique_lock lock(mutex_);
  while (true) {
    while (waiting_.empty() && !ending_) {
      ++idle_;
      changed_.wait(lock);
      --idle_;
    }
    if (ending_) return;
    Job job = std::move(waiting_.front());
    waiting_.pop_front();
    lock.unlock();
    job.job();
    job.job = nullptr;  // what it owns dies here, not on the loop
    job.home->job_ended(std::move(job.done));
    lock.lock();
  }
}

SignalsBlocked::SignalsBlocked() {
  sigset_t all;
  sigfillset(&all);
  for (int own : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGTRAP, SIGSYS}) sigdelset(&all, own);
  CHECK(pthread_sigmask(SIG_BLOCK, &all, &before_) == 0);
}
SignalsBlocked::~SignalsBlocked() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }

void name_this_thread(const std::string& name) {
  pthread_setname_np(pthread_self(), name.substr(0, 15).c_str());
}

}  // namespace lockstep::os::real
