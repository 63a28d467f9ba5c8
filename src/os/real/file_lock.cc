// Locks between processes: flock on a file that holds the owner's process id, for people and for messages.
#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <string>
#include <utility>

#include "os/real/errno.h"
#include "os/real/fd.h"
#include "os/real/files.h"

namespace lockstep::os::real {
namespace {

class SystemFileLock final : public FileLock {
 public:
  explicit SystemFileLock(Fd fd) : fd_(std::move(fd)) {}  // the lock goes with the descriptor

 private:
  Fd fd_;
};

std::string owner_in(int fd) {
  char text[32] = {};
  ssize_t n = ::pread(fd, text, sizeof text - 1, 0);
  std::string owner(text, n > 0 ? static_cast<std::size_t>(n) : 0);
  std::size_t digits = owner.find_first_not_of("0123456789");
  return owner.substr(0, digits);
}

}  // namespace

// A device opened exclusively is refused while it is mounted or part of something, whatever name it goes by; the lock
// keeps those away who follow the custom of asking for one (partitioning tools, udev).
Result<std::unique_ptr<FileLock>> SystemFiles::claim(const std::string& path) {
  TRY(PathKind kind, kind_of(path));
  Fd fd(::open(path.c_str(), O_RDWR | O_CLOEXEC | (kind == PathKind::device ? O_EXCL : 0)));
  if (!fd && errno == EBUSY) {
    return fail(Code::busy, path + ": in use: mounted, part of an array, or held by another process");
  }
  if (!fd) return std::unexpected(system_error(errno, path, "open"));
  int result = 0;
  do result = ::flock(fd.get(), LOCK_EX | LOCK_NB);
  while (result != 0 && errno == EINTR);
  if (result != 0 && errno == EWOULDBLOCK) return fail(Code::busy, path + ": held by another process");
  if (result != 0) return std::unexpected(system_error(errno, path, "lock"));
  return std::make_unique<SystemFileLock>(std::move(fd));
}

Result<std::unique_ptr<FileLock>> SystemFiles::lock(const std::string& path) {
  Fd fd(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (!fd) return std::unexpected(system_error(errno, path, "open the lock"));
  int result = 0;
  do result = ::flock(fd.get(), LOCK_EX | LOCK_NB);
  while (result != 0 && errno == EINTR);
  if (result != 0 && errno == EWOULDBLOCK) {
    const std::string owner = owner_in(fd.get());
    return fail(Code::busy, path + ": held by " + (owner.empty() ? "another process" : "process " + owner));
  }
  if (result != 0) return std::unexpected(system_error(errno, path, "lock"));
  const std::string text = std::to_string(::getpid()) + "\n";
  if (::ftruncate(fd.get(), 0) != 0 || ::pwrite(fd.get(), text.data(), text.size(), 0) < 0) {
    return std::unexpected(system_error(errno, path, "write the owner into the lock"));
  }
  return std::make_unique<SystemFileLock>(std::move(fd));
}

}  // namespace lockstep::os::real
