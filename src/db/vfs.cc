#include "db/vfs.h"

#include <atomic>
#include <chrono>
#include <cstring>
#include <mutex>
#include <thread>

namespace lockstep::db {
namespace {

Vfs& self(sqlite3_vfs* vfs) { return *static_cast<Vfs*>(vfs->pAppData); }

int open_file(sqlite3_vfs* vfs, sqlite3_filename path, sqlite3_file* slot, int flags, int* flags_out) {
  slot->pMethods = nullptr;
  VfsFile::Kind kind;
  if ((flags & SQLITE_OPEN_MAIN_DB) != 0) kind = VfsFile::Kind::database;
  else if ((flags & SQLITE_OPEN_WAL) != 0) kind = VfsFile::Kind::log;
  else if ((flags & SQLITE_OPEN_MAIN_JOURNAL) != 0) kind = VfsFile::Kind::journal;
  else return self(vfs).failed(Error{Code::unsupported, "temporary files are not offered"}, SQLITE_CANTOPEN);
  os::OpenOptions options;
  if ((flags & SQLITE_OPEN_EXCLUSIVE) != 0) options.create = os::Create::must_be_new;
  else if ((flags & SQLITE_OPEN_CREATE) != 0) options.create = os::Create::if_missing;
  options.read_only = (flags & SQLITE_OPEN_READONLY) != 0;
  auto file = VfsFile::open(self(vfs), path, kind, options);
  if (!file) return self(vfs).failed(std::move(file).error(), SQLITE_CANTOPEN);
  reinterpret_cast<VfsFileSlot*>(slot)->file = file->release();
  slot->pMethods = io_methods();
  if (flags_out != nullptr) *flags_out = flags;
  return SQLITE_OK;
}

int delete_file(sqlite3_vfs* vfs, const char* path, int sync_directory) {
  os::Files& files = self(vfs).files();
  if (auto poison = self(vfs).shared().poisoned()) return self(vfs).failed(*poison, SQLITE_IOERR_DELETE);
  if (auto done = files.remove(path); !done) {
    if (done.error().code == Code::not_found) return SQLITE_IOERR_DELETE_NOENT;
    return self(vfs).failed(std::move(done).error(), SQLITE_IOERR_DELETE);
  }
  if (sync_directory != 0)
    if (auto done = files.sync_directory(parent_of(path)); !done) {
      self(vfs).shared().poison(done.error());
      return self(vfs).failed(std::move(done).error(), SQLITE_IOERR_DIR_FSYNC);
    }
  return SQLITE_OK;
}

// An empty file counts as missing, as SQLite expects of its journals.
int access_file(sqlite3_vfs* vfs, const char* path, int flags, int* out) {
  *out = 0;
  os::Files& files = self(vfs).files();
  auto there = files.exists(path);
  if (!there) return self(vfs).failed(std::move(there).error(), SQLITE_IOERR_ACCESS);
  if (!*there) return SQLITE_OK;
  if (flags != SQLITE_ACCESS_EXISTS) {
    *out = 1;
    return SQLITE_OK;
  }
  auto file = files.open_blocking(path, {.read_only = true});
  if (!file) return self(vfs).failed(std::move(file).error(), SQLITE_IOERR_ACCESS);
  auto size = (*file)->size();
  if (!size) return self(vfs).failed(std::move(size).error(), SQLITE_IOERR_ACCESS);
  *out = *size > 0_B ? 1 : 0;
  return SQLITE_OK;
}

int full_path(sqlite3_vfs*, const char* path, int most, char* out) {
  std::size_t n = std::strlen(path) + 1;
  if (n > static_cast<std::size_t>(most)) return SQLITE_CANTOPEN;
  std::memcpy(out, path, n);
  return SQLITE_OK;
}

int randomness(sqlite3_vfs* vfs, int amount, char* out) {
  self(vfs).random().fill({reinterpret_cast<std::byte*>(out), static_cast<std::size_t>(amount)});
  return amount;
}

// SQLite waits like this for one thing: that another thread takes its hands off the log's index, for whose states it has
// only so many tries. What it waits for is a thread, not time; where there is one thread, nobody is ever in the way.
int sleep(sqlite3_vfs*, int microseconds) {
  std::this_thread::sleep_for(std::chrono::microseconds(microseconds));
  return microseconds;
}

int current_time_ms(sqlite3_vfs* vfs, sqlite3_int64* out) {
  constexpr sqlite3_int64 unix_epoch_ms = 210866760000000;   // of the Julian calendar
  *out = unix_epoch_ms + self(vfs).clock().wall().us / 1000;
  return SQLITE_OK;
}

int current_time(sqlite3_vfs* vfs, double* out) {
  sqlite3_int64 ms = 0;
  current_time_ms(vfs, &ms);
  *out = static_cast<double>(ms) / 86400000.0;
  return SQLITE_OK;
}

int last_error(sqlite3_vfs*, int, char*) { return 0; }

// --- SQLite's one generator of random numbers is seeded through the default VFS.

thread_local os::Random* seed_source = nullptr;
sqlite3_vfs* system_vfs = nullptr;

int seed(sqlite3_vfs*, int amount, char* out) {
  if (seed_source == nullptr) return system_vfs->xRandomness(system_vfs, amount, out);
  seed_source->fill({reinterpret_cast<std::byte*>(out), static_cast<std::size_t>(amount)});
  return amount;
}

}  // namespace

void seed_sqlite(os::Random& random) {
  static std::once_flag once;
  static sqlite3_vfs seeding;
  std::call_once(once, [] {
    sqlite3_initialize();
    system_vfs = sqlite3_vfs_find(nullptr);
    CHECK(system_vfs != nullptr);
    seeding = *system_vfs;
    seeding.pNext = nullptr;
    seeding.zName = "lockstep-seed";
    seeding.xRandomness = seed;
    CHECK(sqlite3_vfs_register(&seeding, 1) == SQLITE_OK);
  });
  seed_source = &random;
  char byte;
  sqlite3_randomness(0, nullptr);
  sqlite3_randomness(1, &byte);
  seed_source = nullptr;
}

std::string parent_of(const std::string& path) {
  std::size_t slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

Vfs::Vfs(os::Files& files, os::Random& random, const rt::Clock& clock, Shared& shared)
    : files_(files), random_(random), clock_(clock), shared_(shared) {
  static std::atomic<std::uint64_t> made{0};   // SQLite finds a VFS by its name
  name_ = "lockstep-" + std::to_string(++made);
  sqlite_.iVersion = 2;
  sqlite_.szOsFile = sizeof(VfsFileSlot);
  sqlite_.mxPathname = 4096;
  sqlite_.zName = name_.c_str();
  sqlite_.pAppData = this;
  sqlite_.xOpen = open_file;
  sqlite_.xDelete = delete_file;
  sqlite_.xAccess = access_file;
  sqlite_.xFullPathname = full_path;
  sqlite_.xRandomness = randomness;
  sqlite_.xSleep = sleep;
  sqlite_.xCurrentTime = current_time;
  sqlite_.xGetLastError = last_error;
  sqlite_.xCurrentTimeInt64 = current_time_ms;
  CHECK(sqlite3_vfs_register(&sqlite_, 0) == SQLITE_OK);
}

Vfs::~Vfs() { sqlite3_vfs_unregister(&sqlite_); }

int Vfs::failed(Error error, int code) {
  if (error.code == Code::no_space) code = SQLITE_FULL;
  if (error.code == Code::corrupt) code = SQLITE_IOERR_DATA;
  error_ = std::move(error);
  return code;
}

}  // namespace lockstep::db
