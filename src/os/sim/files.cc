#include "os/sim/files.h"

namespace lockstep::os::sim {
namespace {

class SimBlockingFile final : public BlockingFile {
 public:
  explicit SimBlockingFile(std::unique_ptr<Handle> handle) : handle_(std::move(handle)) {}

  Result<std::size_t> read(Bytes at, MutSpan into) override {
    enter(options().read);
    return handle_->read(at.value, into);
  }
  Result<> write(Bytes at, Span from) override {
    enter(options().write);
    return handle_->write(at.value, {&from, 1});
  }
  Result<> truncate(Bytes size) override {
    enter(options().write);
    return handle_->truncate(size.value);
  }
  Result<> allocate(Bytes at, Bytes length) override {
    enter(options().write);
    return handle_->allocate(at.value, length.value);
  }
  Result<> punch(Bytes at, Bytes length) override {
    enter(options().write);
    return handle_->punch(at.value, length.value);
  }
  Result<> sync() override {
    enter(options().sync);
    Result<> done = handle_->sync(handle_->failures_heard());
    if (!done) handle_->hear();
    return done;
  }
  [[nodiscard]] Result<Bytes> size() override {
    if (handle_->life().dead()) return fail(Code::io, path() + ": the host is dead");
    return Bytes{handle_->size()};
  }
  [[nodiscard]] const std::string& path() const override { return handle_->path(); }

 private:
  [[nodiscard]] const DiskOptions& options() const { return handle_->life().disk().options(); }
  void enter(Range takes) {
    Life& life = handle_->life();
    CHECK(!life.world().on_loop());   // blocking calls belong into worker jobs
    life.spend(life.disk().slowed(takes));
  }
  std::unique_ptr<Handle> handle_;
};

class SimLock final : public FileLock {
 public:
  SimLock(Disk& disk, std::string path, std::uint64_t ticket) : disk_(disk), path_(std::move(path)), ticket_(ticket) {}
  ~SimLock() override { disk_.unlock(path_, ticket_); }

 private:
  Disk& disk_;
  std::string path_;
  std::uint64_t ticket_;
};

}  // namespace

std::unique_ptr<BlockingFile> make_blocking_file(std::unique_ptr<Handle> handle) {
  return std::make_unique<SimBlockingFile>(std::move(handle));
}

std::unique_ptr<Files> make_files(Life& life) { return std::make_unique<SimFiles>(life); }

Result<> SimFiles::enter(const std::string& path, Range takes) {
  CHECK(!life_.world().on_loop());   // blocking calls belong into worker jobs
  life_.spend(life_.disk().slowed(takes));
  if (life_.dead()) return fail(Code::io, path + ": the host is dead");
  return {};
}

Result<std::unique_ptr<Handle>> SimFiles::open_now(const std::string& path, OpenOptions options) {
  if (life_.dead()) return fail(Code::io, path + ": the host is dead");
  TRY(std::shared_ptr<FileNode> node, life_.disk().open(path, options.create));
  return std::make_unique<Handle>(life_, path, std::move(node), options);
}

rt::Task<Result<std::unique_ptr<File>>> SimFiles::open(rt::Loop& loop, std::string path, OpenOptions options) {
  Result<std::unique_ptr<Handle>> handle = fail(Code::io, path);
  co_await in_time(life_, loop, life_.disk().slowed(life_.disk().options().write), Event::disk,
                   [&] { handle = open_now(path, options); });
  if (!handle) co_return fail(std::move(handle).error());
  co_return make_async_file(std::move(*handle), loop);
}

Result<std::unique_ptr<BlockingFile>> SimFiles::open_blocking(const std::string& path, OpenOptions options) {
  TRY_VOID(enter(path, life_.disk().options().write));
  TRY(std::unique_ptr<Handle> handle, open_now(path, options));
  return make_blocking_file(std::move(handle));
}

Result<std::unique_ptr<FileLock>> SimFiles::lock(const std::string& path) {
  TRY_VOID(enter(path, life_.disk().options().write));
  TRY(std::shared_ptr<FileNode> file, life_.disk().open(path, Create::if_missing));
  std::uint64_t ticket = 0;
  if (!life_.disk().lock(path, ticket)) return fail(Code::busy, path + ": locked by another process");
  return std::make_unique<SimLock>(life_.disk(), path, ticket);
}

Result<std::unique_ptr<FileLock>> SimFiles::claim(const std::string& path) {
  TRY_VOID(enter(path, life_.disk().options().read));
  TRY(std::shared_ptr<FileNode> file, life_.disk().open(path, Create::never));
  std::uint64_t ticket = 0;
  if (!life_.disk().lock(path, ticket)) return fail(Code::busy, path + ": held by another process");
  return std::make_unique<SimLock>(life_.disk(), path, ticket);
}
Result<> SimFiles::make_directories(const std::string& path) {
  TRY_VOID(enter(path, life_.disk().options().write));
  return life_.disk().make_directories(path);
}
Result<> SimFiles::remove(const std::string& path) {
  TRY_VOID(enter(path, life_.disk().options().write));
  return life_.disk().remove(path);
}
Result<> SimFiles::rename(const std::string& from, const std::string& to) {
  TRY_VOID(enter(from, life_.disk().options().write));
  return life_.disk().rename(from, to);
}
Result<> SimFiles::sync_directory(const std::string& path) {
  TRY_VOID(enter(path, life_.disk().options().sync));
  return life_.disk().sync_directory(path);
}
Result<std::vector<DirectoryEntry>> SimFiles::list(const std::string& path) {
  TRY_VOID(enter(path, life_.disk().options().read));
  return life_.disk().list(path);
}
Result<bool> SimFiles::exists(const std::string& path) {
  TRY_VOID(enter(path, life_.disk().options().read));
  return life_.disk().exists(path);
}
Result<PathKind> SimFiles::kind_of(const std::string& path) {
  TRY_VOID(enter(path, life_.disk().options().read));
  const Disk::Node* node = life_.disk().find(path);
  if (node == nullptr) return PathKind::nothing;
  return node->directory ? PathKind::directory : PathKind::file;
}
Result<Bytes> SimFiles::free_space(const std::string& path) {
  TRY_VOID(enter(path, life_.disk().options().read));
  std::uint64_t used = life_.disk().used().value, capacity = life_.disk().capacity().value;
  return Bytes{capacity > used ? capacity - used : 0};
}

}  // namespace lockstep::os::sim
