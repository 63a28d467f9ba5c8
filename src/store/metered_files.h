// MeteredFiles: files that count the bytes written through their blocking face. For the cost of metadata.
#pragma once

#include <atomic>
#include <memory>

#include "os/os.h"

namespace lockstep::store {

class MeteredFiles final : public os::Files {
 public:
  explicit MeteredFiles(os::Files& below) : below_(below) {}
  [[nodiscard]] Bytes written() const { return Bytes{written_.load(std::memory_order_relaxed)}; }

  rt::Task<Result<std::unique_ptr<os::File>>> open(rt::Loop& loop, std::string path, os::OpenOptions options) override {
    return below_.open(loop, std::move(path), options);
  }
  Result<std::unique_ptr<os::BlockingFile>> open_blocking(const std::string& path, os::OpenOptions options) override;
  Result<std::unique_ptr<os::FileLock>> lock(const std::string& path) override { return below_.lock(path); }
  Result<std::unique_ptr<os::FileLock>> claim(const std::string& path) override { return below_.claim(path); }
  Result<> make_directories(const std::string& path) override { return below_.make_directories(path); }
  Result<> remove(const std::string& path) override { return below_.remove(path); }
  Result<> rename(const std::string& from, const std::string& to) override { return below_.rename(from, to); }
  Result<> sync_directory(const std::string& path) override { return below_.sync_directory(path); }
  Result<std::vector<os::DirectoryEntry>> list(const std::string& path) override { return below_.list(path); }
  Result<bool> exists(const std::string& path) override { return below_.exists(path); }
  Result<os::PathKind> kind_of(const std::string& path) override { return below_.kind_of(path); }
  Result<Bytes> free_space(const std::string& path) override { return below_.free_space(path); }

 private:
  os::Files& below_;
  std::atomic<std::uint64_t> written_{0};   // from any worker
};

}  // namespace lockstep::store
