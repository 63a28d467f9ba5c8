// SimFiles: the files of one life, over its host's disk. Private to os/sim.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "os/file.h"
#include "os/sim/disk.h"
#include "os/sim/file_node.h"
#include "os/sim/life.h"

namespace lockstep::os::sim {

// One open file of one life: the operations themselves, each at one instant.
class Handle {
 public:
  Handle(Life& life, std::string path, std::shared_ptr<FileNode> node, OpenOptions options);
  ~Handle();
  Handle(const Handle&) = delete;
  Handle& operator=(const Handle&) = delete;

  Result<std::size_t> read(std::uint64_t at, MutSpan into);   // fewer only at the end
  Result<> write(std::uint64_t at, std::span<const Span> parts);
  Result<> truncate(std::uint64_t size);
  Result<> allocate(std::uint64_t at, std::uint64_t length);
  Result<> punch(std::uint64_t at, std::uint64_t length);
  // Fails also when another one met a failure that the program had not heard of, `heard` so far, when it began this one.
  Result<> sync(std::uint64_t heard);
  [[nodiscard]] std::uint64_t failures_heard() const { return failures_heard_; }
  void hear() { failures_heard_ = node_->syncs_failed; }
  void start_writeback(std::uint64_t at, std::uint64_t length);

  [[nodiscard]] Life& life() const { return life_; }
  [[nodiscard]] const std::string& path() const { return path_; }
  [[nodiscard]] std::uint64_t size() const { return node_->content().size(); }
  [[nodiscard]] const OpenOptions& options() const { return options_; }

 private:
  void check_aligned(std::uint64_t at, Span memory) const;
  // Before anything changes: alive, writable, counted, and room for it.
  Result<> may_change(std::uint64_t at, std::uint64_t length);
  void write_begun(std::uint64_t at, Buffer whole);
  [[nodiscard]] std::unexpected<Error> dead() const { return fail(Code::io, path_ + ": the host is dead"); }

  Life& life_;
  std::string path_;
  std::shared_ptr<FileNode> node_;
  OpenOptions options_;
  std::uint64_t failures_heard_;   // of the node's syncs
};

class SimFiles final : public Files {
 public:
  explicit SimFiles(Life& life) : life_(life) {}

  rt::Task<Result<std::unique_ptr<File>>> open(rt::Loop& loop, std::string path, OpenOptions options) override;
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

 private:
  Result<std::unique_ptr<Handle>> open_now(const std::string& path, OpenOptions options);
  // Blocking calls: never from a loop's turn; they take time. An error when the host is dead.
  Result<> enter(const std::string& path, Range takes);
  Life& life_;
};

std::unique_ptr<File> make_async_file(std::unique_ptr<Handle> handle, rt::Loop& loop);
std::unique_ptr<BlockingFile> make_blocking_file(std::unique_ptr<Handle> handle);

}  // namespace lockstep::os::sim
