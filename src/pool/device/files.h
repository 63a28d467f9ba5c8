// DeviceFiles: the files on a device, under its path as if that were a directory. What lies elsewhere is left to the machine's own files.
// Promises: the contract of os::Files. More than a directory does: whatever is made durable takes all names and sizes before it along.
// Refuses:  renaming directories; names of more than 200 bytes; more than 4096 files.
#pragma once

#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "pool/device/device.h"

namespace lockstep::pool::device {

class DeviceFiles final : public os::Files {
 public:
  // Outlives every file opened here.
  explicit DeviceFiles(std::unique_ptr<Device> device) : device_(std::move(device)), below_(device_->below()) {}

  rt::Task<Result<std::unique_ptr<os::File>>> open(rt::Loop& loop, std::string path, os::OpenOptions options) override;
  Result<std::unique_ptr<os::BlockingFile>> open_blocking(const std::string& path, os::OpenOptions options) override;
  Result<std::unique_ptr<os::FileLock>> lock(const std::string& path) override;
  Result<std::unique_ptr<os::FileLock>> claim(const std::string& path) override;
  Result<> make_directories(const std::string& path) override;
  Result<> remove(const std::string& path) override;
  Result<> rename(const std::string& from, const std::string& to) override;
  Result<> sync_directory(const std::string& path) override;
  Result<std::vector<os::DirectoryEntry>> list(const std::string& path) override;
  [[nodiscard]] Result<bool> exists(const std::string& path) override;
  [[nodiscard]] Result<os::PathKind> kind_of(const std::string& path) override;
  [[nodiscard]] Result<Bytes> free_space(const std::string& path) override;

 private:
  class Lock;
  [[nodiscard]] std::optional<std::string> name_of(const std::string& path) const;   // nothing: elsewhere
  Result<std::unique_ptr<os::FileLock>> lock_name(const std::string& path);

  std::unique_ptr<Device> device_;
  os::Files& below_;
  std::mutex locks_mutex_;
  std::set<std::string> locks_;   // of this process: the device is its alone
};

}  // namespace lockstep::pool::device
