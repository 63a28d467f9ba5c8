// SQLite's codes as ours.
#include "db/connection_state.h"

namespace lockstep::db::detail {
namespace {

Code code_of(int rc) {
  switch (rc) {
    case SQLITE_IOERR_DATA:
    case SQLITE_IOERR_CORRUPTFS: return Code::corrupt;
    case SQLITE_CONSTRAINT_UNIQUE:
    case SQLITE_CONSTRAINT_PRIMARYKEY:
    case SQLITE_CONSTRAINT_ROWID: return Code::exists;
    default: break;
  }
  switch (rc & 0xff) {
    case SQLITE_FULL: return Code::no_space;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB: return Code::corrupt;
    case SQLITE_BUSY:
    case SQLITE_LOCKED: return Code::busy;
    case SQLITE_READONLY: return Code::read_only;
    case SQLITE_INTERRUPT:
    case SQLITE_ABORT: return Code::cancelled;
    case SQLITE_CONSTRAINT:
    case SQLITE_MISMATCH:
    case SQLITE_TOOBIG:
    case SQLITE_RANGE:
    case SQLITE_AUTH:
    case SQLITE_ERROR: return Code::invalid;
    default: return Code::io;
  }
}

}  // namespace

Error ConnectionState::error_of(int rc) {
  int extended = sqlite != nullptr ? sqlite3_extended_errcode(sqlite) : rc;
  if ((extended & 0xff) != (rc & 0xff)) extended = rc;
  int primary = rc & 0xff;
  Error error{code_of(extended), path + ": "};
  auto world = vfs.take_error();
  bool from_below = primary == SQLITE_IOERR || primary == SQLITE_FULL || primary == SQLITE_CANTOPEN || primary == SQLITE_CORRUPT;
  if (world && from_below) {
    error = *world;
  } else {
    error.message += sqlite != nullptr ? sqlite3_errmsg(sqlite) : sqlite3_errstr(rc);
    if (code_of(extended) == Code::corrupt && primary == SQLITE_CORRUPT)
      error.message += " (pages match their checksums, their contents do not fit together)";
  }
  if (in_transaction && !undone_by && sqlite != nullptr && sqlite3_get_autocommit(sqlite) != 0) undone_by = error;
  return error;
}

}  // namespace lockstep::db::detail
