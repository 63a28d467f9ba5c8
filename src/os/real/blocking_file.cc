#include "os/real/blocking_file.h"

#include <unistd.h>

#include <cerrno>

#include "os/real/errno.h"

namespace lockstep::os::real {

std::unexpected<Error> SystemBlockingFile::failed(int error_number, const char* attempt) const {
  return std::unexpected(system_error(error_number, path_, attempt));
}

Result<std::size_t> SystemBlockingFile::read(Bytes at, MutSpan into) {
  std::size_t done = 0;
  while (done < into.size()) {
    ssize_t n =
        ::pread(file_.fd.get(), into.data() + done, into.size() - done, static_cast<off_t>(at.value + done));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return failed(errno, "read");
    if (n == 0) break;
    done += static_cast<std::size_t>(n);
  }
  return done;
}

Result<> SystemBlockingFile::write(Bytes at, Span from) {
  std::size_t done = 0;
  while (done < from.size()) {
    ssize_t n =
        ::pwrite(file_.fd.get(), from.data() + done, from.size() - done, static_cast<off_t>(at.value + done));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return failed(errno, "write");
    if (n == 0) return failed(ENOSPC, "write");
    done += static_cast<std::size_t>(n);
  }
  return {};
}

Result<> SystemBlockingFile::truncate(Bytes size) {
  int result = 0;
  do result = ::ftruncate(file_.fd.get(), static_cast<off_t>(size.value));
  while (result != 0 && errno == EINTR);
  if (result != 0) return failed(errno, "set the size");
  return {};
}

Result<> SystemBlockingFile::allocate(Bytes at, Bytes length) {
  if (int error = allocate_space(file_, at.value, length.value)) return failed(error, "allocate space");
  return {};
}

Result<> SystemBlockingFile::punch(Bytes at, Bytes length) {
  if (int error = punch_or_zero(file_, at.value, length.value)) return failed(error, "give space back");
  return {};
}

Result<> SystemBlockingFile::sync() {
  int result = 0;
  if (!sync_failed_) {
    do result = ::fdatasync(file_.fd.get());
    while (result != 0 && errno == EINTR);
    if (result != 0) sync_failed_ = failed(errno, "sync").error();
  }
  if (sync_failed_) return fail(*sync_failed_);
  return {};
}

}  // namespace lockstep::os::real
