#include "os/real/open_file.h"

#include <fcntl.h>
#include <linux/falloc.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <memory>
#include <new>

#include "os/real/errno.h"

namespace lockstep::os::real {

Result<OpenedFile> open_file(const std::string& path, const OpenOptions& options) {
  int flags = O_CLOEXEC | (options.read_only ? O_RDONLY : O_RDWR);
  if (options.create == Create::if_missing) flags |= O_CREAT;
  if (options.create == Create::must_be_new) flags |= O_CREAT | O_EXCL;
  if (options.direct) flags |= O_DIRECT;
  OpenedFile file;
  do file.fd = Fd(::open(path.c_str(), flags, 0600));
  while (!file.fd && errno == EINTR);
  if (!file.fd) {
    if (errno == EINVAL && options.direct) {
      return fail(Code::unsupported, path + ": open: this file system offers no direct I/O");
    }
    return std::unexpected(system_error(errno, path, "open"));
  }
  struct stat found{};
  if (::fstat(file.fd.get(), &found) != 0)
    return std::unexpected(system_error(errno, path, "look at the file"));
  if (S_ISBLK(found.st_mode)) {
    file.is_device = true;
    std::uint64_t size = 0;
    if (::ioctl(file.fd.get(), BLKGETSIZE64, &size) != 0) {
      return std::unexpected(system_error(errno, path, "ask the device for its size"));
    }
    file.device_size = Bytes{size};
  } else if (!S_ISREG(found.st_mode)) {
    return fail(Code::invalid, path + ": open: neither a file nor a block device");
  }
  const std::string again = "/proc/self/fd/" + std::to_string(file.fd.get());
  while (file.more.size() + 1 < options.syncs) {
    Fd other(::open(again.c_str(), O_CLOEXEC | (options.read_only ? O_RDONLY : O_RDWR)));
    if (!other) break;  // fewer at once, then
    file.more.push_back(std::move(other));
  }
  return file;
}

Result<Bytes> size_of(const OpenedFile& file, const std::string& path) {
  if (file.is_device) return file.device_size;
  struct stat found{};
  if (::fstat(file.fd.get(), &found) != 0)
    return std::unexpected(system_error(errno, path, "look at the file"));
  return Bytes{static_cast<std::uint64_t>(found.st_size)};
}

namespace {

int fallocate_whole(int fd, int mode, std::uint64_t at, std::uint64_t length) noexcept {
  int result = 0;
  do result = ::fallocate(fd, mode, static_cast<off_t>(at), static_cast<off_t>(length));
  while (result != 0 && errno == EINTR);
  return result == 0 ? 0 : errno;
}

// The last resort, aligned for direct files too as long as the range is.
int write_zeroes(int fd, std::uint64_t at, std::uint64_t length) noexcept {
  constexpr std::size_t piece = 1 << 20;
  std::unique_ptr<void, void (*)(void*)> zeroes(std::aligned_alloc(block_size, piece), &std::free);
  if (!zeroes) return ENOMEM;
  std::fill_n(static_cast<std::byte*>(zeroes.get()), piece, std::byte{0});
  while (length > 0) {
    ssize_t n = ::pwrite(fd, zeroes.get(), std::min<std::uint64_t>(length, piece), static_cast<off_t>(at));
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return n < 0 ? errno : EIO;
    at += static_cast<std::uint64_t>(n);
    length -= static_cast<std::uint64_t>(n);
  }
  return 0;
}

}  // namespace

int punch_or_zero(const OpenedFile& file, std::uint64_t at, std::uint64_t length) noexcept {
  if (length == 0) return 0;
  // On a device the kernel takes the first as "discard if that reads as zeroes" and refuses otherwise.
  int error = fallocate_whole(file.fd.get(), FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, at, length);
  if (error != EOPNOTSUPP) return error;
  error = fallocate_whole(file.fd.get(), FALLOC_FL_ZERO_RANGE | FALLOC_FL_KEEP_SIZE, at, length);
  if (error != EOPNOTSUPP) return error;
  Result<Bytes> size = size_of(file, "");
  if (!size) return EIO;
  if (at >= size->value) return 0;
  return write_zeroes(file.fd.get(), at, std::min(length, size->value - at));
}

int allocate_space(const OpenedFile& file, std::uint64_t at, std::uint64_t length) noexcept {
  if (length == 0) return 0;
  if (file.is_device) return at + length <= file.device_size.value ? 0 : ENOSPC;
  int error = fallocate_whole(file.fd.get(), 0, at, length);
  if (error != EOPNOTSUPP) return error;
  return ::posix_fallocate(file.fd.get(), static_cast<off_t>(at), static_cast<off_t>(length));
}

}  // namespace lockstep::os::real
