// Files, with two faces: File for loops (asynchronous), BlockingFile and Files for worker jobs only.
// Every error names the path and what the system said. A failed sync is final for that file: nothing is retried here.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/base.h"
#include "rt/rt.h"

namespace lockstep::os {

enum class Create { never, if_missing, must_be_new };

struct OpenOptions {
  Create create = Create::never;
  bool read_only = false;
  bool direct = false;   // past the page cache: offsets, lengths and memory in multiples of 4096
  unsigned syncs = 1;    // of a File: so many sync() may run at once; others wait their turn
};

class File {
 public:
  virtual ~File() = default;

  // All of `into`, or an error; past the end is out_of_range. `into` must outlive the call.
  virtual rt::Task<Result<>> read(Bytes at, MutSpan into) = 0;
  // At once when the page cache has all of it (true); false when it would have to wait.
  virtual Result<bool> try_read(Bytes at, MutSpan into) = 0;
  // All of `parts`, one after the other, or an error. The bytes must outlive the call.
  virtual rt::Task<Result<>> write(Bytes at, std::vector<Span> parts) = 0;
  // Into the page cache on the caller's stack: survives the death of the process, not a power cut. Not for direct files.
  virtual Result<> write_now(Bytes at, std::span<const Span> parts) = 0;
  // Asks the kernel to begin writing these bytes out. A hint: says nothing about durability.
  virtual void start_writeback(Bytes at, Bytes length) = 0;
  // After it, everything written before the call survives a power cut (data and size). One that fails takes those that run beside it along.
  virtual rt::Task<Result<>> sync() = 0;
  // Space for [at, at+length), reading as zeroes where nothing was written; grows the file.
  virtual rt::Task<Result<>> allocate(Bytes at, Bytes length) = 0;
  // Gives space back; the range reads as zeroes. Size stays.
  virtual rt::Task<Result<>> punch(Bytes at, Bytes length) = 0;
  [[nodiscard]] virtual Bytes size() const = 0;
  [[nodiscard]] virtual const std::string& path() const = 0;
};

class BlockingFile {
 public:
  virtual ~BlockingFile() = default;
  virtual Result<std::size_t> read(Bytes at, MutSpan into) = 0;   // fewer bytes only at the end of the file
  virtual Result<> write(Bytes at, Span from) = 0;
  virtual Result<> truncate(Bytes size) = 0;
  virtual Result<> allocate(Bytes at, Bytes length) = 0;
  virtual Result<> punch(Bytes at, Bytes length) = 0;              // zeroes, whose space is given back where it can be; size stays
  virtual Result<> sync() = 0;                                     // data and size
  [[nodiscard]] virtual Result<Bytes> size() = 0;
  [[nodiscard]] virtual const std::string& path() const = 0;
};

// Held until it dies.
class FileLock {
 public:
  virtual ~FileLock() = default;
};

enum class PathKind { nothing, file, device, directory, other };   // device: a block device

struct DirectoryEntry {
  std::string name;
  bool is_directory = false;
};

class Files {
 public:
  virtual ~Files() = default;

  // The asynchronous face: opened through a worker, then used on `loop` only, which is the caller's.
  virtual rt::Task<Result<std::unique_ptr<File>>> open(rt::Loop& loop, std::string path, OpenOptions options) = 0;

  // Worker jobs only, from here down.
  virtual Result<std::unique_ptr<BlockingFile>> open_blocking(const std::string& path, OpenOptions options) = 0;
  virtual Result<std::unique_ptr<FileLock>> lock(const std::string& path) = 0;   // busy when somebody holds it
  // The same for a file or a device that is there, and leaves its bytes alone. busy also when the system itself uses the device (mounted,
  // part of an array).
  virtual Result<std::unique_ptr<FileLock>> claim(const std::string& path) = 0;
  virtual Result<> make_directories(const std::string& path) = 0;
  virtual Result<> remove(const std::string& path) = 0;                          // a file or an empty directory
  virtual Result<> rename(const std::string& from, const std::string& to) = 0;   // replaces `to`
  virtual Result<> sync_directory(const std::string& path) = 0;                  // makes creations and renames in it durable
  virtual Result<std::vector<DirectoryEntry>> list(const std::string& path) = 0; // sorted by name
  [[nodiscard]] virtual Result<bool> exists(const std::string& path) = 0;
  [[nodiscard]] virtual Result<PathKind> kind_of(const std::string& path) = 0;   // links are followed
  [[nodiscard]] virtual Result<Bytes> free_space(const std::string& path) = 0;
};

}  // namespace lockstep::os
