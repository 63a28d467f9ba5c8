#include "os/real/file.h"

#include <fcntl.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <utility>

#include "os/real/errno.h"
#include "os/real/gather.h"

namespace lockstep::os::real {
namespace {

constexpr std::size_t read_most = 1 << 30;
constexpr Duration hint_slow = std::chrono::microseconds(300);
constexpr unsigned hints_skipped = 16;  // after a slow one

}  // namespace

// A direct read that must not wait would still wait for the device, so it is never tried on the spot.
SystemFile::SystemFile(IoLoop& loop, OpenedFile file, std::string path, bool direct)
    : loop_(loop), file_(std::move(file)), path_(std::move(path)), asks_cache_(!direct), sync_ended_(loop) {
  for (const Fd& fd : file_.more) idle_syncs_.push_back(fd.get());
  idle_syncs_.push_back(file_.fd.get());
}

// The last close of a removed file frees its space, which takes as long as it likes.
SystemFile::~SystemFile() {
  if (rt::Loop::current() == &loop_) loop_.work([file = std::move(file_)]() mutable { OpenedFile ended = std::move(file); }, [] {});
}

std::unexpected<Error> SystemFile::failed(ssize_t error, const char* attempt) const {
  return std::unexpected(system_error(static_cast<int>(-error), path_, attempt));
}
std::unexpected<Error> SystemFile::past_the_end(std::uint64_t at) const {
  return fail(Code::out_of_range, path_ + ": read: the file ends before byte " + std::to_string(at + 1));
}

ssize_t SystemFile::read_cached(std::uint64_t at, MutSpan into) {
  if (!asks_cache_) return -EAGAIN;
  const iovec vector{into.data(), std::min(into.size(), read_most)};
  ssize_t n = 0;
  do n = ::preadv2(file_.fd.get(), &vector, 1, static_cast<off_t>(at), RWF_NOWAIT);
  while (n < 0 && errno == EINTR);
  if (n >= 0) return n;
  if (errno == EOPNOTSUPP || errno == ENOSYS) {
    asks_cache_ = false;
    return -EAGAIN;
  }
  return -errno;
}

Result<bool> SystemFile::try_read(Bytes at, MutSpan into) {
  std::uint64_t offset = at.value;
  while (!into.empty()) {
    ssize_t n = read_cached(offset, into);
    if (n == -EAGAIN) return false;
    if (n < 0) return failed(n, "read");
    if (n == 0) return past_the_end(offset);
    offset += static_cast<std::uint64_t>(n);
    into = into.subspan(static_cast<std::size_t>(n));
  }
  return true;
}

rt::Task<Result<>> SystemFile::read(Bytes at, MutSpan into) {
  std::uint64_t offset = at.value;
  bool ask_cache = true;
  while (!into.empty()) {
    ssize_t n = ask_cache ? read_cached(offset, into) : -EAGAIN;
    if (n == -EAGAIN) {
      ask_cache = false;
      auto start = [this, offset, into](Completion& completion) {
        loop_.file_read(file_.fd.get(), offset, into, completion);
      };
      Await wait{start};
      n = co_await wait;
      if (n == -EAGAIN || n == -EINTR) continue;
    }
    if (n < 0) co_return failed(n, "read");
    if (n == 0) co_return past_the_end(offset);
    offset += static_cast<std::uint64_t>(n);
    into = into.subspan(static_cast<std::size_t>(n));
  }
  co_return Result<>{};
}

rt::Task<Result<>> SystemFile::write(Bytes at, std::vector<Span> parts) {
  Gather rest(parts);
  while (!rest.done()) {
    const std::uint64_t offset = at.value + rest.taken();
    const std::span<const iovec> vectors = rest.next();
    auto start = [this, offset, vectors](Completion& completion) {
      loop_.file_write(file_.fd.get(), offset, vectors, completion);
    };
    Await wait{start};
    int n = co_await wait;
    if (n == -EAGAIN || n == -EINTR) continue;
    if (n < 0) co_return failed(n, "write");
    if (n == 0) co_return failed(-ENOSPC, "write");  // the end of a device
    rest.took(static_cast<std::size_t>(n));
  }
  co_return Result<>{};
}

Result<> SystemFile::write_now(Bytes at, std::span<const Span> parts) {
  Gather rest(parts);
  while (!rest.done()) {
    const auto offset = static_cast<off_t>(at.value + rest.taken());
    const std::span<const iovec> vectors = rest.next();
    ssize_t n = vectors.size() == 1
                    ? ::pwrite(file_.fd.get(), vectors[0].iov_base, vectors[0].iov_len, offset)
                    : ::pwritev(file_.fd.get(), vectors.data(), static_cast<int>(vectors.size()), offset);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return failed(-errno, "write");
    if (n == 0) return failed(-ENOSPC, "write");
    rest.took(static_cast<std::size_t>(n));
  }
  return {};
}

// A few microseconds, unless the device's queue is full: then the call waits for it, and hints do no good
// anyway.
void SystemFile::start_writeback(Bytes at, Bytes length) {
  if (hints_to_skip_ > 0) {
    --hints_to_skip_;
    return;
  }
  const Instant before = loop_.clock().now();
  ::sync_file_range(file_.fd.get(), static_cast<off_t>(at.value), static_cast<off_t>(length.value),
                    SYNC_FILE_RANGE_WRITE);
  if (loop_.clock().now() - before > hint_slow) hints_to_skip_ = hints_skipped;
}

// The kernel tells a failure to each open file once, so two that ask through one would leave one of them in the dark.
rt::Task<Result<>> SystemFile::sync() {
  while (idle_syncs_.empty()) co_await sync_ended_.wait();
  const int fd = idle_syncs_.back();
  idle_syncs_.pop_back();
  int result = -EINTR;
  while (result == -EINTR && !sync_failed_) {
    auto start = [this, fd](Completion& completion) { loop_.file_sync(fd, completion); };
    Await wait{start};
    result = co_await wait;
    if (result < 0 && result != -EINTR) sync_failed_ = failed(result, "sync").error();
  }
  idle_syncs_.push_back(fd);
  if (sync_ended_.has_waiters()) sync_ended_.wake_all();
  if (sync_failed_) co_return fail(*sync_failed_);
  co_return Result<>{};
}

rt::Task<Result<>> SystemFile::allocate(Bytes at, Bytes length) {
  auto job = [this, at, length] { return allocate_space(file_, at.value, length.value); };
  auto working = rt::work(loop_, job);
  int error = co_await working;
  if (error != 0) co_return failed(-error, "allocate space");
  co_return Result<>{};
}

rt::Task<Result<>> SystemFile::punch(Bytes at, Bytes length) {
  auto job = [this, at, length] { return punch_or_zero(file_, at.value, length.value); };
  auto working = rt::work(loop_, job);
  int error = co_await working;
  if (error != 0) co_return failed(-error, "give space back");
  co_return Result<>{};
}

Bytes SystemFile::size() const { return size_of(file_, path_).value_or(Bytes{0}); }

}  // namespace lockstep::os::real
