// The asynchronous face: each operation happens at an instant between its call and its end.
#include "os/sim/files.h"

namespace lockstep::os::sim {
namespace {

class SimFile final : public File {
  [[nodiscard]] const DiskOptions& options() const { return handle_->life().disk().options(); }

  // It belongs to its loop. (A test may look between events.)
  void check_turn() const { CHECK(rt::Loop::current() == &loop_ || rt::Loop::current() == nullptr); }

  template <class F>
  auto takes(Range range, F effect) {
    CHECK(rt::Loop::current() == &loop_);
    ++in_flight_;
    return in_time(handle_->life(), loop_, handle_->life().disk().slowed(range), Event::disk,
                   [this, effect = std::move(effect)]() mutable {
                     effect();
                     --in_flight_;
                   });
  }

  std::unique_ptr<Handle> handle_;
  rt::Loop& loop_;
  int in_flight_ = 0;

 public:
  SimFile(std::unique_ptr<Handle> handle, rt::Loop& loop) : handle_(std::move(handle)), loop_(loop) {}
  ~SimFile() override { CHECK(in_flight_ == 0); }

  rt::Task<Result<>> read(Bytes at, MutSpan into) override {
    Result<std::size_t> n;
    co_await takes(options().read, [&] { n = handle_->read(at.value, into); });
    if (!n) co_return fail(std::move(n).error());
    if (*n < into.size())
      co_return fail(Code::out_of_range, path() + ": read of " + std::to_string(into.size()) + " bytes at " +
                                             std::to_string(at.value) + " passes the end of the file");
    co_return Result<>{};
  }

  Result<bool> try_read(Bytes at, MutSpan into) override {
    check_turn();
    Life& life = handle_->life();
    if (handle_->options().direct || !life.rng().chance(options().cache_hit_per_mille)) return false;
    TRY(std::size_t n, handle_->read(at.value, into));
    if (n < into.size())
      return fail(Code::out_of_range, path() + ": read of " + std::to_string(into.size()) + " bytes at " +
                                          std::to_string(at.value) + " passes the end of the file");
    return true;
  }

  rt::Task<Result<>> write(Bytes at, std::vector<Span> parts) override {
    Result<> done;
    co_await takes(options().write, [&] { done = handle_->write(at.value, parts); });
    co_return done;
  }

  Result<> write_now(Bytes at, std::span<const Span> parts) override {
    check_turn();
    CHECK(!handle_->options().direct);
    return handle_->write(at.value, parts);
  }

  void start_writeback(Bytes at, Bytes length) override { handle_->start_writeback(at.value, length.value); }

  rt::Task<Result<>> sync() override {
    Result<> done;
    const std::uint64_t heard = handle_->failures_heard();
    co_await takes(options().sync, [&] { done = handle_->sync(heard); });
    if (!done) handle_->hear();
    co_return done;
  }

  rt::Task<Result<>> allocate(Bytes at, Bytes length) override {
    Result<> done;
    co_await takes(options().write, [&] { done = handle_->allocate(at.value, length.value); });
    co_return done;
  }

  rt::Task<Result<>> punch(Bytes at, Bytes length) override {
    Result<> done;
    co_await takes(options().write, [&] { done = handle_->punch(at.value, length.value); });
    co_return done;
  }

  [[nodiscard]] Bytes size() const override { return Bytes{handle_->size()}; }
  [[nodiscard]] const std::string& path() const override { return handle_->path(); }
};

}  // namespace

std::unique_ptr<File> make_async_file(std::unique_ptr<Handle> handle, rt::Loop& loop) {
  return std::make_unique<SimFile>(std::move(handle), loop);
}

}  // namespace lockstep::os::sim
