// Files of SQLite: reads that check, writes that seal.
#include <cstring>

#include "db/vfs.h"

namespace lockstep::db {
namespace {

constexpr std::uint64_t log_header = 32, frame_header = 24, frame_size = frame_header + page_size;

bool is_page(int amount, std::uint64_t at) { return amount == page_size && at % page_size == 0; }

// The frame whose page lies at `at` in the log, if one does.
std::optional<std::uint64_t> frame_at(std::uint64_t at) {
  if (at < log_header + frame_header || (at - log_header) % frame_size != frame_header) return std::nullopt;
  return (at - log_header) / frame_size;
}

}  // namespace

Checksum page_checksum(Span page, std::uint64_t number) {
  std::byte bound[16];
  store_le(bound, checksum_of(page.first(page_size - checksum_size)).value);
  store_le(bound + 8, number);
  return checksum_of(bound);
}

bool page_is_good(Span page, std::uint64_t number) {
  return page_checksum(page, number).value == load_le<std::uint64_t>(page.data() + page_size - checksum_size);
}

Result<std::unique_ptr<VfsFile>> VfsFile::open(Vfs& vfs, const std::string& path, Kind kind, os::OpenOptions options) {
  bool is_new = false;
  if (options.create != os::Create::never) {
    TRY(bool there, vfs.files().exists(path));
    is_new = !there;
  }
  TRY(std::unique_ptr<os::BlockingFile> file, vfs.files().open_blocking(path, options));
  return std::unique_ptr<VfsFile>(new VfsFile(vfs, kind, std::move(file), is_new));
}

int VfsFile::check_page(Span page, std::uint64_t number) {
  if (page_is_good(page, number)) return SQLITE_OK;
  return vfs_.failed(Error{Code::corrupt, file_->path() + ": page " + std::to_string(number) +
                                              ": the bytes do not match their checksum"},
                     SQLITE_IOERR_DATA);
}

int VfsFile::wrong_page_size(int amount) {
  return vfs_.failed(Error{Code::corrupt, file_->path() + ": its pages have " + std::to_string(amount) + " bytes; ours have " +
                                              std::to_string(page_size)},
                     SQLITE_IOERR_DATA);
}

// Recovery reads whole frames and checks them by SQLite's own checksums: what it saw is remembered. Later each page is
// read alone and must still be that.
int VfsFile::check_log(Span bytes, std::uint64_t at) {
  if (bytes.size() == frame_size && at >= log_header && (at - log_header) % frame_size == 0) {
    remember_log(bytes.subspan(frame_header), at + frame_header);
    return SQLITE_OK;
  }
  auto frame = frame_at(at);
  if (!frame || bytes.size() != page_size) return SQLITE_OK;
  auto known = vfs_.shared().logged(*frame);
  if (!known || *known == checksum_of(bytes)) return SQLITE_OK;
  return vfs_.failed(Error{Code::corrupt, file_->path() + ": page of frame " + std::to_string(*frame + 1) +
                                              ": the bytes are not those that were written"},
                     SQLITE_IOERR_DATA);
}

void VfsFile::remember_log(Span bytes, std::uint64_t at) {
  auto frame = frame_at(at);
  if (frame && bytes.size() == page_size) {
    vfs_.shared().log_page(*frame, checksum_of(bytes));
  } else if (at + bytes.size() > log_header && !bytes.empty()) {
    std::uint64_t first = at < log_header ? 0 : (at - log_header) / frame_size;
    std::uint64_t last = (at + bytes.size() - 1 - log_header) / frame_size;
    if (bytes.size() > frame_header) vfs_.shared().forget_log_pages(first, last);
  }
}

int VfsFile::read(void* into, int amount, sqlite3_int64 offset) {
  auto at = static_cast<std::uint64_t>(offset);
  MutSpan bytes(static_cast<std::byte*>(into), static_cast<std::size_t>(amount));
  auto n = file_->read(Bytes{at}, bytes);
  if (!n) return vfs_.failed(std::move(n).error(), SQLITE_IOERR_READ);
  if (*n < bytes.size()) {
    std::memset(bytes.data() + *n, 0, bytes.size() - *n);
    return SQLITE_IOERR_SHORT_READ;
  }
  if (kind_ == Kind::database && !is_page(amount, at) && amount >= 512) return wrong_page_size(amount);
  // Parts of a page are read only to look at the header, before the log has been looked at: page 1 may be torn then.
  if (kind_ == Kind::database && is_page(amount, at)) return check_page(bytes, at / page_size + 1);
  if (kind_ == Kind::log) return check_log(bytes, at);
  return SQLITE_OK;
}

int VfsFile::write(const void* from, int amount, sqlite3_int64 offset) {
  if (auto poison = vfs_.shared().poisoned()) return vfs_.failed(*poison, SQLITE_IOERR_WRITE);
  auto at = static_cast<std::uint64_t>(offset);
  Span bytes(static_cast<const std::byte*>(from), static_cast<std::size_t>(amount));
  Result<> done;
  if (kind_ == Kind::database) {
    if (!is_page(amount, at)) return wrong_page_size(amount);
    alignas(16) std::byte sealed[page_size];
    std::memcpy(sealed, bytes.data(), page_size);
    store_le(sealed + page_size - checksum_size, page_checksum(bytes, at / page_size + 1).value);
    done = file_->write(Bytes{at}, sealed);
  } else {
    if (kind_ == Kind::log) remember_log(bytes, at);
    done = file_->write(Bytes{at}, bytes);
  }
  if (!done) return vfs_.failed(std::move(done).error(), SQLITE_IOERR_WRITE);
  return SQLITE_OK;
}

int VfsFile::truncate(sqlite3_int64 size) {
  if (auto poison = vfs_.shared().poisoned()) return vfs_.failed(*poison, SQLITE_IOERR_TRUNCATE);
  auto bytes = static_cast<std::uint64_t>(size);
  if (kind_ == Kind::log) vfs_.shared().forget_log_pages(bytes < log_header ? 0 : (bytes - log_header) / frame_size, ~0ull - 1);
  if (auto done = file_->truncate(Bytes{bytes}); !done) return vfs_.failed(std::move(done).error(), SQLITE_IOERR_TRUNCATE);
  return SQLITE_OK;
}

int VfsFile::sync() {
  if (auto poison = vfs_.shared().poisoned()) return vfs_.failed(*poison, SQLITE_IOERR_FSYNC);
  auto done = file_->sync();
  if (done && name_unsynced_) done = vfs_.files().sync_directory(parent_of(file_->path()));
  if (!done) {
    vfs_.shared().poison(done.error());
    return vfs_.failed(std::move(done).error(), SQLITE_IOERR_FSYNC);
  }
  name_unsynced_ = false;
  return SQLITE_OK;
}

int VfsFile::size(sqlite3_int64* out) {
  auto bytes = file_->size();
  if (!bytes) return vfs_.failed(std::move(bytes).error(), SQLITE_IOERR_FSTAT);
  *out = static_cast<sqlite3_int64>(bytes->value);
  return SQLITE_OK;
}

// --- SQLite's table of functions

namespace {

VfsFile& self(sqlite3_file* slot) { return *reinterpret_cast<VfsFileSlot*>(slot)->file; }
Shared& shared(sqlite3_file* slot) { return self(slot).vfs().shared(); }

int close_file(sqlite3_file* slot) {
  VfsFile* file = &self(slot);
  file->vfs().shared().unlock(file->lock_held, SQLITE_LOCK_NONE);
  if (file->in_index) file->vfs().shared().leave_index(file->slots);
  delete file;
  reinterpret_cast<VfsFileSlot*>(slot)->file = nullptr;
  return SQLITE_OK;
}
int read_file(sqlite3_file* slot, void* into, int n, sqlite3_int64 at) { return self(slot).read(into, n, at); }
int write_file(sqlite3_file* slot, const void* from, int n, sqlite3_int64 at) { return self(slot).write(from, n, at); }
int truncate_file(sqlite3_file* slot, sqlite3_int64 size) { return self(slot).truncate(size); }
int sync_file(sqlite3_file* slot, int) { return self(slot).sync(); }
int size_of_file(sqlite3_file* slot, sqlite3_int64* out) { return self(slot).size(out); }

int lock_file(sqlite3_file* slot, int level) {
  if (self(slot).kind() != VfsFile::Kind::database) return SQLITE_OK;
  return shared(slot).lock(self(slot).lock_held, level) ? SQLITE_OK : SQLITE_BUSY;
}
int unlock_file(sqlite3_file* slot, int level) {
  if (self(slot).kind() == VfsFile::Kind::database) shared(slot).unlock(self(slot).lock_held, level);
  return SQLITE_OK;
}
int check_reserved(sqlite3_file* slot, int* out) {
  *out = shared(slot).reserved() ? 1 : 0;
  return SQLITE_OK;
}
int control(sqlite3_file*, int, void*) { return SQLITE_NOTFOUND; }
int sector(sqlite3_file*) { return 512; }
// A write leaves the bytes around it alone, whatever happens to the power: disks rewrite sectors whole.
int characteristics(sqlite3_file*) { return SQLITE_IOCAP_POWERSAFE_OVERWRITE; }

int map_index(sqlite3_file* slot, int number, int size, int extend, void volatile** out) {
  VfsFile& file = self(slot);
  if (!file.in_index) {
    shared(slot).enter_index();
    file.in_index = true;
  }
  *out = shared(slot).region(number, size, extend != 0);
  return SQLITE_OK;
}
int lock_index(sqlite3_file* slot, int first, int count, int flags) {
  VfsFile& file = self(slot);
  if ((flags & SQLITE_SHM_UNLOCK) != 0) {
    shared(slot).unlock_slots(file.slots, first, count);
    return SQLITE_OK;
  }
  return shared(slot).lock_slots(file.slots, first, count, (flags & SQLITE_SHM_EXCLUSIVE) != 0) ? SQLITE_OK : SQLITE_BUSY;
}
void index_barrier(sqlite3_file* slot) { shared(slot).barrier(); }
int unmap_index(sqlite3_file* slot, int) {
  VfsFile& file = self(slot);
  if (file.in_index) shared(slot).leave_index(file.slots);
  file.in_index = false;
  return SQLITE_OK;
}

}  // namespace

const sqlite3_io_methods* io_methods() {
  static const sqlite3_io_methods methods = {
      2,         close_file,  read_file,    write_file,     truncate_file, sync_file,       size_of_file,
      lock_file, unlock_file, check_reserved, control,      sector,        characteristics, map_index,
      lock_index, index_barrier, unmap_index, nullptr,      nullptr};
  return &methods;
}

}  // namespace lockstep::db
