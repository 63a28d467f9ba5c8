// Workers: a few threads for calls that block. A job shares nothing; its end goes back to the loop that asked.
// Used from every loop. Ends after the jobs that were taken; those still waiting then are dropped unrun.
#pragma once

#include <condition_variable>
#include <deque>
#include <mutex>
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
  std::deque<Job> waiting_;     // by mutex_; as many as tasks that wait for one
  std::size_t idle_ = 0;        // by mutex_
  bool ending_ = false;         // by mutex_
  std::vector<std::thread> threads_;
};

// Signals are the control loop's: every other thread blocks all that do not come from its own faults.
void block_signals_of_this_thread();
void name_this_thread(const std::string& name);   // cut to what the system takes

}  // namespace lockstep::os::real
