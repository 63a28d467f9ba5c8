#include "manage/jobs.h"

#include <algorithm>
#include <utility>

#include "manage/refusal.h"

namespace lockstep::manage {

namespace {

constexpr std::size_t jobs_most = 10000;

// The signal wakes at the given time; forgotten with it.
class Alarm {
 public:
  Alarm(rt::Loop& loop, rt::Signal& signal, Duration within) : loop_(loop), until_(loop.clock().now() + within), timer_(loop.at(until_, [&signal] { signal.wake_all(); })) {}
  ~Alarm() { loop_.cancel(timer_); }
  Alarm(const Alarm&) = delete;
  Alarm& operator=(const Alarm&) = delete;
  [[nodiscard]] bool passed() const { return loop_.clock().now() >= until_; }

 private:
  rt::Loop& loop_;
  Instant until_;
  rt::Loop::TimerId timer_;
};

unsigned percent_of(Bytes done, Bytes total) {
  if (total.value == 0) return 0;
  return static_cast<unsigned>(std::min<double>(99, 100.0 * static_cast<double>(done.value) / static_cast<double>(total.value)));
}

}  // namespace

void JobHandle::progress(Bytes done, Bytes total) {
  unsigned percent = percent_of(done, total);
  bool visible = percent != job_.percent;
  job_.done = done;
  job_.total = total;
  job_.percent = percent;
  if (!visible) return;
  job_.changed = jobs_.loop_.clock().wall();
  jobs_.moved();
}

void JobHandle::reached() {
  reached_ = true;
  jobs_.moved();
}

Jobs::Jobs(os::Host& host, rt::Loop& loop, Book& book, Events& events, Duration kept)
    : host_(host), loop_(loop), book_(book), events_(events), kept_(kept), changed_(loop), running_(loop) {}

std::shared_ptr<Jobs::Entry> Jobs::begin(std::string what, std::string object, std::unique_ptr<Work> work) {
  auto entry = std::make_shared<Entry>(*this);
  Job& job = entry->handle.job_;
  job.id = host_.random().id<JobId>();
  job.what = std::move(what);
  job.object = std::move(object);
  job.state = JobState::running;
  job.submitted = job.started = job.changed = loop_.clock().wall();
  entry->work = std::move(work);
  entries_.push_back(entry);
  running_.spawn(drive(entry));
  return entry;
}

rt::Task<void> Jobs::drive(std::shared_ptr<Entry> entry) {
  JobHandle& handle = entry->handle;
  Answer<> answer = co_await entry->work->run(handle);
  if (stopping_ && !answer && !handle.cancelled_) {   // goes on after the restart
    handle.reached_ = true;
    moved();
    co_return;
  }
  Job& job = handle.job_;
  job.ended = job.changed = loop_.clock().wall();
  if (answer) {
    job.state = JobState::completed;
    job.percent = 100;
    job.done = std::max(job.done, job.total);
  } else {
    job.state = handle.cancelled_ ? JobState::terminated : JobState::exception;
    job.error = std::move(answer).error();
  }
  job.cancellable = false;
  handle.reached_ = true;
  if (handle.shown_) {
    ignore(co_await save(job, std::nullopt), "a job whose end cannot be written is looked at again after a restart");
    tell(job, job.state == JobState::exception ? Severity::warning : Severity::information);
  }
  moved();
}

void Jobs::tell(const Job& job, Severity severity) {
  Event event;
  event.severity = severity;
  event.kind = "Job";
  event.object_type = "Job";
  event.object = text_of(job.id);
  event.after = name_of(job.state);
  event.cause = job.error ? job.what + ": " + job.error->message : job.what;
  events_.emit(std::move(event));
}

rt::Task<Answer<Outcome>> Jobs::run(std::string what, std::string object, std::unique_ptr<Work> work, Patience patience) {
  if (stopping_) co_return wrong_state(object, "the system is stopping", "Try again when it is back.");
  if (entries_.size() >= jobs_most) co_return refuse(Refusal{ReturnCode::insufficient_resources, "there are " + std::to_string(jobs_most) + " jobs", "Wait until some have ended.", object, Code::no_space});
  std::shared_ptr<Entry> entry = begin(std::move(what), std::move(object), std::move(work));
  JobHandle& handle = entry->handle;
  {
    Alarm alarm(loop_, changed_, patience.until_reached);
    while (!handle.reached_ && !alarm.passed()) co_await changed_.wait();
  }
  if (!ended(handle.job_.state)) {
    Alarm alarm(loop_, changed_, patience.after);
    while (!ended(handle.job_.state) && !alarm.passed() && !stopping_) co_await changed_.wait();
  }
  if (ended(handle.job_.state)) {
    std::erase(entries_, entry);
    if (handle.job_.error) co_return refuse(*handle.job_.error);
    Outcome outcome;
    outcome.object = handle.job_.result.empty() ? handle.job_.object : handle.job_.result;
    co_return outcome;
  }
  handle.shown_ = true;
  Result<> saved = co_await save(handle.job_, handle.awaited_);
  if (saved && ended(handle.job_.state)) saved = co_await save(handle.job_, std::nullopt);   // it ended while it was being written down
  if (!saved) co_return refuse(saved.error(), handle.job_.object);
  if (!ended(handle.job_.state)) tell(handle.job_, Severity::information);
  Outcome outcome;
  outcome.job = handle.job_.id;
  outcome.object = handle.job_.object;
  co_return outcome;
}

std::vector<Job> Jobs::list() const {
  std::vector<Job> out;
  for (const auto& entry : entries_)
    if (entry->handle.shown_) out.push_back(entry->handle.job_);
  return out;
}

Jobs::Entry* Jobs::find(JobId id) {
  for (const auto& entry : entries_)
    if (entry->handle.job_.id == id && entry->handle.shown_) return entry.get();
  return nullptr;
}

rt::Task<Answer<Job>> Jobs::wait(JobId id, Duration at_most, bool or_progress) {
  std::shared_ptr<Entry> entry;
  for (const auto& candidate : entries_)
    if (candidate->handle.job_.id == id && candidate->handle.shown_) entry = candidate;
  if (!entry) co_return no_such("job", text_of(id));
  const Job& job = entry->handle.job_;
  JobState state = job.state;
  unsigned percent = job.percent;
  Alarm alarm(loop_, changed_, at_most);
  while (!ended(job.state) && !alarm.passed() && !no_waits_ && !(or_progress && (job.state != state || job.percent != percent))) co_await changed_.wait();
  co_return job;
}

Answer<> Jobs::cancel(JobId id) {
  Entry* entry = find(id);
  if (!entry) return no_such("job", text_of(id));
  Job& job = entry->handle.job_;
  if (job.state == JobState::shutting_down) return {};
  if (ended(job.state)) return wrong_state(text_of(id), "job '" + job.what + "' has ended", "There is nothing left to cancel; `lockstep job show " + text_of(id) + "` says how it ended.");
  if (!job.cancellable) return refuse(Refusal{ReturnCode::not_supported, "job '" + job.what + "' cannot be cancelled", "Wait for its end.", text_of(id), Code::unsupported});
  job.state = JobState::shutting_down;
  job.changed = loop_.clock().wall();
  entry->handle.cancelled_ = true;
  moved();
  entry->handle.stop_.request();
  return {};
}

void Jobs::end_waits() {
  no_waits_ = true;
  moved();
}

rt::Task<void> Jobs::stop() {
  end_waits();
  stopping_ = true;
  for (const auto& entry : std::vector(entries_.begin(), entries_.end())) entry->handle.stop_.request();
  moved();
  co_await running_.stop_and_join();
  entries_.clear();
}

rt::Task<void> Jobs::sweep() {
  Duration every = std::min<Duration>(kept_ / 4 + std::chrono::milliseconds(1), std::chrono::seconds(10));
  while (true) {
    bool goes_on = co_await rt::sleep_for(loop_, every, running_.stop());
    if (!goes_on) co_return;
    std::int64_t before = loop_.clock().wall().us - std::chrono::duration_cast<std::chrono::microseconds>(kept_).count();
    std::vector<JobId> old;
    for (const auto& entry : entries_)
      if (ended(entry->handle.job_.state) && entry->handle.shown_ && entry->handle.job_.ended.us < before) old.push_back(entry->handle.job_.id);
    if (old.empty()) continue;
    Book::Job job = [&](db::Connection& connection) -> Result<> {
      for (JobId id : old) TRY_VOID(connection.run("DELETE FROM jobs WHERE id = ?", id));
      return {};
    };
    Result<> removed = co_await book_.run(std::move(job));
    if (!removed) continue;
    entries_.remove_if([&](const auto& entry) { return std::ranges::find(old, entry->handle.job_.id) != old.end(); });
  }
}

}  // namespace lockstep::manage
