// Workers: a few threads for calls that block. A job shares nothing; its end goes back to the loop that
// asked. Used from every loop. Ends after the jobs that were taken; those still waiting then are dropped
// unrun.
#pragma once

#include <signal.h>

#include <condition_variable>
#include <deque>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "rt/rt.h"

namespace lockstep::os::real {

class LoopCore;

class Workers {
 public:
  explicit Workers(unsigned threads);
  ~Workers();

  void run(LoopCore& home, rt::Callback job, rt::Callback done);

 private:
  struct Job {
    LoopCore* home;
    rt::Callback job;
    rt::Callback done;
  };
  void serve();

  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Job> waiting_;  // by mutex_; as many as tasks that wait for one
  std::size_t idle_ = 0;     // by mutex_
  bool ending_ = false;      // by mutex_
  std::vector<std::thread> threads_;
};

// While one lives, the calling thread, and for ever every thread that it starts meanwhile, blocks all signals
// that do not come from its own faults. Signals are the control loop's: a thread that blocked them itself
// could be hit before.
class SignalsBlocked {
 public:
  SignalsBlocked();
  ~SignalsBlocked();
  SignalsBlocked(const SignalsBlocked&) = delete;
  SignalsBlocked& operator=(const SignalsBlocked&) = delete;

 private:
  sigset_t before_;
};
void name_this_thread(const std::string& name);  // cut to what the system takes

}  // namespace lockstep::os::real
