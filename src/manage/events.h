// Events: what changed, numbered without gaps, kept over restarts, the oldest dropped. Private to manage.
// Promises: a number is shown only after it is in the book, so that no number ever names two events.
#pragma once

#include <deque>
#include <vector>

#include "manage/book.h"
#include "manage/model.h"

namespace lockstep::manage {

class Events {
 public:
  Events(rt::Loop& loop, Book& book, std::size_t kept) : loop_(loop), book_(book), kept_(kept), shown_(loop), waiting_(loop), writer_(loop) {}

  rt::Task<Result<>> load();
  void start() { writer_.spawn(write_all()); }
  rt::Task<void> stop();       // what was emitted is written first
  void end_waits();

  // Number and time are filled in here.
  void emit(Event event);
  [[nodiscard]] std::vector<Event> after(std::uint64_t number, std::size_t most) const;
  rt::Task<std::vector<Event>> wait(std::uint64_t number, Duration at_most);
  [[nodiscard]] std::uint64_t last() const { return last_; }
  [[nodiscard]] std::uint64_t emitted() const { return emitted_; }   // since the start, shown or not
  [[nodiscard]] std::uint64_t dropped() const { return dropped_; }   // emitted faster than they could be written

 private:
  rt::Task<void> write_all();

  static constexpr std::size_t pending_most = 10000;
  rt::Loop& loop_;
  Book& book_;
  std::size_t kept_;
  std::deque<Event> events_;       // shown
  std::vector<Event> pending_;     // not written yet
  std::uint64_t last_ = 0;
  std::uint64_t emitted_ = 0;
  std::uint64_t dropped_ = 0;
  bool stopping_ = false;
  bool no_waits_ = false;
  rt::Signal shown_;
  rt::Signal waiting_;
  rt::Scope writer_;
};

}  // namespace lockstep::manage
