// MemoryVolume: a Volume in plain memory, whose every delay and refusal a test can order. For tests and
// measuring only.
#pragma once

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "pool/pool.h"

namespace lockstep::nbd::testing {

class MemoryVolume final : public pool::Volume {
 public:
  MemoryVolume(rt::Loop& loop, std::string name, Bytes size, std::uint8_t number = 1)
      : loop_(loop), changed_(loop), name_(std::move(name)), size_(size) {
    bytes_.reset(
        static_cast<std::byte*>(std::calloc(size.value, 1)));  // pages that nobody writes cost nothing
    uuid_.bytes[15] = std::byte{number};
  }
  ~MemoryVolume() override { CHECK(watches_.empty()); }

  // What a test orders.
  bool hot = true;            // try_read and try_write do it
  bool hold_answers = false;  // answerable() stays until release_answers()
  bool hold_tasks = false;    // what was begun as a task stays until release_tasks()
  bool may_write = true;
  std::optional<Error> refuse;        // everything fails with this
  std::optional<Error> shut;          // closed(), and only that: the volume itself would still read
  std::optional<Error> fail_answers;  // see answers_failed()
  Duration pace_by{0};
  void release_answers() {
    hold_answers = false;
    move_answers();
  }
  void fail_waiting(Error error) {
    fail_answers = std::move(error);
    tell_watches();
  }
  void release_tasks() {
    hold_tasks = false;
    changed_.wake_all();
  }

  // What a test looks at.
  std::uint64_t flushes = 0, writes = 0, reads = 0, tasks = 0;
  [[nodiscard]] MutSpan bytes() { return {bytes_.get(), size_.value}; }
  void resize_to(Bytes smaller) { size_ = smaller; }
  [[nodiscard]] Lsn appended() const { return appended_; }

  [[nodiscard]] VolumeId id() const override { return VolumeId{1}; }
  [[nodiscard]] VolumeUuid uuid() const override { return uuid_; }
  [[nodiscard]] const std::string& name() const override { return name_; }
  [[nodiscard]] Bytes size() const override { return mine().size_; }
  [[nodiscard]] bool writable() const override { return mine().may_write; }
  [[nodiscard]] std::optional<Error> closed() const override { return shut; }

  Result<std::optional<Lsn>> try_write(Bytes at, Span data) override {
    mine();
    if (auto no = refusal(at, Bytes{data.size()}, true)) return fail(*no);
    if (!hot) return std::optional<Lsn>();
    ++writes;
    std::memcpy(bytes_.get() + at.value, data.data(), data.size());
    return std::optional(append());
  }
  rt::Task<Result<Lsn>> write(Bytes at, Span data) override {
    co_await held();
    if (auto no = refusal(at, Bytes{data.size()}, true)) co_return fail(*no);
    ++writes;
    std::memcpy(bytes_.get() + at.value, data.data(), data.size());
    co_return append();
  }
  rt::Task<Result<Lsn>> zero(Bytes at, Bytes length, bool discard) override {
    co_await held();
    if (auto no = refusal(at, length, true)) co_return fail(*no);
    std::memset(bytes_.get() + at.value, 0, length.value);
    discarded = discard;
    co_return append();
  }
  bool discarded = false;  // by the last zero()

  Result<bool> try_read(Bytes at, MutSpan into) override {
    mine();
    if (auto no = refusal(at, Bytes{into.size()}, false)) return fail(*no);
    if (!hot) return false;
    ++reads;
    std::memcpy(into.data(), bytes_.get() + at.value, into.size());
    return true;
  }
  rt::Task<Result<>> read(Bytes at, MutSpan into) override {
    co_await held();
    if (auto no = refusal(at, Bytes{into.size()}, false)) co_return fail(*no);
    ++reads;
    std::memcpy(into.data(), bytes_.get() + at.value, into.size());
    co_return Result<>{};
  }
  rt::Task<Result<>> read_blocks(Block, std::uint64_t, MutSpan, std::vector<Checksum>&) override {
    co_return fail(Code::unsupported, "read_blocks: not here");
  }
  // Blocks of zeroes are holes.
  rt::Task<Result<std::vector<pool::BlockExtent>>> extents(Bytes at, Bytes length,
                                                           std::size_t most) override {
    co_await held();
    if (auto no = refusal(at, length, false)) co_return fail(*no);
    std::vector<pool::BlockExtent> out;
    for (std::uint64_t from = at.value, end = at.value + length.value; from < end;) {
      std::uint64_t upto = std::min(end, (from / block_size + 1) * block_size);
      bool zero = is_zero(Span{bytes_.get() + from, upto - from});
      if (!out.empty() && out.back().zero == zero) {
        out.back().length += Bytes{upto - from};
      } else {
        if (out.size() == most) break;
        out.push_back({Bytes{from}, Bytes{upto - from}, zero, zero});
      }
      from = upto;
    }
    co_return out;
  }

  [[nodiscard]] Lsn answerable() const override { return mine().answerable_; }
  [[nodiscard]] std::optional<Error> answers_failed() const override { return fail_answers; }
  void watch_answers(pool::AnswerWatch& watch) override { mine().watches_.push_back(&watch); }
  void unwatch_answers(pool::AnswerWatch& watch) override { std::erase(mine().watches_, &watch); }
  rt::Task<Result<>> await_answerable(Lsn lsn) override {
    while (answerable_ < lsn && !fail_answers) co_await changed_.wait();
    if (fail_answers) co_return fail(*fail_answers);
    co_return Result<>{};
  }
  rt::Task<Result<>> flush() override {
    co_await held();
    ++flushes;
    if (refuse) co_return fail(*refuse);
    co_return Result<>{};
  }
  [[nodiscard]] Duration pace() const override { return pace_by; }

 private:
  // Used on its own loop, or the test has found somebody who does not.
  MemoryVolume& mine() const {
    CHECK(rt::Loop::current() == &loop_);
    return const_cast<MemoryVolume&>(*this);
  }
  rt::Task<void> held() {
    mine();
    ++tasks;
    co_await rt::yield(loop_);
    while (hold_tasks) co_await changed_.wait();
  }
  std::optional<Error> refusal(Bytes at, Bytes length, bool change) const {
    if (refuse) return refuse;
    if (change && !may_write) return Error{Code::read_only, name_ + " may not be written now"};
    if (at.value > size_.value || length.value > size_.value - at.value)
      return Error{Code::out_of_range, name_ + " ends before that"};
    if ((at.value | length.value) % sector_size != 0) return Error{Code::invalid, "not multiples of 512"};
    return std::nullopt;
  }
  Lsn append() {
    ++appended_;
    if (!turn_end_asked_) {
      turn_end_asked_ = true;
      loop_.at_turn_end([this] {
        turn_end_asked_ = false;
        if (!hold_answers) move_answers();
      });
    }
    return appended_;
  }
  void move_answers() {
    answerable_ = appended_;
    tell_watches();
  }
  void tell_watches() {
    for (pool::AnswerWatch* watch : watches_) watch->answers_moved();
    changed_.wake_all();
  }
  struct Free {
    void operator()(std::byte* at) const { std::free(at); }
  };

  rt::Loop& loop_;
  rt::Signal changed_;
  std::string name_;
  VolumeUuid uuid_;
  Bytes size_;
  std::unique_ptr<std::byte, Free> bytes_;
  Lsn appended_;
  Lsn answerable_;
  bool turn_end_asked_ = false;
  std::vector<pool::AnswerWatch*> watches_;
};

}  // namespace lockstep::nbd::testing
