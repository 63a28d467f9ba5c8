// Jobs: work that may outlive the call that began it. Private to manage.
// Promises: a job that was returned to a caller is in the book: after a restart it goes on waiting for what was asked, or says why it
//           cannot; an ended job never changes again and stays for Options::jobs_kept, over restarts too.
#pragma once

#include <list>
#include <memory>
#include <string>
#include <vector>

#include "manage/book.h"
#include "manage/events.h"
#include "manage/manage.h"

namespace lockstep::manage {

class Jobs;

// What a restart waits for on the job's behalf: one of the states, or, without any, that the relationship is gone.
struct Awaited {
  RelationshipId relationship;
  std::vector<replica::CopyState> states;
};

// A job from the inside.
class JobHandle final : public replica::Watcher {
 public:
  explicit JobHandle(Jobs& jobs) : jobs_(jobs) {}
  void progress(Bytes done, Bytes total) override;
  rt::Stop& stop() override { return stop_; }

  void set_object(std::string name) { job_.object = std::move(name); }
  void set_result(std::string name) { job_.result = std::move(name); }
  void set_awaited(Awaited awaited) { awaited_ = std::move(awaited); }
  [[nodiscard]] bool cancelled() const { return cancelled_; }   // by somebody, not by the end of the system
  // From here on the call that began the job need not wait any longer.
  void reached();

 private:
  friend class Jobs;
  Jobs& jobs_;
  rt::Stop stop_;
  Job job_;
  std::optional<Awaited> awaited_;
  bool shown_ = false;       // a caller was told its id
  bool reached_ = false;
  bool cancelled_ = false;
};

class Work {
 public:
  virtual ~Work() = default;
  virtual rt::Task<Answer<>> run(JobHandle& job) = 0;
};

class Jobs {
 public:
  Jobs(os::Host& host, rt::Loop& loop, Book& book, Events& events, Duration kept);

  // Jobs that ran when the system stopped go on: `resume` makes the work that waits for what they were to bring about.
  using Resume = std::function<std::unique_ptr<Work>(Awaited)>;
  rt::Task<Result<>> load(Resume resume);
  void end_waits();
  rt::Task<void> stop();

  // How long the call itself waits: for JobHandle::reached(), and for the end after it.
  struct Patience {
    Duration until_reached;
    Duration after;
  };
  // Done in time: its outcome, and no job is left. Else the job, which goes on.
  rt::Task<Answer<Outcome>> run(std::string what, std::string object, std::unique_ptr<Work> work, Patience patience);

  [[nodiscard]] std::vector<Job> list() const;   // oldest first
  rt::Task<Answer<Job>> wait(JobId id, Duration at_most, bool or_progress);
  Answer<> cancel(JobId id);

 private:
  friend class JobHandle;
  struct Entry {
    explicit Entry(Jobs& jobs) : handle(jobs) {}
    JobHandle handle;
    std::unique_ptr<Work> work;
  };
  [[nodiscard]] Entry* find(JobId id);
  std::shared_ptr<Entry> begin(std::string what, std::string object, std::unique_ptr<Work> work);
  rt::Task<void> drive(std::shared_ptr<Entry> entry);
  rt::Task<Result<>> save(Job job, std::optional<Awaited> awaited);
  rt::Task<void> sweep();
  void tell(const Job& job, Severity severity);
  void moved() { changed_.wake_all(); }

  os::Host& host_;
  rt::Loop& loop_;
  Book& book_;
  Events& events_;
  Duration kept_;
  bool stopping_ = false;
  bool no_waits_ = false;
  std::list<std::shared_ptr<Entry>> entries_;   // shared: whoever waits for a job keeps it while it waits
  rt::Signal changed_;
  rt::Scope running_;
};

}  // namespace lockstep::manage
