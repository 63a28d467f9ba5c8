// Vfs: SQLite's view of the world, one for each connection, over os. Private to db.
#pragma once

#include <sqlite3.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "db/shared.h"
#include "os/os.h"

namespace lockstep::db {

inline constexpr int page_size = 4096;
inline constexpr int checksum_size = 8;   // at the end of each page of the database file

// XXH3 over the page without its last 8 bytes, and over the page's number: a page in another's place is found too.
[[nodiscard]] Checksum page_checksum(Span page, std::uint64_t number);
// A page of the database file, as read. All zeroes is a page that was never written.
[[nodiscard]] bool page_is_good(Span page, std::uint64_t number);

class Vfs {
 public:
  Vfs(os::Files& files, os::Random& random, const rt::Clock& clock, Shared& shared);
  ~Vfs();
  Vfs(const Vfs&) = delete;
  Vfs& operator=(const Vfs&) = delete;

  [[nodiscard]] const char* name() const { return name_.c_str(); }
  // What the world said when SQLite last heard no; taken by whoever reports it.
  [[nodiscard]] std::optional<Error> take_error() { return std::exchange(error_, std::nullopt); }
  // Remembers the error; returns what SQLite is to be told.
  int failed(Error error, int code);

  [[nodiscard]] os::Files& files() { return files_; }
  [[nodiscard]] os::Random& random() { return random_; }
  [[nodiscard]] const rt::Clock& clock() const { return clock_; }
  [[nodiscard]] Shared& shared() { return shared_; }

 private:
  os::Files& files_;
  os::Random& random_;
  const rt::Clock& clock_;
  Shared& shared_;
  std::string name_;
  std::optional<Error> error_;
  sqlite3_vfs sqlite_{};
};

// One open file of SQLite.
class VfsFile {
 public:
  enum class Kind { database, log, journal };
  static Result<std::unique_ptr<VfsFile>> open(Vfs& vfs, const std::string& path, Kind kind, os::OpenOptions options);

  int read(void* into, int amount, sqlite3_int64 at);
  int write(const void* from, int amount, sqlite3_int64 at);
  int truncate(sqlite3_int64 size);
  int sync();
  int size(sqlite3_int64* out);
  Kind kind() const { return kind_; }
  Vfs& vfs() { return vfs_; }
  os::BlockingFile& file() { return *file_; }

  int lock_held = 0;
  Shared::Slots slots;
  bool in_index = false;

 private:
  VfsFile(Vfs& vfs, Kind kind, std::unique_ptr<os::BlockingFile> file, bool is_new)
      : vfs_(vfs), kind_(kind), file_(std::move(file)), name_unsynced_(is_new) {}
  int check_page(Span page, std::uint64_t number);
  int wrong_page_size(int amount);
  int check_log(Span bytes, std::uint64_t at);
  void remember_log(Span bytes, std::uint64_t at);

  Vfs& vfs_;
  Kind kind_;
  std::unique_ptr<os::BlockingFile> file_;
  bool name_unsynced_;   // it was created here and its directory is not synced yet
};

[[nodiscard]] const sqlite3_io_methods* io_methods();
struct VfsFileSlot {   // what SQLite allocates for a file
  sqlite3_file base;
  VfsFile* file;
};

// SQLite has one generator of random numbers for the whole process; this starts it anew from `random`.
void seed_sqlite(os::Random& random);

[[nodiscard]] std::string parent_of(const std::string& path);

}  // namespace lockstep::db
