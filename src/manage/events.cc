#include "manage/events.h"

#include <algorithm>
#include <utility>

namespace lockstep::manage {

rt::Task<Result<>> Events::load() {
  std::deque<Event> found;
  Book::Job job = [&](db::Connection& connection) -> Result<> {
    TRY(db::Statement rows, connection.prepare("SELECT number, time, severity, kind, object_type, object, before, after, cause FROM events ORDER BY number"));
    while (true) {
      TRY(bool more, rows.step());
      if (!more) return rows.read_well();
      Event event;
      event.number = rows.get<std::uint64_t>(0);
      event.time = rows.get<WallTime>(1);
      event.severity = static_cast<Severity>(std::min<std::int64_t>(rows.i64(2), 2));
      event.kind = rows.get<std::string>(3);
      event.object_type = rows.get<std::string>(4);
      event.object = rows.get<std::string>(5);
      event.before = rows.get<std::string>(6);
      event.after = rows.get<std::string>(7);
      event.cause = rows.get<std::string>(8);
      found.push_back(std::move(event));
    }
  };
  Result<> done = co_await book_.run(std::move(job));
  if (!done) co_return done;
  events_ = std::move(found);
  if (!events_.empty()) last_ = events_.back().number;
  co_return Result<>{};
}

void Events::emit(Event event) {
  ++emitted_;
  if (stopping_ || pending_.size() >= pending_most) {
    ++dropped_;
    return;
  }
  event.time = loop_.clock().wall();
  pending_.push_back(std::move(event));
  waiting_.wake_all();
}

rt::Task<void> Events::write_all() {
  while (true) {
    while (pending_.empty() && !stopping_) co_await waiting_.wait();
    if (pending_.empty()) co_return;
    std::vector<Event> batch = std::exchange(pending_, {});
    for (std::size_t i = 0; i < batch.size(); ++i) batch[i].number = last_ + 1 + i;
    std::uint64_t newest = batch.back().number;
    Book::Job job = [&](db::Connection& connection) -> Result<> {
      TRY(db::Statement insert, connection.prepare("INSERT INTO events VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"));
      for (const Event& event : batch)
        TRY_VOID(insert.with(event.number, event.time, static_cast<int>(event.severity), event.kind, event.object_type, event.object, event.before, event.after, event.cause).run());
      if (newest <= kept_) return {};
      return connection.run("DELETE FROM events WHERE number <= ?", newest - kept_);
    };
    Result<> written = co_await book_.run(std::move(job));
    ignore(written, "an event that cannot be kept is still told to who listens now");
    last_ = newest;
    for (Event& event : batch) events_.push_back(std::move(event));
    while (events_.size() > kept_) events_.pop_front();
    shown_.wake_all();
  }
}

rt::Task<void> Events::stop() {
  end_waits();
  stopping_ = true;
  waiting_.wake_all();
  co_await writer_.join();
}

void Events::end_waits() {
  no_waits_ = true;
  shown_.wake_all();
}

std::vector<Event> Events::after(std::uint64_t number, std::size_t most) const {
  auto first = std::ranges::upper_bound(events_, number, {}, &Event::number);
  auto size = std::min<std::size_t>(most, static_cast<std::size_t>(events_.end() - first));
  return {first, first + static_cast<std::ptrdiff_t>(size)};
}

rt::Task<std::vector<Event>> Events::wait(std::uint64_t number, Duration at_most) {
  Instant until = loop_.clock().now() + at_most;
  rt::Loop::TimerId timer = loop_.at(until, [this] { shown_.wake_all(); });
  while (last_ <= number && !no_waits_ && loop_.clock().now() < until) co_await shown_.wait();
  loop_.cancel(timer);
  co_return after(number, 1000);
}

}  // namespace lockstep::manage
