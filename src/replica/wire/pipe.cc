#include "replica/wire/pipe.h"

#include <cstring>
#include <deque>

namespace lockstep::replica {
namespace {

constexpr std::size_t window = 4 << 20;  // written and not yet read, per direction

// One end's half. Touched on `loop` only; the other half is reached by posting to its loop.
struct Half {
  explicit Half(rt::Loop& l) : loop(l), changed(l) {}
  rt::Loop& loop;
  rt::Signal changed;
  std::deque<Buffer> inbox;
  std::size_t inbox_at = 0;     // bytes of the front that were read
  std::size_t outstanding = 0;  // sent and not yet read there
  bool ended = false;           // the other end closed
  bool closed = false;
  std::weak_ptr<Half> other;  // set once, before either half is used
  rt::Loop* other_loop = nullptr;
};

class PipeEnd final : public os::Stream {
 public:
  explicit PipeEnd(std::shared_ptr<Half> half) : half_(std::move(half)) {}
  ~PipeEnd() override { close(); }

  rt::Task<Result<std::size_t>> read_some(MutSpan into) override {
    std::shared_ptr<Half> half = half_;
    for (;;) {
      Result<std::optional<std::size_t>> got = try_read(into);
      if (!got) co_return fail(got.error());
      if (*got) co_return **got;
      co_await half->changed.wait();
    }
  }

  Result<std::optional<std::size_t>> try_read(MutSpan into) override {
    Half& half = *half_;
    if (half.closed) return fail(Code::cancelled, "the connection inside the system was closed");
    if (half.inbox.empty())
      return half.ended ? Result<std::optional<std::size_t>>(0)
                        : Result<std::optional<std::size_t>>(std::nullopt);
    std::size_t done = 0;
    while (!half.inbox.empty() && done < into.size()) {
      Span front = Span(half.inbox.front()).subspan(half.inbox_at);
      std::size_t n = std::min(front.size(), into.size() - done);
      std::memcpy(into.data() + done, front.data(), n);
      done += n;
      half.inbox_at += n;
      if (n == front.size()) {
        half.inbox.pop_front();
        half.inbox_at = 0;
      }
    }
    half.other_loop->post(rt::Callback([other = half.other, done] {
      if (auto there = other.lock()) {
        there->outstanding -= done;
        there->changed.wake_all();
      }
    }));
    return done;
  }

  rt::Task<Result<>> write(std::vector<Span> parts) override {
    std::shared_ptr<Half> half = half_;
    for (;;) {
      Result<std::size_t> gone = try_write(parts);
      if (!gone) co_return fail(gone.error());
      std::size_t all = 0;
      for (Span p : parts) all += p.size();
      if (*gone == all) co_return Result<>{};
      co_await half->changed.wait();
    }
  }

  // All or nothing: the window is a bound on memory, not on a frame.
  Result<std::size_t> try_write(std::span<const Span> parts) override {
    Half& half = *half_;
    if (half.closed) return fail(Code::cancelled, "the connection inside the system was closed");
    if (half.ended) return fail(Code::unreachable, "the other end inside the system closed the connection");
    std::size_t all = 0;
    for (Span p : parts) all += p.size();
    if (half.outstanding > 0 && half.outstanding + all > window) return 0;
    Buffer bytes;
    bytes.reserve(all);
    for (Span p : parts) bytes.insert(bytes.end(), p.begin(), p.end());
    half.outstanding += all;
    half.other_loop->post(rt::Callback([other = half.other, bytes = std::move(bytes)]() mutable {
      auto there = other.lock();
      if (!there || there->closed || bytes.empty()) return;
      there->inbox.push_back(std::move(bytes));
      there->changed.wake_all();
    }));
    return all;
  }

  void close() override {
    Half& half = *half_;
    if (std::exchange(half.closed, true)) return;
    half.inbox.clear();
    half.changed.wake_all();
    half.other_loop->post(rt::Callback([other = half.other] {
      if (auto there = other.lock()) {
        there->ended = true;
        there->changed.wake_all();
      }
    }));
  }

  void move_to(rt::Loop& loop) override { CHECK(&loop == &half_->loop); }
  [[nodiscard]] std::string peer_name() const override { return "this system"; }

 private:
  std::shared_ptr<Half> half_;  // shared with reads and writes that are ending
};

}  // namespace

PipeEnds make_pipe(rt::Loop& a, rt::Loop& b) {
  auto first = std::make_shared<Half>(a);
  auto second = std::make_shared<Half>(b);
  first->other = second;
  first->other_loop = &b;
  second->other = first;
  second->other_loop = &a;
  return {std::make_unique<PipeEnd>(std::move(first)), std::make_unique<PipeEnd>(std::move(second))};
}

}  // namespace lockstep::replica
