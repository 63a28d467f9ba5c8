#include "os/real/files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <system_error>
#include <utility>

#include "os/real/blocking_file.h"
#include "os/real/errno.h"
#include "os/real/fd.h"
#include "os/real/file.h"

namespace lockstep::os::real {

rt::Task<Result<std::unique_ptr<File>>> SystemFiles::open(rt::Loop& loop, std::string path,
                                                          OpenOptions options) {
  auto job = [&path, &options] { return open_file(path, options); };
  auto working = rt::work(loop, job);
  CO_TRY(OpenedFile file, co_await working);
  co_return std::make_unique<SystemFile>(io_of(loop), std::move(file), std::move(path), options.direct);
}

Result<std::unique_ptr<BlockingFile>> SystemFiles::open_blocking(const std::string& path,
                                                                 OpenOptions options) {
  TRY(OpenedFile file, open_file(path, options));
  return std::make_unique<SystemBlockingFile>(std::move(file), path);
}

Result<> SystemFiles::make_directories(const std::string& path) {
  std::error_code error;
  std::filesystem::create_directories(path, error);
  if (error) return std::unexpected(system_error(error.value(), path, "make the directory"));
  return {};
}

Result<> SystemFiles::remove(const std::string& path) {
  if (::remove(path.c_str()) != 0) return std::unexpected(system_error(errno, path, "remove"));
  return {};
}

Result<> SystemFiles::rename(const std::string& from, const std::string& to) {
  if (::rename(from.c_str(), to.c_str()) != 0)
    return std::unexpected(system_error(errno, from, "rename to " + to));
  return {};
}

Result<> SystemFiles::sync_directory(const std::string& path) {
  Fd fd(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd) return std::unexpected(system_error(errno, path, "open the directory"));
  if (::fsync(fd.get()) != 0) return std::unexpected(system_error(errno, path, "sync the directory"));
  return {};
}

Result<std::vector<DirectoryEntry>> SystemFiles::list(const std::string& path) {
  std::error_code error;
  std::vector<DirectoryEntry> entries;
  std::filesystem::directory_iterator at(path, error);
  for (; !error && at != std::filesystem::directory_iterator(); at.increment(error)) {
    std::error_code gone;  // an entry that vanishes meanwhile is no directory
    entries.push_back(DirectoryEntry{at->path().filename().string(), at->is_directory(gone)});
  }
  if (error) return std::unexpected(system_error(error.value(), path, "list"));
  std::ranges::sort(entries, {}, &DirectoryEntry::name);
  return entries;
}

Result<bool> SystemFiles::exists(const std::string& path) {
  struct stat found{};
  if (::stat(path.c_str(), &found) == 0) return true;
  if (errno == ENOENT || errno == ENOTDIR) return false;
  return std::unexpected(system_error(errno, path, "look"));
}

Result<PathKind> SystemFiles::kind_of(const std::string& path) {
  struct stat found{};
  if (::stat(path.c_str(), &found) != 0) {
    if (errno == ENOENT || errno == ENOTDIR) return PathKind::nothing;
    return std::unexpected(system_error(errno, path, "look"));
  }
  if (S_ISREG(found.st_mode)) return PathKind::file;
  if (S_ISBLK(found.st_mode)) return PathKind::device;
  return S_ISDIR(found.st_mode) ? PathKind::directory : PathKind::other;
}

Result<Bytes> SystemFiles::free_space(const std::string& path) {
  struct statvfs found{};
  if (::statvfs(path.c_str(), &found) != 0)
    return std::unexpected(system_error(errno, path, "ask for free space"));
  return Bytes{static_cast<std::uint64_t>(found.f_bavail) * found.f_frsize};
}

}  // namespace lockstep::os::real
