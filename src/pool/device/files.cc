#include "pool/device/files.h"

#include "pool/device/file.h"

namespace lockstep::pool::device {

std::optional<std::string> DeviceFiles::name_of(const std::string& path) const {
  const std::string& top = device_->path();
  if (path == top) return "";
  if (path.size() <= top.size() || !path.starts_with(top) || path[top.size()] != '/') return std::nullopt;
  return path.substr(top.size() + 1);
}

rt::Task<Result<std::unique_ptr<os::File>>> DeviceFiles::open(rt::Loop& loop, std::string path, os::OpenOptions options) {
  const auto name = name_of(path);
  os::OpenOptions there = options;
  if (name) there.create = os::Create::never;
  auto opening = below_.open(loop, name ? device_->path() : path, there);
  auto below = co_await opening;
  if (!below || !name) co_return below;
  CO_TRY(NodePtr node, device_->table().open(*name, options.create));
  co_return make_file(*device_, std::move(node), std::move(path), options, std::move(*below), loop);
}

Result<std::unique_ptr<os::BlockingFile>> DeviceFiles::open_blocking(const std::string& path, os::OpenOptions options) {
  const auto name = name_of(path);
  if (!name) return below_.open_blocking(path, options);
  os::OpenOptions there = options;
  there.create = os::Create::never;
  TRY(auto below, below_.open_blocking(device_->path(), there));
  TRY(NodePtr node, device_->table().open(*name, options.create));
  return make_blocking_file(*device_, std::move(node), path, options, std::move(below));
}

class DeviceFiles::Lock final : public os::FileLock {
 public:
  Lock(DeviceFiles& files, std::string path) : files_(files), path_(std::move(path)) {}
  ~Lock() override {
    std::lock_guard lock(files_.locks_mutex_);
    files_.locks_.erase(path_);
  }

 private:
  DeviceFiles& files_;
  std::string path_;
};

Result<std::unique_ptr<os::FileLock>> DeviceFiles::lock_name(const std::string& path) {
  std::lock_guard lock(locks_mutex_);
  if (!locks_.insert(path).second) return fail(Code::busy, path + ": held by this process");
  return std::make_unique<Lock>(*this, path);
}

Result<std::unique_ptr<os::FileLock>> DeviceFiles::lock(const std::string& path) { return name_of(path) ? lock_name(path) : below_.lock(path); }

Result<std::unique_ptr<os::FileLock>> DeviceFiles::claim(const std::string& path) {
  const auto name = name_of(path);
  if (!name) return below_.claim(path);
  if (device_->table().kind_of(*name) != os::PathKind::file) return fail(Code::not_found, path + ": there is no such file");
  return lock_name(path);
}

Result<> DeviceFiles::make_directories(const std::string& path) {
  const auto name = name_of(path);
  return name ? device_->table().make_directories(*name) : below_.make_directories(path);
}

Result<> DeviceFiles::remove(const std::string& path) {
  const auto name = name_of(path);
  return name ? device_->table().remove(*name) : below_.remove(path);
}

Result<> DeviceFiles::rename(const std::string& from, const std::string& to) {
  const auto old_name = name_of(from), new_name = name_of(to);
  if (!old_name && !new_name) return below_.rename(from, to);
  if (!old_name || !new_name) return fail(Code::unsupported, from + ": rename: '" + to + "' is on another device");
  return device_->table().rename(*old_name, *new_name);
}

Result<> DeviceFiles::sync_directory(const std::string& path) {
  const auto name = name_of(path);
  if (!name) return below_.sync_directory(path);
  if (device_->table().kind_of(*name) != os::PathKind::directory) return fail(Code::not_found, path + ": there is no such directory");
  return device_->table().unsaved() ? device_->save() : Result<>{};
}

Result<std::vector<os::DirectoryEntry>> DeviceFiles::list(const std::string& path) {
  const auto name = name_of(path);
  return name ? device_->table().list(*name) : below_.list(path);
}

Result<bool> DeviceFiles::exists(const std::string& path) {
  const auto name = name_of(path);
  if (!name) return below_.exists(path);
  return device_->table().kind_of(*name) != os::PathKind::nothing;
}

Result<os::PathKind> DeviceFiles::kind_of(const std::string& path) {
  const auto name = name_of(path);
  if (!name) return below_.kind_of(path);
  return device_->table().kind_of(*name);
}

Result<Bytes> DeviceFiles::free_space(const std::string& path) {
  return name_of(path) ? Result<Bytes>(device_->table().free_space()) : below_.free_space(path);
}

}  // namespace lockstep::pool::device
