// Jobs in the book: how they are written down and what becomes of them after a restart.
#include <algorithm>
#include <utility>

#include "manage/jobs.h"
#include "manage/refusal.h"

namespace lockstep::manage {

namespace {

std::string text_of_states(const std::vector<replica::CopyState>& states) {
  std::string out;
  for (replica::CopyState state : states) out += (out.empty() ? "" : " ") + std::to_string(static_cast<int>(state));
  return out;
}

std::vector<replica::CopyState> states_in(std::string_view text) {
  std::vector<replica::CopyState> out;
  int number = 0;
  bool any = false;
  for (char c : text) {
    if (c >= '0' && c <= '9') {
      number = number * 10 + (c - '0');
      any = true;
    } else if (std::exchange(any, false)) {
      out.push_back(static_cast<replica::CopyState>(std::exchange(number, 0)));
    }
  }
  if (any) out.push_back(static_cast<replica::CopyState>(number));
  return out;
}

struct Kept {
  Job job;
  std::optional<Awaited> awaited;
};

Kept kept_in(db::Statement& row) {
  Kept kept;
  Job& job = kept.job;
  job.id = row.get<JobId>(0);
  job.what = row.get<std::string>(1);
  job.object = row.get<std::string>(2);
  job.state = static_cast<JobState>(row.i64(3));
  job.percent = row.get<unsigned>(4);
  job.done = row.get<Bytes>(5);
  job.total = row.get<Bytes>(6);
  job.submitted = row.get<WallTime>(7);
  job.started = row.get<WallTime>(8);
  job.changed = row.get<WallTime>(9);
  job.ended = row.get<WallTime>(10);
  if (auto code = row.get<std::uint32_t>(11); code != 0) {
    Refusal error;
    error.code = static_cast<ReturnCode>(code);
    error.kind = static_cast<Code>(row.i64(12));
    error.message = row.get<std::string>(13);
    error.next_step = row.get<std::string>(14);
    error.parameter = row.get<std::string>(15);
    job.error = std::move(error);
  }
  job.result = row.get<std::string>(16);
  if (auto awaits = row.get<std::optional<RelationshipId>>(17)) kept.awaited = Awaited{*awaits, states_in(row.text(18))};
  job.cancellable = !ended(job.state);
  return kept;
}

}  // namespace

rt::Task<Result<>> Jobs::save(Job job, std::optional<Awaited> awaited) {
  Book::Job write = [&](db::Connection& connection) -> Result<> {
    Refusal error;
    error.code = ReturnCode::completed;
    if (job.error) error = *job.error;
    std::optional<RelationshipId> awaits;
    std::string states;
    if (awaited) {
      awaits = awaited->relationship;
      states = text_of_states(awaited->states);
    }
    return connection.run("INSERT OR REPLACE INTO jobs VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", job.id, job.what, job.object, static_cast<int>(job.state),
                          job.percent, job.done, job.total, job.submitted, job.started, job.changed, job.ended, static_cast<std::uint32_t>(error.code),
                          static_cast<int>(error.kind), error.message, error.next_step, error.parameter, job.result, awaits, states);
  };
  co_return co_await book_.run(std::move(write));
}

rt::Task<Result<>> Jobs::load(Resume resume) {
  std::vector<Kept> found;
  Book::Job read = [&](db::Connection& connection) -> Result<> {
    TRY(db::Statement rows, connection.prepare("SELECT id, what, object, state, percent, done, total, submitted, started, changed, ended, error_code, error_kind, error_message, "
                                               "error_next_step, error_parameter, result, awaits, await_states FROM jobs ORDER BY submitted"));
    while (true) {
      TRY(bool more, rows.step());
      if (!more) return rows.read_well();
      found.push_back(kept_in(rows));
    }
  };
  Result<> done = co_await book_.run(std::move(read));
  if (!done) co_return done;
  for (Kept& kept : found) {
    auto entry = std::make_shared<Entry>(*this);
    entry->handle.job_ = std::move(kept.job);
    entry->handle.shown_ = true;
    entry->handle.awaited_ = kept.awaited;
    entries_.push_back(entry);
    Job& job = entry->handle.job_;
    if (ended(job.state)) continue;
    if (kept.awaited) {
      job.state = JobState::running;
      entry->work = resume(*kept.awaited);
      running_.spawn(drive(entry));
      continue;
    }
    job.state = JobState::exception;
    job.ended = job.changed = loop_.clock().wall();
    job.cancellable = false;
    job.error = Refusal{ReturnCode::failed, "the system was restarted while '" + job.what + "' ran", "Look at what it works on, and ask for it again.", job.object, Code::cancelled};
    ignore(co_await save(job, std::nullopt), "the next start tries again");
    tell(job, Severity::warning);
  }
  running_.spawn(sweep());
  co_return Result<>{};
}

}  // namespace lockstep::manage
