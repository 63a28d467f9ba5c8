// SystemFiles: the machine's file systems.
#pragma once

#include "os/os.h"

namespace lockstep::os::real {

class SystemFiles final : public Files {
 public:
  rt::Task<Result<std::unique_ptr<File>>> open(rt::Loop& loop, std::string path,
                                               OpenOptions options) override;
  Result<std::unique_ptr<BlockingFile>> open_blocking(const std::string& path, OpenOptions options) override;
  Result<std::unique_ptr<FileLock>> lock(const std::string& path) override;
  Result<std::unique_ptr<FileLock>> claim(const std::string& path) override;
  Result<> make_directories(const std::string& path) override;
  Result<> remove(const std::string& path) override;
  Result<> rename(const std::string& from, const std::string& to) override;
  Result<> sync_directory(const std::string& path) override;
  Result<std::vector<DirectoryEntry>> list(const std::string& path) override;
  [[nodiscard]] Result<bool> exists(const std::string& path) override;
  [[nodiscard]] Result<PathKind> kind_of(const std::string& path) override;
  [[nodiscard]] Result<Bytes> free_space(const std::string& path) override;
};

}  // namespace lockstep::os::real
