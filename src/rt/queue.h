// Queue<T>: bounded, between coroutines of one loop. Full means wait (push) or false (try_push). Closed means the end.
#pragma once

#include <cstddef>
#include <deque>
#include <optional>
#include <utility>

#include "rt/signal.h"
#include "rt/task.h"

namespace lockstep::rt {

template <class T>
class Queue {
 public:
  Queue(Loop& loop, std::size_t most) : most_(most), not_empty_(loop), not_full_(loop) {}

  [[nodiscard]] bool try_push(T item) {
    if (closed_ || items_.size() >= most_) return false;
    items_.push_back(std::move(item));
    not_empty_.wake_all();
    return true;
  }
  // False when the queue was closed: the item is dropped.
  Task<bool> push(T item) {
    while (!closed_ && items_.size() >= most_) co_await not_full_.wait();
    if (closed_) co_return false;
    items_.push_back(std::move(item));
    not_empty_.wake_all();
    co_return true;
  }
  // Nothing when the queue is closed and empty.
  Task<std::optional<T>> pop() {
    while (items_.empty() && !closed_) co_await not_empty_.wait();
    co_return try_pop();
  }
  std::optional<T> try_pop() {
    if (items_.empty()) return std::nullopt;
    std::optional<T> item(std::move(items_.front()));
    items_.pop_front();
    not_full_.wake_all();
    return item;
  }
  void close() {
    closed_ = true;
    not_empty_.wake_all();
    not_full_.wake_all();
  }
  [[nodiscard]] std::size_t size() const { return items_.size(); }
  [[nodiscard]] bool closed() const { return closed_; }

 private:
  std::size_t most_;
  bool closed_ = false;
  std::deque<T> items_;
  Signal not_empty_;
  Signal not_full_;
};

}  // namespace lockstep::rt
